import { writeFileSync } from 'node:fs'
import type { Log } from '../ports.ts'

/**
 * From now on a core file of this process, and of what it starts, holds none of its memory: core(5), "coredump_filter". Linux
 * only; elsewhere, and where the file is not ours to write, nothing changes. A program that may debug this process reads its
 * memory all the same.
 */
export function keepOutOfDumps(log: Log): void {
  if (process.platform !== 'linux') return
  try {
    writeFileSync('/proc/self/coredump_filter', '0')
  } catch (error) {
    // A program file that its user may not read makes it the kernel's own: then there is no core file at all.
    log.debug({ err: error }, 'what is dumped could not be set')
  }
}
