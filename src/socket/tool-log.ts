import type { ErrorCode } from '../errors.ts'
import { Feed } from '../feed.ts'
import type { Clock, Log } from '../ports.ts'
import { unseen } from '../printable.ts'

/** What a plug-in says of itself, fit to be shown: a claim, no proof. */
export interface Tool {
  readonly name: string
  readonly version: string
  readonly pid: number
}

/** A tool, and which program the system says it is; without `executable` nobody could say. */
export interface NamedTool extends Tool {
  readonly executable?: string
  /** Of an interpreter. */
  readonly script?: string
}

/**
 * A tool that was handed a session of a site, or a token behind it or made from it; `pid`: the last process of it. Times are wall
 * clock, ms since the epoch.
 */
export interface ToolUse extends NamedTool {
  readonly site: string
  readonly firstAt: number
  readonly lastAt: number
  readonly count: number
}

/** A tool that asked for one today and got errors, the last of them `code`. */
export interface RefusedToday extends ToolRefusal {
  readonly lastAt: number
  readonly count: number
}

/** A tool that asked for one and was answered with an error. */
export interface ToolRefusal extends NamedTool {
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
  /** The last used at the end. */
  readonly #today = new Map<string, ToolUse>()
  readonly #refusedToday = new Map<string, RefusedToday>()
  #midnight = Number.NaN

  constructor(clock: Pick<Clock, 'now'>, log: Log) {
    const onListenerError = (error: unknown): void => log.error({ err: error }, 'a listener failed')
    this.#clock = clock
    this.uses = new Feed(onListenerError)
    this.refusals = new Feed(onListenerError)
  }

  noteUse(tool: NamedTool, site: string): void {
    this.#turnPage()
    const now = this.#clock.now()
    const key = keyOf(tool, site)
    const before = this.#today.get(key)
    const use = { ...tool, site, firstAt: before?.firstAt ?? now, lastAt: now, count: (before?.count ?? 0) + 1 }
    putLast(this.#today, key, use)
    this.uses.announce(use)
  }

  noteRefusal(tool: NamedTool, site: string | undefined, code: ErrorCode): void {
    this.#turnPage()
    const refusal = { ...tool, ...(site === undefined ? {} : { site }), code }
    const key = keyOf(tool, site)
    const count = (this.#refusedToday.get(key)?.count ?? 0) + 1
    putLast(this.#refusedToday, key, { ...refusal, lastAt: this.#clock.now(), count })
    this.refusals.announce(refusal)
  }

  /** Newest first, at most 200. */
  refusedToday(): readonly RefusedToday[] {
    this.#turnPage()
    return [...this.#refusedToday.values()].reverse()
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
    this.#refusedToday.clear()
  }
}

/** Of whom nothing is known. */
export const nameless: Tool = { name: 'unnamed', version: '', pid: 0 }

/** One for all processes of a program: many short ones must not push the others out. */
function keyOf({ executable, script, name, version }: NamedTool, site: string | undefined): string {
  return JSON.stringify([executable, script, name, version, site])
}

function putLast<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (oldest !== undefined && map.size > mostUses) map.delete(oldest)
}

/** A tool's word about itself without what would confuse people: nothing unseen, nothing that turns text round, nothing long. */
export function toolFromClaim({ name, version, pid }: Tool): Tool {
  return { name: shownText(name, longestName) || 'unnamed', version: shownText(version, longestVersion), pid }
}

/** Visible ASCII with single spaces between: nearly every path there is, and nothing of it would be changed. */
const isPlain = /^[!-~]+(?: [!-~]+)*$/

/** A text from outside on one line, of what can be seen, and no longer than that. */
export function shownText(text: string, longest: number): string {
  if (text.length <= longest && isPlain.test(text)) return text
  const plain = text
    .replace(/\s+/gu, ' ')
    .replace(unseen, '')
    // What stood between two spaces may have been unseen.
    .replace(/ +/g, ' ')
    .trim()
  const letters = [...plain]
  return letters.length > longest ? `${letters.slice(0, longest - 1).join('')}…` : plain
}
