import { AgentError } from '../../errors.ts'
import type { AuditRow, Database } from '../database/tables.ts'
import { type ChainLink, chainStart, faultOf } from './chain.ts'
import { readAudit } from './read-audit.ts'

export interface Verification {
  /** A head that was noted elsewhere: whoever owns the database can write a new chain, but not one that ends in this. */
  readonly expected?: ChainLink | undefined
  /** Hears how far it is, every 1 000 rows. */
  readonly didCheck?: (sequence: number) => void
}

const rowsARemark = 1_000

/**
 * Walks the whole chain up to the head as it is now; rows that a running broker appends meanwhile are left to the next time.
 * Resolves to the head. Throws `audit_broken` that names the first fault.
 */
export async function verifyDatabase(database: Database, verification: Verification = {}): Promise<ChainLink> {
  const head = await readHead(database)
  if (!head) throw broken('the head of the chain is missing')
  const last = await verifyRows(readAudit(database, { until: head }), chainStart, verification)
  if (last.sequence < head.sequence) {
    throw broken(`row ${last.sequence + 1} is missing: the head says that row ${head.sequence} is the last`)
  }
  if (last.hash !== head.hash) throw broken(`the head does not match row ${head.sequence}`)
  // Rows before the first or after the last, and rows that stand there twice where somebody took the primary key away.
  if (head.rows !== head.sequence) throw broken(`the chain has ${head.sequence} rows, but there are ${head.rows}`)
  demandReached(last, verification)
  return { sequence: head.sequence, hash: head.hash }
}

/** Walks rows that follow a link. Resolves to the last link. Throws `audit_broken`. */
export async function verifyRows(
  rows: AsyncIterable<AuditRow>,
  start: ChainLink,
  { expected, didCheck }: Verification = {},
): Promise<ChainLink> {
  let last = start
  for await (const row of rows) {
    const fault = faultOf(row, last)
    if (fault !== undefined) throw broken(fault)
    if (row.sequence === expected?.sequence && row.hash !== expected.hash) {
      throw broken(`row ${row.sequence} is not the one that was noted: the chain was written anew`)
    }
    last = { sequence: row.sequence, hash: row.hash }
    if (row.sequence % rowsARemark === 0) didCheck?.(row.sequence)
  }
  return last
}

/** Throws `audit_broken` when what was verified ends before the head that was noted elsewhere. */
export function demandReached({ sequence }: ChainLink, { expected }: Verification): void {
  if (!expected || expected.sequence <= sequence) return
  throw broken(`row ${expected.sequence} was noted, but row ${sequence} is the last: the end was cut off`)
}

export function broken(fault: string): AgentError {
  return new AgentError('audit_broken', fault)
}

/** In one statement, so that nobody appends between its parts. */
function readHead(database: Database) {
  return database
    .selectFrom('audit_head')
    .select((column) => [
      'sequence',
      'hash',
      column
        .selectFrom('audit')
        .select((row) => row.fn.countAll<number>().as('rows'))
        .as('rows'),
    ])
    .where('id', '=', 1)
    .executeTakeFirst()
}
