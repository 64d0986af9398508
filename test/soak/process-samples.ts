import { readdir, readFile } from 'node:fs/promises'
import type { Running } from '../sandbox/processes.ts'

/**
 * Makes Node tell on standard output how much of its heap is in use after each collection, and collect all of it each time. The
 * machine code that V8 makes of what is called often is in the heap too, and grows for an hour: so it makes none.
 */
export const tellHeap: readonly string[] = ['--trace-gc', '--gc-global', '--no-opt', '--no-maglev', '--no-sparkplug']

export interface Sample {
  /** Since the sampling began. */
  readonly atMs: number
  readonly rssMiB: number
  readonly descriptors: number
}

/** A process as the system sees it, every two seconds. */
export class ProcessSamples {
  readonly #process: Running
  readonly #begunMs = performance.now()
  readonly samples: Sample[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(process: Running) {
    this.#process = process
  }

  start(): void {
    this.#timer = setInterval(() => void this.take().catch(() => undefined), 2_000)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async take(): Promise<Sample> {
    const { pid } = this.#process
    const rssKiB = Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1])
    const descriptors = (await readdir(`/proc/${pid}/fd`)).length
    const sample = { atMs: performance.now() - this.#begunMs, rssMiB: rssKiB / 1024, descriptors }
    this.samples.push(sample)
    return sample
  }

  /** What of the heap was in use after each collection; `atMs` since the process started. */
  heap(): { readonly atMs: number; readonly usedMiB: number }[] {
    const collections = this.#process.stdout().matchAll(/^\[\d+:\S+\]\s+(\d+) ms: Mark-Compact.*? -> ([\d.]+) \(/gm)
    return [...collections].map(([, atMs, usedMiB]) => ({ atMs: Number(atMs), usedMiB: Number(usedMiB) }))
  }
}
