import { posix } from 'node:path'
import type { Peers } from '../who-is-calling.ts'
import { type AskSystem, askSystem } from './ask-system.ts'
import { type Look, LookingPeers } from './looking-peers.ts'
import type { Holders, TableProcess } from './process-table.ts'

const lsof = '/usr/sbin/lsof'
const ps = '/bin/ps'

/**
 * macOS: `lsof` says which processes hold a connection and what file each runs, `ps` what they were told and who started them. lsof
 * shows what is this user's. Not run on a Mac yet: written after the manual pages, tested on output recorded from the lsof and ps of
 * Linux, which print the same fields.
 */
export function macPeers(ask: AskSystem = askSystem): Peers {
  return new LookingPeers((port) => look(ask, port), posix.resolve)
}

async function look(ask: AskSystem, port: number): Promise<Look> {
  const [sockets, processes] = await Promise.all([
    ask(lsof, ['-nP', '-w', `-iTCP@127.0.0.1:${port}`, '-sTCP:ESTABLISHED', '-FpufnT']),
    ask(ps, ['-axww', '-o', 'pid=,ppid=,lstart=,args=']),
  ])
  const held = judgeSockets(sockets ?? '', port)
  const told = judgeProcesses(processes ?? '')
  const wanted = withAncestors(
    [...held.values()].flatMap(({ pids }) => pids),
    told,
  )
  const files =
    wanted.length > 0 ? await ask(lsof, ['-nP', '-w', '-a', `-p${wanted.join(',')}`, '-dtxt,cwd', '-Fpfn']) : ''
  return { held, table: withFiles(told, judgeFiles(files ?? '')) }
}

/** Fields of `lsof -F`: a letter and its value, a line each; `p` begins a process, `f` a descriptor. lsof(8), OUTPUT FOR OTHER PROGRAMS */
function* fieldsOf(output: string): Generator<readonly [string, string]> {
  for (const line of output.split('\n')) if (line !== '') yield [line.charAt(0), unescaped(line.slice(1))]
}

/** What cannot be printed stands there as `\xNN`: the bytes of a name that is not ASCII. */
function unescaped(text: string): string {
  if (!text.includes('\\x')) return text
  const bytes = text.replace(/\\x([0-9a-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

function numberOf(value: string): number | undefined {
  return /^\d{1,10}$/.test(value) ? Number(value) : undefined
}

/** The other ends of the connections with our port, by their ports. */
export function judgeSockets(output: string, port: number): Map<number, Holders> {
  const held = new Map<number, Holders>()
  let pid: number | undefined
  let uid: number | undefined
  let name = ''
  for (const [field, value] of fieldsOf(output)) {
    if (field === 'p') {
      pid = numberOf(value)
      uid = undefined
      name = ''
    }
    if (field === 'u') uid = numberOf(value)
    if (field === 'n') name = value
    const [, remotePort] = new RegExp(`^127\\.0\\.0\\.1:(\\d{1,5})->127\\.0\\.0\\.1:${port}$`).exec(name) ?? []
    if (field !== 'T' || value !== 'ST=ESTABLISHED' || remotePort === undefined) continue
    // Half a row must not be somebody.
    if (pid === undefined || uid === undefined) continue
    const before = held.get(Number(remotePort))
    if (before?.pids.includes(pid)) continue
    held.set(Number(remotePort), { uid, pids: [...(before?.pids ?? []), pid] })
  }
  return held
}

/** Lines of `ps -o pid=,ppid=,lstart=,args=`. The arguments are not told apart: one with spaces in it looks like several. */
export function judgeProcesses(output: string): Map<number, TableProcess> {
  const table = new Map<number, TableProcess>()
  for (const line of output.split('\n')) {
    const [, pid, parent, startMark, args = ''] =
      /^\s*(\d{1,10})\s+(\d{1,10})\s+(\w{3} \w{3} [ \d]\d [\d:]{8} \d{4})\s+(.*)$/.exec(line) ?? []
    if (pid === undefined || parent === undefined || startMark === undefined) continue
    table.set(Number(pid), { pid: Number(pid), parent: Number(parent), startMark, args: args.split(' ') })
  }
  return table
}

interface Files {
  executable?: string
  folder?: string
}

/** Of each process the first `txt`, which is the program itself, and its folder. */
export function judgeFiles(output: string): Map<number, Files> {
  const found = new Map<number, Files>()
  let files: Files = {}
  let descriptor = ''
  for (const [field, value] of fieldsOf(output)) {
    if (field === 'p') {
      const pid = numberOf(value)
      files = {}
      descriptor = ''
      if (pid !== undefined) found.set(pid, files)
    }
    if (field === 'f') descriptor = value
    if (field !== 'n' || !value.startsWith('/')) continue
    if (descriptor === 'txt') files.executable ??= value
    if (descriptor === 'cwd') files.folder = value
  }
  return found
}

function withAncestors(pids: readonly number[], table: ReadonlyMap<number, TableProcess>): number[] {
  const wanted = new Set<number>()
  for (const pid of pids) {
    for (let one = pid, steps = 0; one > 1 && steps <= 8; one = table.get(one)?.parent ?? 0, steps += 1) wanted.add(one)
  }
  return [...wanted]
}

function withFiles(
  table: ReadonlyMap<number, TableProcess>,
  files: ReadonlyMap<number, Files>,
): Map<number, TableProcess> {
  return new Map(
    [...files].flatMap(([pid, found]) => {
      const process = table.get(pid)
      return process ? [[pid, { ...process, ...found }] as const] : []
    }),
  )
}
