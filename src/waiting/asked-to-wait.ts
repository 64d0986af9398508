import { AgentError } from '../errors.ts'
import type { Clock } from '../ports.ts'

/** More than this nobody is left without an answer for, whatever the other side asks. */
const longestMs = 30_000

/** How long to leave a service alone that asked for it (429 with `Retry-After`), within reason; else `unasked`. */
export function pauseMs({ retryAfterMs = 0 }: AgentError, unasked: number): number {
  return Math.max(unasked, Math.min(retryAfterMs, longestMs))
}

/** Keeps a word that was asked for: while a service wants to be left alone, who asks gets its last answer again. */
export class AskedToWait {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #last: { readonly error: AgentError; readonly untilMonotonicMs: number } | undefined

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** Does the work, unless it is too early: then throws what the last try came to. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#last && this.#clock.monotonicMs() < this.#last.untilMonotonicMs) throw this.#last.error
    this.#last = undefined
    try {
      return await work()
    } catch (error) {
      if (error instanceof AgentError && error.retryAfterMs !== undefined) {
        this.#last = { error, untilMonotonicMs: this.#clock.monotonicMs() + pauseMs(error, 0) }
      }
      throw error
    }
  }
}
