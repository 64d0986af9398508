import type { Identified, Peer, Program } from '../peer.ts'
import { longestScript, scriptOf } from './script-of.ts'

/** A process as a system's table of all processes has it. */
export interface TableProcess {
  readonly pid: number
  readonly parent: number
  readonly startMark: string
  /** Absent where the system does not tell. */
  readonly executable?: string
  /** The first is its own name. */
  readonly args: readonly string[]
  readonly folder?: string
}

/** Whose processes hold a connection. */
export interface Holders {
  readonly uid: number
  readonly pids: readonly number[]
}

/** The same, of a connection that can be found again by its mark. */
export interface Held extends Holders {
  readonly socketMark: string
}

/** A script's path from the folder it was started in. */
export type ResolvePath = (folder: string, file: string) => string

const mostParents = 8

/** The peer that the processes are which hold a connection; `unknown` where they are no one program. */
export function judgeHolders(
  { uid, pids, socketMark }: Held,
  table: ReadonlyMap<number, TableProcess>,
  claimedPid: number,
  resolvePath: ResolvePath,
): Identified {
  const programs = pids.map((pid) => programIn(table, pid, resolvePath))
  const known = programs.filter((program) => program !== undefined)
  const [first] = known
  if (!first || known.length !== programs.length)
    return {
      kind: 'unknown',
      uid,
      because: 'the system does not tell the program file of the process that holds its connection',
    }
  const other = known.find(({ executable, script }) => executable !== first.executable || script !== first.script)
  if (other)
    return {
      kind: 'unknown',
      uid,
      because: `"${first.executable}" and "${other.executable}" hold its connection together`,
    }
  const program = known.find(({ pid }) => pid === claimedPid) ?? first
  return {
    kind: 'known',
    peer: { ...program, uid, pids, socketMark, parents: parentsIn(table, program.pid, resolvePath) },
  }
}

/** Whether the same processes run the same program and hold the same connection, by a table read since. */
export function isSamePeer(peer: Peer, now: Identified): boolean {
  if (now.kind !== 'known') return false
  const { pid, startMark, executable, socketMark, pids } = now.peer
  return (
    peer.pid === pid &&
    peer.startMark === startMark &&
    peer.executable === executable &&
    peer.socketMark === socketMark &&
    peer.pids.length === pids.length &&
    peer.pids.every((one) => pids.includes(one))
  )
}

function programIn(
  table: ReadonlyMap<number, TableProcess>,
  pid: number,
  resolvePath: ResolvePath,
): Program | undefined {
  const { executable, startMark, args, folder } = table.get(pid) ?? {}
  if (executable === undefined || startMark === undefined || !args) return undefined
  const found = scriptOf(executable, args)
  if (!found) return { pid, executable, startMark }
  // Where nobody tells the folder it stays as it was written.
  const script =
    'module' in found ? `-m ${found.module}` : folder === undefined ? found.file : resolvePath(folder, found.file)
  return script.length > longestScript ? undefined : { pid, executable, startMark, script }
}

function parentsIn(table: ReadonlyMap<number, TableProcess>, pid: number, resolvePath: ResolvePath): Program[] {
  const parents: Program[] = []
  const seen = new Set([pid])
  for (let child = pid; parents.length < mostParents; ) {
    const parent = table.get(child)?.parent ?? 0
    const program = programIn(table, parent, resolvePath)
    // A number can have been given to a younger process: a circle is no ancestry.
    if (!program || seen.has(parent)) break
    seen.add(parent)
    parents.push(program)
    child = parent
  }
  return parents
}
