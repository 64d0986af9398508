import { closeSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { Turns } from '../../waiting/turns.ts'
import { withPatience } from '../../waiting/with-patience.ts'

/**
 * What Linux says of a process under /proc. proc(5). What the kernel answers out of its own memory is read at once, 2 to 10 µs each;
 * through the thread pool it would be 15 to 140 µs. What may touch a file system, or the memory of the process, which can be a
 * file on a share that is gone, has a deadline. Nothing here throws.
 */

const lookLimitMs = 2_000
/** With the wait for its turn. */
const argumentsLimitMs = 4_000
/** A command line longer than this is cut off: the script stands at its beginning. */
const commandLineBytes = 128 * 1024
const mostReading = 2
const page = Buffer.allocUnsafe(16 * 1024)

export interface ProcessState {
  readonly parent: number
  /** Clock ticks between the boot and its start. An exec does not change it. */
  readonly startTicks: string
  /** Where its stack begins: elsewhere after each exec, where addresses are random. '0' where we may not look into it. */
  readonly stackStart: string
}

/** Of `/proc/<pid>/stat`. Undefined for what is dead already, or no such text. */
export function judgeStat(text: string): ProcessState | undefined {
  // From `state` on: what stands before is the name in parentheses, which may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state = '', parent = ''] = fields
  const startTicks = fields[19] ?? ''
  const stackStart = fields[25] ?? ''
  // Zombie and dead: nothing of it runs any more.
  if (!/^[A-Z]$/i.test(state) || 'ZXx'.includes(state)) return undefined
  if (![parent, startTicks, stackStart].every((field) => /^\d+$/.test(field))) return undefined
  return { parent: Number(parent), startTicks, stackStart }
}

export function readState(pid: number): ProcessState | undefined {
  const text = readAtOnce(`/proc/${pid}/stat`)
  return text === undefined ? undefined : judgeStat(text)
}

/** Address space layout randomisation: an exec moves the stack. Not of a process that was started without, as under a debugger. */
export const randomizesAddresses = readAtOnce('/proc/sys/kernel/randomize_va_space')?.trim() !== '0'

/** Whose process it is; undefined when it is gone. 0 also for one that forbids to be looked into. */
export function readOwner(pid: number): number | undefined {
  try {
    return statSync(`/proc/${pid}`).uid
  } catch {
    return undefined
  }
}

/** Of a process, not of a thread of one: a thread's number leads to a folder too, which `/proc` does not list. */
export function isProcess(pid: number): boolean {
  return readAtOnce(`/proc/${pid}/status`)?.includes(`\nTgid:\t${pid}\n`) === true
}

/** Where a link of a process leads: `exe`, `cwd`, `ns/mnt`, `fd/7`. Undefined when there is none, or we may not know. */
export function readLink(pid: number, name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${name}`)
  } catch {
    return undefined
  }
}

/** The numbers of its descriptors, as text; empty when it is gone or we may not know. */
export function readDescriptors(pid: number): string[] {
  return namesIn(`/proc/${pid}/fd`)
}

export function readAllProcesses(): number[] {
  return namesIn('/proc').filter(isNumber).map(Number)
}

/** Those that it has started and that live, whichever of its threads did it. */
export function readChildren(pid: number): number[] {
  return namesIn(`/proc/${pid}/task`).flatMap((thread) =>
    (readAtOnce(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(isNumber).map(Number),
  )
}

const commandLines = new Turns(mostReading)

/**
 * The arguments, as the process shows them: it can rewrite them. `undefined` when they cannot be had. Reading them reaches into
 * the memory of the process, and one that wants to can let that wait for ever: two threads of ours at most, for all there are.
 */
export async function readArguments(pid: number): Promise<string[] | undefined> {
  const bytes = commandLines.take(() => readBeginning(`/proc/${pid}/cmdline`))
  return judgeCommandLine(await withPatience(bytes, argumentsLimitMs).catch(() => undefined))
}

/** Each argument ends with a NUL. A process that has rewritten its title may show something else: one argument without an end. */
export function judgeCommandLine(bytes: Buffer | undefined): string[] | undefined {
  if (!bytes) return undefined
  const parts = bytes.toString('utf8').split('\0')
  // Behind the last NUL: nothing, or what was cut off.
  const isCut = bytes.length >= commandLineBytes
  if (parts.at(-1) === '' || isCut) parts.pop()
  return parts
}

/** For paths that a program has chosen: on a share that is gone, a look at one of them keeps its thread. */
export const foreignPaths = new Turns(1)

/** Whether two paths lead to one file now; undefined when that cannot be found out in time. */
export async function isSameFile(one: string, other: string): Promise<boolean | undefined> {
  const both = foreignPaths.take(
    async () => [await stat(one, { bigint: true }), await stat(other, { bigint: true })] as const,
  )
  const found = await withPatience(both, lookLimitMs).catch(() => undefined)
  return found && found[0].dev === found[1].dev && found[0].ino === found[1].ino
}

async function readBeginning(file: string): Promise<Buffer> {
  const handle = await open(file)
  try {
    // Most are short: a thousand callers at once must not cost a thousand times the longest.
    const pieces: Buffer[] = []
    let length = 0
    while (length < commandLineBytes) {
      const piece = Buffer.allocUnsafe(Math.min(Math.max(length, 2_048), commandLineBytes - length))
      const { bytesRead } = await handle.read(piece)
      pieces.push(piece.subarray(0, bytesRead))
      length += bytesRead
      // The kernel fills what it is given while it has more.
      if (bytesRead < piece.length) break
    }
    return Buffer.concat(pieces)
  } finally {
    // Nobody waits for that.
    void handle.close().catch(() => undefined)
  }
}

function readAtOnce(file: string): string | undefined {
  try {
    const descriptor = openSync(file, 'r')
    try {
      let text = ''
      for (;;) {
        const bytes = readSync(descriptor, page)
        text += page.toString('latin1', 0, bytes)
        // The kernel fills what it is given while it has more.
        if (bytes < page.length) return text
      }
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return undefined
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function isNumber(name: string): boolean {
  return /^[1-9]\d*$/.test(name)
}
