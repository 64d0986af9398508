import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import { askPeerRow, type Ends } from '../../system/connection-table.ts'
import { withPatience } from '../../waiting/with-patience.ts'
import type { Identified, Peer, Program } from '../peer.ts'
import type { Peers } from '../who-is-calling.ts'
import type { Met } from './met.ts'
import {
  foreignPaths,
  isSameFile,
  randomizesAddresses,
  readArguments,
  readLink,
  readOwner,
  readState,
} from './procfs.ts'
import { isInterpreter, longestScript, scriptOf } from './script-of.ts'
import { type Holder, linkOf, SocketHolders } from './socket-holders.ts'

const mostParents = 8
/** Processes come and go while one looks. */
const mostLooks = 3
const scriptLimitMs = 2_000
const mostKnownScripts = 500

const ownUid = process.getuid?.() ?? -1

/** Somebody of this user whom nobody can name, and why. */
class Unnamed extends Error {}

/**
 * Linux: the connection's row names user and inode; the process is the one that has the inode open. proc(5). User, process, program
 * file and start are the kernel's word; where to look first is the caller's.
 */
export class LinuxPeers implements Peers {
  readonly #holders = new SocketHolders()

  meet(ends: Ends): Met {
    const row = askPeerRow(ends)
    return { ends, at: performance.now(), row, isForeign: row.then((found) => found?.uid !== ownUid) }
  }

  async identify(met: Met, claimedPid: number): Promise<Identified> {
    const row = await met.row
    if (!row) return { kind: 'unknown', because: 'its connection is not in the system’s table' }
    const { uid, inode } = row
    if (uid !== ownUid) return { kind: 'unknown', uid, because: 'it is another user’s' }
    let because = ''
    for (let look = 0; look < mostLooks; look += 1) {
      const related = await this.#holders.among(claimedPid, inode, met.at)
      const holders = related.length > 0 ? related : await this.#holders.everywhere(inode)
      if (holders.length === 0) return this.#nobodys(met, inode)
      // As root we may look into the processes of others too.
      const stranger = holders.map(({ pid }) => readOwner(pid)).find((owner) => owner !== undefined && owner !== ownUid)
      if (stranger !== undefined)
        return { kind: 'unknown', uid: stranger, because: 'another user’s process holds its connection' }
      try {
        const peer = await peerOf(holders, uid, inode, claimedPid)
        // What was read one after the other is true together if nothing has changed since.
        if (peer && (await this.isStill(peer))) return { kind: 'known', peer }
        because = 'its process changes while it is looked at'
      } catch (error) {
        because = error instanceof Unnamed ? error.message : 'its process could not be looked at'
        break
      }
    }
    return { kind: 'unknown', uid, because }
  }

  /** Four reads of 2 to 8 µs for every process that holds the connection, at once: less than the thread pool takes for one. */
  async isStill({ pids, socketMark, executable }: Peer): Promise<boolean> {
    const [link, ...marks] = socketMark.split('\n')
    return pids.every((pid, index) => {
      const [, descriptor, startMark] = /^(\d+) (.+)$/.exec(marks[index] ?? '') ?? []
      return (
        descriptor !== undefined &&
        readLink(pid, `fd/${descriptor}`) === link &&
        readLink(pid, 'exe') === executable &&
        startMarkOf(pid) === startMark
      )
    })
  }

  /** Nobody has the socket: either it is where we may not look, or nowhere any more. */
  async #nobodys({ ends }: Met, inode: number): Promise<Identified> {
    const row = await askPeerRow(ends)
    if (row?.inode !== inode) return { kind: 'unknown', because: 'its connection is over' }
    return { kind: 'unknown', uid: row.uid, because: 'no process that can be looked into holds its connection' }
  }
}

/** The peer that these processes are; undefined when one of them goes away meanwhile. Throws `Unnamed` where they are no one program. */
async function peerOf(
  holders: readonly Holder[],
  uid: number,
  inode: number,
  claimedPid: number,
): Promise<Peer | undefined> {
  const starts = holders.map(({ pid }) => startMarkOf(pid))
  const executables = new Set(holders.map(({ pid }) => executableOf(pid)))
  if (starts.includes(undefined) || executables.has(undefined)) return undefined
  const [executable = '', another] = executables
  if (another !== undefined) throw new Unnamed(`"${executable}" and "${another}" hold its connection together`)
  const { pid } = holders.find((holder) => holder.pid === claimedPid) ?? holders[0] ?? { pid: -1 }
  await demandOurView(pid, executable)
  const [programs, parents] = await Promise.all([
    Promise.all(holders.map((holder) => programOf(holder.pid, executable))),
    parentsOf(pid),
  ])
  const scripts = new Set(programs.map((program) => program.script))
  if (scripts.size > 1)
    throw new Unnamed(`processes of "${executable}" that run different scripts hold its connection together`)
  const program = programs[holders.findIndex((holder) => holder.pid === pid)]
  if (!program) return undefined
  const marks = holders.map(({ descriptor }, index) => `${descriptor} ${starts[index]}`)
  return {
    ...program,
    uid,
    pids: holders.map((holder) => holder.pid),
    parents,
    socketMark: [linkOf(inode), ...marks].join('\n'),
  }
}

