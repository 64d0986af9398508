import type { Kysely } from 'kysely'
import type { MatchedBy, Tables } from '../database/tables.ts'
import type { Account } from './people-table.ts'

/** A row of the table of people: a HumanUser that is linked to an account, or expected with an address. */
export type PeopleRow = LinkedRow | ExpectedPersonRow

interface HumanUserOfRow {
  readonly site: string
  readonly userId: number
  /** As of the last look at the site. */
  readonly login: string
  readonly matchedBy: MatchedBy
  readonly setBy: string
  /** ms since the epoch. */
  readonly createdAt: number
}

export interface LinkedRow extends HumanUserOfRow {
  readonly account: Account
  /** The address the account had when it was matched. */
  readonly email: string | undefined
}

export interface ExpectedPersonRow extends HumanUserOfRow {
  readonly account: undefined
  /** ASCII letters in lower case. */
  readonly email: string
}

/** Also a transaction of it. */
type Reader = Pick<Kysely<Tables>, 'selectFrom'>

/** All rows of these sites, in the order of site and login. */
export async function readPeopleRows(database: Reader, sites: readonly string[]): Promise<PeopleRow[]> {
  const linked = await database.selectFrom('person').selectAll().where('site', 'in', sites).execute()
  const expected = await database.selectFrom('expected_person').selectAll().where('site', 'in', sites).execute()
  const rows: PeopleRow[] = [
    ...linked.map((row) => ({
      ...commonOf(row),
      account: { issuer: row.issuer, subject: row.subject },
      email: row.matched_email ?? undefined,
    })),
    ...expected.map((row) => ({ ...commonOf(row), account: undefined, email: row.email })),
  ]
  // Here, since databases differ in how they sort text.
  return rows.sort((a, b) => compare(a.site, b.site) || compare(a.login, b.login) || a.userId - b.userId)
}

/** What the two tables have in common. */
interface CommonColumns {
  site: string
  user_id: number
  login: string
  matched_by: MatchedBy
  set_by: string
  created_at: number
}

function commonOf(row: CommonColumns): HumanUserOfRow {
  return {
    site: row.site,
    userId: row.user_id,
    login: row.login,
    matchedBy: row.matched_by,
    setBy: row.set_by,
    createdAt: row.created_at,
  }
}

export function commonColumns(row: HumanUserOfRow): CommonColumns {
  return {
    site: row.site,
    user_id: row.userId,
    login: row.login,
    matched_by: row.matchedBy,
    set_by: row.setBy,
    created_at: row.createdAt,
  }
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** A row in a sentence: who is it, by what, by whom. */
export function describeRow(row: PeopleRow): string {
  const user = `HumanUser ${row.userId} ("${row.login}")`
  const made = `${matchedByWords[row.matchedBy]} ${row.setBy}, ${new Date(row.createdAt).toISOString().slice(0, 10)}`
  return row.account
    ? `${user} is linked to the Autodesk account "${row.account.subject}" (${made})`
    : `${user} is expected with the address "${row.email}" (${made})`
}

const matchedByWords: Readonly<Record<MatchedBy, string>> = {
  email: 'matched by e-mail address,',
  operator: 'set by',
  import: 'imported by',
}

/** The command that removes a row. */
export function removalOf(row: PeopleRow): string {
  const which = row.account ? `--subject ${shellWord(row.account.subject)}` : `--email ${shellWord(row.email)}`
  return `sg-broker people remove --site ${shellWord(row.site)} ${which}`
}

/** For a command that somebody copies into a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@.+:/-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
