import { describe, expect, test } from 'vitest'
import type { Identified } from '../../../../src/socket/peer.ts'
import { judgeAnswer, splitCommandLine, windowsPeers } from '../../../../src/socket/peers/windows.ts'
import type { Peers } from '../../../../src/socket/who-is-calling.ts'
import type { Ends } from '../../../../src/system/connection-table.ts'

const me = 'S-1-5-21-1004336348-1177238915-682003330-512'
const started = '639000000000000000'
const answer = {
  me,
  connections: [
    { port: 53060, pid: 812 },
    { port: 53061, pid: 900 },
    { port: 53062, pid: 4 },
  ],
  processes: [
    {
      pid: 812,
      parent: 700,
      path: 'C:\\Python311\\python.exe',
      line: '"C:\\Python311\\python.exe" -u "C:\\tools\\my tool.py" --site x',
      started,
      sid: me,
    },
    {
      pid: 700,
      parent: 1,
      path: 'C:\\Windows\\explorer.exe',
      line: 'C:\\Windows\\explorer.exe',
      started: '1',
      sid: null,
    },
    { pid: 900, parent: 700, path: 'C:\\x.exe', line: 'x', started, sid: 'S-1-5-18' },
    { pid: 4, parent: 0, path: null, line: null, started: null, sid: null },
  ],
}

const ends = (remotePort: number): Ends => ({
  ...{ localAddress: '127.0.0.1', localPort: 37601, remoteAddress: '127.0.0.1', remotePort },
})

function windows(said: unknown): { peers: Peers; asked: string[][] } {
  const asked: string[][] = []
  const output = typeof said === 'string' ? said : `\ufeff${JSON.stringify(said)}\r\n`
  const peers = windowsPeers(async (command, args) => {
    asked.push([command, ...args])
    return output
  })
  return { peers, asked }
}

const identify = (said: unknown, port = 53060): Promise<Identified> => {
  const { peers } = windows(said)
  return peers.identify(peers.meet(ends(port)), 812)
}

describe('on Windows, who is calling', () => {
  test('is the process that owns the other end, with its program, its script and its parents', async () => {
    expect(await identify(answer)).toEqual({
      kind: 'known',
      peer: {
        ...{ pid: 812, pids: [812], uid: -1, executable: 'C:\\Python311\\python.exe', script: 'C:\\tools\\my tool.py' },
        ...{ startMark: started, socketMark: '37601 53060' },
        parents: [{ pid: 700, executable: 'C:\\Windows\\explorer.exe', startMark: '1' }],
      },
    })
  })

  test('is asked for once by all who wait, of a program by its whole path, with no number but our port', async () => {
    const { peers, asked } = windows(answer)
    await Promise.all([53060, 53061, 53060].map((port) => peers.identify(peers.meet(ends(port)), 7777)))
    expect(asked).toHaveLength(1)
    const [command = '', ...args] = asked[0] ?? []
    expect(command).toMatch(/^C:\\Windows\\System32\\WindowsPowerShell\\v1\.0\\powershell\.exe$/i)
    expect(args.slice(0, 4)).toEqual(['-NoLogo', '-NoProfile', '-NonInteractive', '-Command'])
    expect(args[4]).toContain('-RemotePort 37601 ')
    expect(args[4]).not.toMatch(/53060|53061|7777/)
  })

  test.each([
    ['another user’s process', answer, 53061],
    ['a process nobody knows the owner of', answer, 53062],
    ['no process', answer, 53063],
    ['a system that says nothing', '', 53060],
    ['a system that says something else', 'Get-NetTCPConnection : not found', 53060],
    ['an answer that is cut off', JSON.stringify(answer).slice(0, -10), 53060],
    ['an answer without an owner', { ...answer, me: '' }, 53060],
  ])('is unknown, and no user’s, with %s', async (_name, said, port) => {
    const found = await identify(said, port)
    expect(found.kind).toBe('unknown')
    expect(found).not.toHaveProperty('uid')
  })

  test('is unknown, but this user’s, when its program file is not told', async () => {
    const [first, ...others] = answer.processes
    const hidden = { ...answer, processes: [{ ...first, path: null }, ...others] }
    expect(await identify(hidden)).toMatchObject({ kind: 'unknown', uid: -1 })
  })

  test('is still the same until anything is different', async () => {
    const found = await identify(answer)
    if (found.kind !== 'known') throw new Error(found.because)
    expect(await windows(answer).peers.isStill(found.peer)).toBe(true)
    const [first, ...others] = answer.processes
    for (const change of [{ started: '639000000000000001' }, { path: 'C:\\other.exe' }, { sid: null }]) {
      const changed = { ...answer, processes: [{ ...first, ...change }, ...others] }
      expect(await windows(changed).peers.isStill(found.peer)).toBe(false)
    }
    expect(await windows({ ...answer, connections: [] }).peers.isStill(found.peer)).toBe(false)
  })
})

// The rules of CommandLineToArgvW, and its own examples.
test.each([
  ['python tool.py', ['python', 'tool.py']],
  ['"C:\\Program Files\\x.exe"  "a b" c', ['C:\\Program Files\\x.exe', 'a b', 'c']],
  ['x "a\\\\b"', ['x', 'a\\\\b']],
  ['x a\\\\\\"b', ['x', 'a\\"b']],
  ['x a\\\\"b c" d', ['x', 'a\\b c', 'd']],
  ['x ""', ['x', '']],
  ['x C:\\folder\\', ['x', 'C:\\folder\\']],
  ['', []],
])('the command line %j is %j', (line, expected) => expect(splitCommandLine(line)).toEqual(expected))

test('a circle of parents ends', () => {
  const round = judgeAnswer(
    JSON.stringify({
      ...answer,
      processes: answer.processes.map((one) => (one.pid === 700 ? { ...one, parent: 812 } : one)),
    }),
  )
  expect(round.table.get(700)?.parent).toBe(812)
  return expect(
    identify({
      ...answer,
      processes: answer.processes.map((one) => (one.pid === 700 ? { ...one, parent: 812 } : one)),
    }),
  ).resolves.toMatchObject({ peer: { parents: [{ pid: 700 }] } })
})
