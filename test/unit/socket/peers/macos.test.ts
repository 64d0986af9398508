import { describe, expect, test } from 'vitest'
import type { Identified } from '../../../../src/socket/peer.ts'
import type { AskSystem } from '../../../../src/socket/peers/ask-system.ts'
import { judgeFiles, judgeProcesses, judgeSockets, macPeers } from '../../../../src/socket/peers/macos.ts'
import type { Peers } from '../../../../src/socket/who-is-calling.ts'
import type { Ends } from '../../../../src/system/connection-table.ts'

// As lsof 4.95 prints with -FpufnT (on Linux, ours at 37601): the calling process, which has a child, then the agent itself.
const sockets = `p812
u501
f23
n127.0.0.1:53060->127.0.0.1:37601
TST=ESTABLISHED
TQR=0
TQS=0
p813
u501
f23
n127.0.0.1:53060->127.0.0.1:37601
TST=ESTABLISHED
TQR=0
TQS=0
f25
n127.0.0.1:53060->127.0.0.1:37601
TST=ESTABLISHED
p900
u501
f9
n127.0.0.1:53061->127.0.0.1:37601
TST=CLOSE_WAIT
f24
n127.0.0.1:37601->127.0.0.1:53060
TST=ESTABLISHED
TQR=0
TQS=0
`
// ps -axww -o pid=,ppid=,lstart=,args=
const processes = `    1     0 Sat Nov 21 20:43:12 2026 /sbin/launchd
  700     1 Sun Nov 22 09:01:44 2026 -zsh
  812   700 Sun Nov  2 10:04:49 2026 python3 -u tool.py --site x
  813   812 Sun Nov  2 10:05:01 2026 python3 -u tool.py --site x
  900     1 Sun Nov 22 08:00:00 2026 /Applications/SG Session.app/Contents/MacOS/SG Session
`
// lsof -Fpfn -dtxt,cwd
const files = `p700
fcwd
n/Users/artist
ftxt
n/bin/zsh
p812
fcwd
n/Users/artist/tools/caf\\xc3\\xa9
ftxt
n/usr/local/bin/python3.11
ftxt
n/usr/lib/dyld
p813
fcwd
n/Users/artist/tools/caf\\xc3\\xa9
ftxt
n/usr/local/bin/python3.11
`

const ends: Ends = { localAddress: '127.0.0.1', localPort: 37601, remoteAddress: '127.0.0.1', remotePort: 53060 }

/** A Mac that says this, and what it was asked. */
function mac(said: { sockets?: string; processes?: string; files?: string }): { peers: Peers; asked: string[][] } {
  const asked: string[][] = []
  const ask: AskSystem = async (command, args) => {
    asked.push([command, ...args])
    if (command === '/bin/ps') return said.processes ?? processes
    return args.some((argument) => argument.startsWith('-i')) ? (said.sockets ?? sockets) : (said.files ?? files)
  }
  return { peers: macPeers(ask), asked }
}

const identify = (peers: Peers, claimed = 812, whose = ends): Promise<Identified> =>
  peers.identify(peers.meet(whose), claimed)

describe('on macOS, who is calling', () => {
  test('is who lsof says holds the other end, with the program and script of it, and its parents', async () => {
    const { peers } = mac({})
    expect(await identify(peers)).toEqual({
      kind: 'known',
      peer: {
        pid: 812,
        pids: [812, 813],
        uid: 501,
        executable: '/usr/local/bin/python3.11',
        script: '/Users/artist/tools/café/tool.py',
        startMark: 'Sun Nov  2 10:04:49 2026',
        socketMark: '37601 53060',
        parents: [{ pid: 700, executable: '/bin/zsh', startMark: 'Sun Nov 22 09:01:44 2026' }],
      },
    })
  })

  test('is asked for once by all who wait, with nothing in the arguments but numbers', async () => {
    const { peers, asked } = mac({})
    await Promise.all([identify(peers), identify(peers, 813), identify(peers, 1)])
    expect(asked).toEqual([
      ['/usr/sbin/lsof', '-nP', '-w', '-iTCP@127.0.0.1:37601', '-sTCP:ESTABLISHED', '-FpufnT'],
      ['/bin/ps', '-axww', '-o', 'pid=,ppid=,lstart=,args='],
      ['/usr/sbin/lsof', '-nP', '-w', '-a', '-p812,700,813', '-dtxt,cwd', '-Fpfn'],
    ])
  })

  test.each([
    ['nobody that lsof shows', { sockets: '' }],
    ['only the agent’s own end', { sockets: sockets.slice(sockets.indexOf('p900')) }],
    ['somebody of another connection', { sockets: sockets.replaceAll('53060', '53062') }],
  ])('is unknown, and no user’s, when there is %s', async (_name, said) => {
    const found = await identify(mac(said).peers)
    expect(found.kind).toBe('unknown')
    expect(found).not.toHaveProperty('uid')
  })

  test.each([
    ['has no file that lsof shows', { files: files.replace('p813', 'p814') }],
    ['is not in the list of processes', { processes: processes.replace('  813', '  815') }],
    ['runs another program than the one it shares with', { files: files.replace(/python3\.11\n$/, 'python3.12\n') }],
    [
      'runs another script than the one it shares with',
      { processes: processes.replace(/tool\.py(?!.*\n.*tool)/, 'x.py') },
    ],
  ])('is unknown, but this user’s, when it %s', async (_name, said) => {
    expect(await identify(mac(said).peers)).toMatchObject({ kind: 'unknown', uid: 501 })
  })

  test('is still the same until anything is different', async () => {
    const found = await identify(mac({}).peers)
    if (found.kind !== 'known') throw new Error(found.because)
    expect(await mac({}).peers.isStill(found.peer)).toBe(true)
    for (const said of [
      { sockets: '' },
      { sockets: sockets.replace('p813', 'p816') },
      { processes: processes.replace('10:04:49', '10:04:50') },
      { files: files.replaceAll('python3.11', 'python3.12') },
    ])
      expect(await mac(said).peers.isStill(found.peer)).toBe(false)
  })
})

test.each(['', 'x', 'p\nu\nn\nT', 'pNaN\nfx\nnx->y\nTST=ESTABLISHED', '\u0000'])('lsof and ps may say %j', (text) => {
  expect(judgeSockets(text, 37601).size).toBe(0)
  expect(judgeProcesses(text).size).toBe(0)
  expect([...judgeFiles(text).values()].every((one) => one.executable === undefined)).toBe(true)
})

test('a row without a number where one belongs is nobody’s, and takes nothing from the row before it', () => {
  const block = (pid: number) => `p${pid}\nu501\nf23\nn127.0.0.1:53060->127.0.0.1:37601\nTST=ESTABLISHED\n`
  const [first, second] = [block(812), block(813)]
  expect(judgeSockets(first, 37601).size).toBe(1)
  for (const broken of [
    second.replace('p813', 'p'),
    second.replace('p813', 'p8x3'),
    second.replace('u501\n', ''),
    second.replace('u501', 'u'),
    second.replace(/n127.*\n/, ''),
  ]) {
    expect([...judgeSockets(first + broken, 37601).values()].map(({ pids }) => pids)).toEqual([[812]])
  }
})
