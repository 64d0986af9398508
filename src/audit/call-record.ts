import { isErrorCode } from '../errors.ts'
import { Feed } from '../feed.ts'
import type { Clock, Log } from '../ports.ts'
import type { SiteStatus } from '../session/changes.ts'
import type { Call, CallBook } from '../socket/calls.ts'
import { handsOut } from '../socket/methods.ts'
import { ToolLog } from '../socket/tool-log.ts'
import { type AuditEntry, entryOf, ownEntry } from './audit-entry.ts'

/** What tools ask again and again, and what gives nothing away: kept only where it was refused. */
const unremarkable = new Set(['hello', 'status', 'session/watch', 'signIn/way', 'tools/list', 'tools/pending'])

const mostRecent = 200
const repeatsMs = 1_000

interface Item {
  entry: AuditEntry
}

interface Repeats {
  /** The calls since the last entry was told of, in one. */
  item: Item | undefined
  readonly timer: NodeJS.Timeout
}

/**
 * Who asked for what: the one record of it, from which the tools of today, the recent calls and the audit are fed. Of calls that
 * are the same in all but their time the first is told of at once, and the others once a second with their number, so that a
 * flood is a trickle.
 */
export class CallRecord implements CallBook {
  readonly tools: ToolLog
  /** Each entry once, when it says all it will say. */
  readonly entries: Feed<[AuditEntry]>
  readonly #clock: Pick<Clock, 'now'>
  /** Oldest first. */
  readonly #recent: Item[] = []
  readonly #signedIn = new Set<string>()
  readonly #repeats = new Map<string, Repeats>()

  constructor(clock: Pick<Clock, 'now'>, log: Log) {
    this.tools = new ToolLog(clock, log)
    this.entries = new Feed((error) => log.error({ err: error }, 'a listener failed'))
    this.#clock = clock
  }

  note(call: Call): void {
    const { claim, method, site, outcome } = call
    const entry = entryOf(call, this.#clock.now())
    if (handsOut(method)) {
      const { executable, script, pid } = entry
      const program = {
        ...(executable === undefined ? {} : { executable }),
        ...(script === undefined ? {} : { script }),
      }
      const tool = { ...claim, pid, ...program }
      if (isErrorCode(outcome)) this.tools.noteRefusal(tool, site, outcome)
      else if (site !== undefined) this.tools.noteUse(tool, site)
    }
    if (outcome === 'ok' && unremarkable.has(method)) return
    const key = keyOf(call, entry)
    const repeats = this.#repeats.get(key)
    if (!repeats) {
      this.#remember({ entry })
      this.#repeats.set(key, { item: undefined, timer: this.#soon(key) })
      this.entries.announce(entry)
    } else if (repeats.item) {
      const { ms, count } = repeats.item.entry
      repeats.item.entry = { ...entry, ms: Math.max(ms, entry.ms), count: count + 1 }
    } else {
      repeats.item = { entry }
      this.#remember(repeats.item)
    }
  }

  /** Keeps when a session began and ended, whoever brought that about. */
  noteState({ site, state, reason = 'signed_out' }: SiteStatus): void {
    const wasSignedIn = this.#signedIn.has(site)
    if (state === 'signing_in' || (state === 'signed_in') === wasSignedIn) return
    if (wasSignedIn) this.#signedIn.delete(site)
    else this.#signedIn.add(site)
    const what = wasSignedIn ? { method: 'signedOut', outcome: reason } : { method: 'signedIn', outcome: 'ok' as const }
    this.#tell(ownEntry({ at: this.#clock.now(), site, ...what }))
  }

  /** Keeps that a program was allowed or that this was taken back, whoever decided it. */
  noteDecision(method: 'toolAllowed' | 'toolRevoked', about: NonNullable<AuditEntry['about']>, site?: string): void {
    this.#tell(
      ownEntry({ at: this.#clock.now(), method, about, outcome: 'ok', ...(site === undefined ? {} : { site }) }),
    )
  }

  /** Newest first, at most 200. */
  recent(): readonly AuditEntry[] {
    return this.#recent.map(({ entry }) => entry).reverse()
  }

  /** Tells of what is still counted. */
  close(): void {
    for (const { item, timer } of this.#repeats.values()) {
      clearTimeout(timer)
      if (item) this.entries.announce(item.entry)
    }
    this.#repeats.clear()
  }

  #tell(entry: AuditEntry): void {
    this.#remember({ entry })
    this.entries.announce(entry)
  }

  #remember(item: Item): void {
    this.#recent.push(item)
    if (this.#recent.length > mostRecent) this.#recent.shift()
  }

  #soon(key: string): NodeJS.Timeout {
    return setTimeout(() => {
      const item = this.#repeats.get(key)?.item
      if (item) this.#repeats.set(key, { item: undefined, timer: this.#soon(key) })
      else this.#repeats.delete(key)
      if (item) this.entries.announce(item.entry)
    }, repeatsMs).unref()
  }
}

/** Nothing that a caller can choose: whoever is not known is counted together. */
function keyOf({ identified }: Call, entry: AuditEntry): string {
  const { executable, script, uid, method, site, outcome, allowedBy } = entry
  const process = identified?.kind === 'known' ? [identified.peer.pid, identified.peer.startMark] : []
  return JSON.stringify([executable, script, uid, method, site, outcome, allowedBy, ...process])
}
