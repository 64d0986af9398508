import type { Clock } from '../ports.ts'

export interface EndAlarmSettings {
  readonly remindBeforeMs: number
  readonly clock: Pick<Clock, 'now'>
  /** The end is near: called once for an end, and not at all for one that was as near when it was set. */
  readonly onNear: () => void
  readonly onEnd: () => void
}

const longestTimerMs = 2 ** 31 - 1

/** Tells when a sign-in nears its end and when it has come to it, by the wall clock. */
export class EndAlarm {
  readonly #settings: EndAlarmSettings
  #timer: NodeJS.Timeout | undefined
  #end: number | undefined
  #remindAt: number | undefined

  constructor(settings: EndAlarmSettings) {
    this.#settings = settings
  }

  set(end: number): void {
    const { remindBeforeMs, clock } = this.#settings
    const remindAt = end - remindBeforeMs
    this.#end = end
    this.#remindAt = remindAt > clock.now() ? remindAt : undefined
    this.#arm()
  }

  /** Looks at the clock and waits anew: timers know nothing of a machine that slept or a clock that was set. */
  check(): void {
    if (this.#end === undefined) return
    const { clock, onNear, onEnd } = this.#settings
    if (clock.now() >= this.#end) {
      this.clear()
      return onEnd()
    }
    if (this.#remindAt !== undefined && clock.now() >= this.#remindAt) {
      this.#remindAt = undefined
      onNear()
    }
    this.#arm()
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#end = undefined
  }

  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#end === undefined) return
    const delayMs = (this.#remindAt ?? this.#end) - this.#settings.clock.now()
    this.#timer = setTimeout(() => this.check(), Math.min(Math.max(delayMs, 1), longestTimerMs))
    this.#timer.unref()
  }
}
