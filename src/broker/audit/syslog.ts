import type { Log } from '../../ports.ts'
import { anySignal } from '../../waiting/any-signal.ts'
import type { AuditRow } from '../database/tables.ts'
import { lineOf } from './export.ts'
import { type Carrier, makeCarrier, type SyslogPlace } from './syslog-carriers.ts'
import type { Severity, SyslogMessage } from './syslog-message.ts'

export interface SyslogLimits {
  /** How many rows wait in memory for a receiver that is away. */
  readonly mostHeld: number
  readonly deliveryMs: number
  readonly pauseMs: { readonly first: number; readonly longest: number }
}

const standardLimits: SyslogLimits = { mostHeld: 10_000, deliveryMs: 5_000, pauseMs: { first: 500, longest: 30_000 } }
const mostTogether = 100
/** What was handed over so shortly before the connection broke is sent once more. */
const inDoubtMs = 5_000

/** A row that was handed over may be sent again: its sequence tells. `row` is missing for what is no row. */
interface Held {
  readonly sequence: number
  readonly message: SyslogMessage
}

interface Missed {
  readonly from: number
  readonly to: number
  readonly rows: number
}

/**
 * The audit's way out to a syslog receiver. Nobody ever waits for it: rows are taken into memory, and while the receiver is
 * away the oldest make room for the newest. What is lost that way is said when the receiver is back, in the log and to it.
 */
export class Syslog {
  readonly #place: SyslogPlace
  readonly #log: Log
  readonly #didMiss: () => void
  readonly #limits: SyslogLimits
  readonly #carrier: Carrier
  #held: Held[] = []
  #inDoubt: { readonly until: number; readonly held: readonly Held[] }[] = []
  #missed: Missed | undefined
  #isDown = false
  #pumping: Promise<void> | undefined
  #closing: AbortController | undefined

  /** `didMiss` hears of each row that this process has not sent, and will not. */
  constructor(place: SyslogPlace, log: Log, didMiss: () => void, limits: Partial<SyslogLimits> = {}) {
    this.#place = place
    this.#didMiss = didMiss
    this.#log = log
    this.#limits = { ...standardLimits, ...limits }
    this.#carrier = makeCarrier(place, () => this.#didBreak())
  }

  /** Takes a row; never waits, never throws. */
  send(row: AuditRow): void {
    this.#held.push({
      sequence: row.sequence,
      message: { severity: severityOf(row), at: row.at, text: lineOf(row) },
    })
    while (this.#held.length > this.#limits.mostHeld) this.#miss(this.#held.splice(0, 1))
    this.#pump()
  }

  /** Sends what is held, for at most so long; what is left then is said to be missed. */
  async close(limitMs = 2_000): Promise<void> {
    this.#closing = new AbortController()
    const giveUp = setTimeout(() => this.#closing?.abort(new Error('the broker ends')), limitMs)
    // Wakes up whoever waits for the next try.
    this.#wake()
    this.#pump()
    await this.#pumping
    clearTimeout(giveUp)
    this.#miss(this.#held.splice(0))
    this.#carrier.close()
    if (this.#missed) this.#log.warn(this.#describe(this.#missed), 'syslog: ended with rows that were not sent')
  }

  #wake: () => void = () => undefined

  #pump(): void {
    if (this.#held.length === 0) return
    this.#pumping ??= this.#sendAll().finally(() => {
      this.#pumping = undefined
      // A row may have come after the last look.
      if (!this.#closing) this.#pump()
    })
  }

  async #sendAll(): Promise<void> {
    let pauseMs = this.#limits.pauseMs.first
    while (this.#held.length > 0 && !this.#closing?.signal.aborted) {
      const batch = this.#held.splice(0, mostTogether)
      try {
        await this.#deliver(batch.map(({ message }) => message))
        this.#inDoubt.push({ until: performance.now() + inDoubtMs, held: batch })
        pauseMs = this.#limits.pauseMs.first
        await this.#isBack()
      } catch (error) {
        this.#held.unshift(...batch)
        this.#isAway(error)
        if (this.#closing) return
        await this.#pause(pauseMs)
        pauseMs = Math.min(pauseMs * 2, this.#limits.pauseMs.longest)
      }
      this.#forgetCertain()
    }
  }

  #deliver(messages: readonly SyslogMessage[]): Promise<void> {
    const signals = [AbortSignal.timeout(this.#limits.deliveryMs), ...(this.#closing ? [this.#closing.signal] : [])]
    return this.#carrier.deliver(messages, anySignal(signals))
  }

  /** A receiver may close what rests; it is away only when it cannot be reached. */
  #didBreak(): void {
    this.#forgetCertain()
    const again = this.#inDoubt.flatMap(({ held }) => held)
    this.#inDoubt = []
    this.#held.unshift(...again)
    if (!this.#closing) this.#pump()
  }

  #forgetCertain(): void {
    const now = performance.now()
    this.#inDoubt = this.#inDoubt.filter(({ until }) => until > now)
  }

  #isAway(error: unknown): void {
    if (this.#isDown) return
    this.#isDown = true
    const { protocol, host, port } = this.#place
    this.#log.warn(
      { receiver: { protocol, host, port }, err: error },
      'syslog: the receiver takes no rows of the audit',
    )
  }

  async #isBack(): Promise<void> {
    if (!this.#isDown) return
    const missed = this.#missed
    if (missed) {
      const text = JSON.stringify({ event: 'rows_missed', ...this.#describe(missed) })
      await this.#deliver([{ severity: 'warning', at: Date.now(), text }])
      this.#missed = undefined
    }
    this.#log.warn(
      missed ? this.#describe(missed) : { missed: 0 },
      'syslog: the receiver takes rows of the audit again',
    )
    this.#isDown = false
  }

  #describe({ from, to, rows }: Missed) {
    return { missed: rows, from, to, remedy: `sg-broker audit export --since ${from} --until ${to}` }
  }

  #miss(lost: readonly Held[]): void {
    for (const { sequence } of lost) {
      this.#didMiss()
      const { from, to, rows } = this.#missed ?? { from: sequence, to: sequence, rows: 0 }
      // Not in order: what could not be delivered comes back after what came later.
      this.#missed = { from: Math.min(from, sequence), to: Math.max(to, sequence), rows: rows + 1 }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function severityOf({ outcome, event }: AuditRow): Severity {
  if (event === 'stop' || outcome === 'broker_stopped' || outcome === 'session_owner_mismatch') return 'alert'
  return outcome === 'issued' || outcome === 'done' ? 'info' : 'notice'
}