/** Undefined when the process is gone. Throws `Unnamed` when its file is, or has no name that says anything. */
function executableOf(pid: number): string | undefined {
  const executable = readLink(pid, 'exe')
  if (executable === undefined) {
    if (readState(pid)) throw new Unnamed(`process ${pid} does not let itself be looked into`)
    return undefined
  }
  if (executable.endsWith(' (deleted)')) {
    const file = executable.slice(0, -' (deleted)'.length)
    throw new Unnamed(`"${file}" was deleted or replaced since the program was started: start the program again`)
  }
  // Bytes that are no text: two such names can look the same.
  if (executable.includes('\ufffd')) throw new Unnamed(`the name of its program file is not UTF-8: "${executable}"`)
  return executable
}

/**
 * A process in a container, or any that has mounted something else over a folder for itself, has paths of its own: there
 * `/usr/bin/python3` can be anything. Its path counts if it leads us to the same file.
 */
async function demandOurView(pid: number, executable: string): Promise<void> {
  if (readLink(pid, 'ns/mnt') === ownView) return
  if ((await isSameFile(`/proc/${pid}/exe`, executable)) === true) return
  throw new Unnamed(`"${executable}" runs in a container, where that path is another file than here`)
}

const ownView = process.platform === 'linux' ? readLink(process.pid, 'ns/mnt') : undefined

/**
 * Changes when the process is another, when it runs another program, and with its view of the file system: a process that changes
 * that could run something else under the same path.
 */
function startMarkOf(pid: number): string | undefined {
  const state = readState(pid)
  return state && `${state.startTicks} ${state.stackStart} ${readLink(pid, 'ns/mnt') ?? ''}`
}

function tellsOfExec(startMark: string): boolean {
  return randomizesAddresses && startMark !== '' && !startMark.includes(' 0 ')
}

async function programOf(pid: number, executable: string): Promise<Program> {
  const startMark = startMarkOf(pid) ?? ''
  const script = isInterpreter(executable) ? await askScript(pid, executable, startMark) : undefined
  return { pid, executable, startMark, ...(script === undefined ? {} : { script }) }
}

interface FoundScript {
  readonly script: string | undefined
  /** Whether looking again could tell no more. */
  readonly isSure: boolean
}

/** By process, program file and start mark. */
const scripts = new Map<string, Promise<FoundScript>>()

/** Read once for each start: a program that rewrites its command line stays what it was first seen to be. */
async function askScript(pid: number, executable: string, startMark: string): Promise<string | undefined> {
  const key = `${pid} ${executable} ${startMark}`
  const known = scripts.get(key)
  if (known) return (await known).script
  const reading = scriptOfProcess(pid, executable)
  if (tellsOfExec(startMark)) keepScript(key, reading)
  return (await reading).script
}

function keepScript(key: string, reading: Promise<FoundScript>): void {
  scripts.set(key, reading)
  const forget = (): void => {
    if (scripts.get(key) === reading) scripts.delete(key)
  }
  reading.then(({ isSure }) => isSure || forget(), forget)
  const [oldest] = scripts.keys()
  if (oldest !== undefined && scripts.size > mostKnownScripts) scripts.delete(oldest)
}

/** Absolute, links resolved where they lead somewhere; `-m name` for a module. Throws `Unnamed` when it cannot be read at all. */
async function scriptOfProcess(pid: number, executable: string): Promise<FoundScript> {
  const args = await readArguments(pid)
  if (!args) throw new Unnamed(`the command line of "${executable}" cannot be read`)
  const found = scriptOf(executable, args)
  if (!found) return { script: undefined, isSure: args.length > 0 }
  const [name = ''] = Object.values(found)
  if (name.length > longestScript - '-m '.length)
    throw new Unnamed(`the script of "${executable}" has a name longer than any file's`)
  if ('module' in found) return { script: `-m ${found.module}`, isSure: true }
  const folder = readLink(pid, 'cwd')
  if (folder === undefined && !found.file.startsWith('/')) return { script: undefined, isSure: false }
  const file = resolve(folder ?? '/', found.file)
  const resolving = foreignPaths.take(() => realpath(file))
  const real = await withPatience(resolving, scriptLimitMs).catch(() => undefined)
  const script = real ?? file
  if (script.length > longestScript)
    throw new Unnamed(`the script of "${executable}" has a path longer than any file's`)
  return { script, isSure: real !== undefined }
}

/** As far as we may look. */
async function parentsOf(pid: number): Promise<Program[]> {
  const chain: { readonly pid: number; readonly executable: string }[] = []
  for (let child = pid; chain.length < mostParents; ) {
    const parent = readState(child)?.parent ?? 0
    const executable = parent > 1 ? readLink(parent, 'exe') : undefined
    if (executable === undefined) break
    chain.push({ pid: parent, executable })
    child = parent
  }
  return Promise.all(
    chain.map(async ({ pid: parent, executable }) => {
      try {
        return await programOf(parent, executable)
      } catch {
        return { pid: parent, executable, startMark: startMarkOf(parent) ?? '' }
      }
    }),
  )
}
