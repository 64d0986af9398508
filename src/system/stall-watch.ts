import type { Clock, Log } from '../ports.ts'

/** A time in which the agent did nothing for anybody, although somebody waited. */
export interface Stall {
  /** Wall clock, ms since the epoch: when it was over. */
  readonly endedAt: number
  /** By the monotonic clock; it may have been up to half a second longer. */
  readonly lastedMs: number
  /**
   * `busy`: the process used the processor meanwhile, so it was its own work. `not_running`: it did not: it was stopped, or the
   * machine had no time for it, or it hung in a system call, or slept where the monotonic clock counts on.
   */
  readonly because: 'busy' | 'not_running'
  /** The methods of the requests that waited. */
  readonly during: readonly string[]
}

export interface StallWatchSettings {
  readonly clock: Clock
  readonly log: Log
  /** Called when the wall clock has moved against the monotonic one: it was set, or the machine slept. */
  readonly onClockMoved: () => void
  /** Processor time of the process, ms. */
  readonly cpuMs?: () => number
}

const beatMs = 500
/** Shorter ones nobody notices: a client waits for five seconds. */
const shortestStallMs = 1_000
/** A clock is set by more; what NTP slews both clocks follow. */
const clockGrainMs = 1_000

interface Reading {
  readonly monotonicMs: number
  readonly cpuMs: number
}

/**
 * Notices that the event loop stood still, or that the clock moved, and says so in the log. Has a timer only while requests
 * wait for their answers: an agent that nobody asks is not woken.
 */
export class StallWatch {
  readonly #settings: Required<StallWatchSettings>
  readonly #waiting: string[] = []
  #timer: NodeJS.Timeout | undefined
  #beat: Reading
  #wallAheadMs: number
  #last: Stall | undefined

  constructor(settings: StallWatchSettings) {
    this.#settings = { cpuMs: processorMs, ...settings }
    this.#beat = this.#read()
    this.#wallAheadMs = this.#wallAhead()
  }

  /** The last one; of those that came within five minutes, the longest. */
  get last(): Stall | undefined {
    return this.#last
  }

  /** A request waits for its answer from now on; to be called when it has it. */
  begin(method: string): () => void {
    if (this.#waiting.length === 0) {
      this.#beat = this.#read()
      this.#timer = setInterval(() => this.#look(beatMs), beatMs)
      this.#timer.unref()
    }
    this.#waiting.push(method)
    this.#lookAtClock()
    return () => this.#end(method)
  }

  #end(method: string): void {
    // The timer may not have had its turn: what stood still may be what ends here.
    this.#look(0)
    this.#waiting.splice(this.#waiting.indexOf(method), 1)
    if (this.#waiting.length === 0) clearInterval(this.#timer)
  }

  #look(expectedMs: number): void {
    const since = this.#beat
    const now = this.#settings.clock.monotonicMs()
    // Many requests end between two beats, and the processor's time is a system call.
    if (expectedMs === 0 && now - since.monotonicMs < shortestStallMs) return
    this.#beat = this.#read()
    this.#lookAtClock()
    const lastedMs = Math.round(now - since.monotonicMs - expectedMs)
    if (lastedMs >= shortestStallMs) this.#note(lastedMs, this.#beat.cpuMs - since.cpuMs)
  }

  #note(lastedMs: number, cpuMs: number): void {
    const because = cpuMs * 2 >= lastedMs ? 'busy' : 'not_running'
    const during = [...new Set(this.#waiting)].sort()
    const endedAt = this.#settings.clock.now()
    this.#settings.log.warn({ lastedMs, because, during }, 'the agent stood still')
    const isOutdone = this.#last && this.#last.lastedMs > lastedMs && endedAt - this.#last.endedAt < sameTroubleMs
    if (!isOutdone) this.#last = { endedAt, lastedMs, because, during }
  }

  #lookAtClock(): void {
    const wallAheadMs = this.#wallAhead()
    const movedMs = Math.round(wallAheadMs - this.#wallAheadMs)
    if (Math.abs(movedMs) < clockGrainMs) return
    this.#wallAheadMs = wallAheadMs
    this.#settings.log.info({ movedMs }, 'the clock was set, or the machine slept')
    this.#settings.onClockMoved()
  }

  #wallAhead(): number {
    return this.#settings.clock.now() - this.#settings.clock.monotonicMs()
  }

  #read(): Reading {
    return { monotonicMs: this.#settings.clock.monotonicMs(), cpuMs: this.#settings.cpuMs() }
  }
}

/** What comes in one trouble is told as one: its longest. */
const sameTroubleMs = 5 * 60_000

function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
