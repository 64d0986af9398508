import { readdir, readFile } from 'node:fs/promises'
import { descendantsOf } from './memory.ts'

/** How often a thread slept and was woken, since it began. */
export interface ThreadSleeps {
  /** What the process is, then the thread's name: as the kernel has them, at most 15 characters each; of Chromium's, its type. */
  readonly name: string
  readonly sleeps: number
}

/**
 * Each thread of a process and all its descendants, by its number: proc(5), `voluntary_ctxt_switches` of
 * `/proc/PID/task/TID/status`. Each voluntary switch is one sleep, and it ends with a wake-up.
 */
export async function sleepsOf(pid: number): Promise<Map<number, ThreadSleeps>> {
  const found = new Map<number, ThreadSleeps>()
  for (const process of [pid, ...(await descendantsOf(pid))]) {
    const type = /[\0 ]--type=([^\0 ]*)/.exec(await readFile(`/proc/${process}/cmdline`, 'utf8').catch(() => ''))?.[1]
    const command = type ?? (await readFile(`/proc/${process}/comm`, 'utf8').catch(() => '')).trim()
    for (const thread of await readdir(`/proc/${process}/task`).catch(() => [])) {
      const status = await readFile(`/proc/${process}/task/${thread}/status`, 'utf8').catch(() => '')
      const [, name] = /^Name:\t(.*)$/m.exec(status) ?? []
      const [, sleeps] = /^voluntary_ctxt_switches:\t(\d+)$/m.exec(status) ?? []
      // A thread that ended meanwhile is left out.
      if (sleeps !== undefined) found.set(Number(thread), { name: `${command}/${name}`, sleeps: Number(sleeps) })
    }
  }
  return found
}

/** Wake-ups between two looks, thread by thread, most first. A thread that is new counts from its beginning. */
export function wakeUpsBetween(
  before: ReadonlyMap<number, ThreadSleeps>,
  after: ReadonlyMap<number, ThreadSleeps>,
): ThreadSleeps[] {
  return [...after]
    .map(([thread, { name, sleeps }]) => ({ name, sleeps: sleeps - (before.get(thread)?.sleeps ?? 0) }))
    .filter(({ sleeps }) => sleeps > 0)
    .sort((a, b) => b.sleeps - a.sleeps)
}
