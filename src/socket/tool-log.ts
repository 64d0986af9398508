import type { ErrorCode } from '../errors.ts'
import { Feed } from '../feed.ts'
import type { Clock, Log } from '../ports.ts'

/** What a plug-in says of itself, fit to be shown: a claim, no proof. */
export interface Tool {
  readonly name: string
  readonly version: string
  readonly pid: number
}

/** A tool that was handed a session of a site, or a token behind it or made from it. Times are wall clock, ms since the epoch. */
export interface ToolUse extends Tool {
  readonly site: string
  readonly firstAt: number
  readonly lastAt: number
  readonly count: number
}

/** A tool that asked for one and was answered with an error. */
export interface ToolRefusal extends Tool {
  /** Absent when it asked for a site that is not configured. */
  readonly site?: string
  readonly code: ErrorCode
}

const longestName = 60
const longestVersion = 30
const mostUses = 200

/** Which tools got something today, on this machine's calendar; in memory only. */
export class ToolLog {
  readonly uses: Feed<[ToolUse]>
  readonly refusals: Feed<[ToolRefusal]>
  readonly #clock: Pick<Clock, 'now'>
  /** Oldest use first. */
  readonly #today = new Map<string, ToolUse>()
  #midnight = Number.NaN

  constructor(clock: Pick<Clock, 'now'>, log: Log) {
    const onListenerError = (error: unknown): void => log.error({ err: error }, 'a listener failed')
    this.#clock = clock
    this.uses = new Feed(onListenerError)
    this.refusals = new Feed(onListenerError)
  }

  noteUse(tool: Tool, site: string): void {
    this.#turnPage()
    const now = this.#clock.now()
    const key = JSON.stringify([tool.name, tool.version, tool.pid, site])
    const before = this.#today.get(key)
    const use: ToolUse = {
      ...{ name: tool.name, version: tool.version, pid: tool.pid, site },
      firstAt: before?.firstAt ?? now,
      lastAt: now,
      count: (before?.count ?? 0) + 1,
    }
    this.#today.delete(key)
    this.#today.set(key, use)
    const [oldest] = this.#today.keys()
    if (oldest !== undefined && this.#today.size > mostUses) this.#today.delete(oldest)
    this.uses.announce(use)
  }

  noteRefusal(tool: Tool, site: string | undefined, code: ErrorCode): void {
    this.refusals.announce({ ...tool, ...(site === undefined ? {} : { site }), code })
  }

  /** Newest first, at most 200. */
  today(): readonly ToolUse[] {
    this.#turnPage()
    return [...this.#today.values()].reverse()
  }

  #turnPage(): void {
    const midnight = new Date(this.#clock.now()).setHours(0, 0, 0, 0)
    if (midnight === this.#midnight) return
    this.#midnight = midnight
    this.#today.clear()
  }
}

/** A tool's word about itself without what would confuse people: nothing unseen, nothing that turns text round, nothing long. */
export function toolFromClaim({ name, version, pid }: Tool): Tool {
  return { name: shownText(name, longestName) || 'unnamed', version: shownText(version, longestVersion), pid }
}

/** A text from outside on one line, of what can be seen, and no longer than that. */
export function shownText(text: string, longest: number): string {
  const plain = text
    .replace(/\s+/gu, ' ')
    // Controls, bidi and other format characters, halves of pairs; what fonts draw as nothing.
    .replace(/[\p{C}\p{Default_Ignorable_Code_Point}]/gu, '')
    .trim()
  const letters = [...plain]
  return letters.length > longest ? `${letters.slice(0, longest - 1).join('')}…` : plain
}
