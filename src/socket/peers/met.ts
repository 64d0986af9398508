import type { Ends, PeerRow } from '../../system/connection-table.ts'

/** A connection that was just accepted, and what is being found out about it. */
export interface Met {
  readonly ends: Ends
  /** When it came; ms of `performance.now()`. */
  readonly at: number
  /** Where the system has a table of connections: the peer's row, undefined when there is none. Never rejects. */
  readonly row: Promise<PeerRow | undefined>
  /** Whether it is known, long before anybody is identified, to be no connection of this user. Never rejects. */
  readonly isForeign: Promise<boolean>
}

/** What is known at once where the system has no table that could be read: nothing. */
export function meetWithoutTable(ends: Ends): Met {
  return { ends, at: performance.now(), row: Promise.resolve(undefined), isForeign: Promise.resolve(false) }
}
