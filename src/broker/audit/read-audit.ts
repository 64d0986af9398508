import type { AuditRow, Database } from '../database/tables.ts'

/** Which rows; `since` and `until` are included. What is left out does not limit. */
export interface AuditFilter {
  readonly since?: AuditPoint | undefined
  readonly until?: AuditPoint | undefined
  readonly site?: string | undefined
  /** A ShotGrid login, or the subject of an Autodesk account. */
  readonly person?: string | undefined
}

/** A row's number, or a moment (ms since the epoch). */
export type AuditPoint = { readonly sequence: number } | { readonly at: number }

const rowsAPage = 1_000

/** The rows in their order, a page at a time: memory does not grow with the audit. Rows that are appended meanwhile come too. */
export async function* readAudit(database: Database, filter: AuditFilter = {}): AsyncGenerator<AuditRow, void> {
  let query = database.selectFrom('audit').selectAll().orderBy('sequence').limit(rowsAPage)
  const { since, until, site, person } = filter
  if (since)
    query = 'sequence' in since ? query.where('sequence', '>=', since.sequence) : query.where('at', '>=', since.at)
  if (until)
    query = 'sequence' in until ? query.where('sequence', '<=', until.sequence) : query.where('at', '<=', until.at)
  if (site !== undefined) query = query.where('site', '=', site)
  if (person !== undefined) {
    query = query.where((column) => column.or([column('login', '=', person), column('subject', '=', person)]))
  }
  let after = 0
  for (;;) {
    const page = await query.where('sequence', '>', after).execute()
    yield* page
    const last = page.at(-1)
    if (!last || page.length < rowsAPage) return
    after = last.sequence
  }
}

/** The last rows, oldest first. */
export async function lastRows(database: Database, count: number): Promise<AuditRow[]> {
  const rows = await database.selectFrom('audit').selectAll().orderBy('sequence', 'desc').limit(count).execute()
  return rows.reverse()
}
