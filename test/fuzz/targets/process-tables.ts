import assert from 'node:assert/strict'
import { judgeFiles, judgeProcesses, judgeSockets } from '../../../src/socket/peers/macos.ts'
import { type Holders, judgeHolders, type TableProcess } from '../../../src/socket/peers/process-table.ts'
import { judgeAnswer, splitCommandLine } from '../../../src/socket/peers/windows.ts'
import { textOf } from '../input.ts'

const answer = {
  me: 'S-1-5-21',
  connections: [{ port: 50_000, pid: 7 }],
  processes: [
    {
      pid: 7,
      parent: 1,
      path: 'C:\\Python\\python.exe',
      line: '"C:\\Python\\python.exe" -m "a b" \\\\"x',
      started: '1',
      sid: 'S-1-5-21',
    },
    { pid: 1, parent: 7, path: null, line: null, started: null, sid: null },
  ],
}

export const seeds = [
  'p7\nu501\nf3\nn127.0.0.1:50000->127.0.0.1:14285\nTST=ESTABLISHED\nTQR=0\np8\nu501\nf4\nn127.0.0.1:50000->127.0.0.1:14285\nTST=ESTABLISHED\n',
  '    7     1 Sun Nov 22 10:00:00 2026 /usr/bin/python3 tool.py\n    1     0 Sun Nov  1 09:00:00 2026 /sbin/launchd\n',
  'p7\nfcwd\nn/Users/ada\nftxt\nn/usr/bin/python3\nftxt\nn/usr/lib/dyld\nn/Zo\\xc3\\xab\n',
  `\ufeff${JSON.stringify(answer)}`,
]

/** What lsof, ps and PowerShell print: numbers or nobody, and a circle of parents is no ancestry. */
export function fuzz(data: Uint8Array): void {
  const text = textOf(data)
  const sockets = judgeSockets(text, 14_285)
  for (const [port, holders] of sockets) {
    const { uid, pids } = holders
    assert.ok([port, uid, ...pids].every((number) => Number.isSafeInteger(number) && number >= 0))
    assert.ok(pids.length > 0 && new Set(pids).size === pids.length)
    look(judgeProcesses(text), holders)
  }
  for (const [pid, { executable, folder }] of judgeFiles(text)) {
    assert.ok(Number.isSafeInteger(pid))
    for (const path of [executable, folder]) assert.ok(path === undefined || path.startsWith('/'))
  }
  const { held, table } = judgeAnswer(text)
  for (const holders of held.values()) look(table, holders)
  // Quoted as Windows wants it, every argument comes back.
  const args = splitCommandLine(text)
  assert.deepEqual(splitCommandLine(args.map(quoted).join(' ')), args)
}

function look(table: ReadonlyMap<number, TableProcess>, holders: Holders): void {
  const found = judgeHolders({ ...holders, socketMark: 'it' }, table, 7, (folder, file) => `${folder}/${file}`)
  if (found.kind === 'known') assert.ok(holders.pids.includes(found.peer.pid) && found.peer.parents.length <= 8)
}

function quoted(argument: string): string {
  return `"${argument.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`
}
