import type { Transaction } from 'kysely'
import { AgentError } from '../../errors.ts'
import type { Clock } from '../../ports.ts'
import type { AuditEntry, AuditLog } from '../audit/audit-log.ts'
import type { Database, Tables } from '../database/tables.ts'
import { foldCase } from './email-address.ts'
import { isSame, judgeRows, type RowVerdict } from './judge-rows.ts'
import { PeopleRefusal } from './people-refusal.ts'
import { commonColumns, describeRow, type PeopleRow, readPeopleRows, removalOf } from './people-rows.ts'

/** By what an operator names a row. */
export type RowName = { readonly email: string } | { readonly subject: string } | { readonly login: string }

/** What the site has to say of a row: another login, or that its user is deleted. */
export type RowChange =
  | { readonly row: PeopleRow; readonly login: string }
  | { readonly row: PeopleRow; readonly gone: true }

export interface PeopleChangesSettings {
  readonly database: Database
  readonly auditLog: AuditLog
  readonly clock: Pick<Clock, 'now'>
}

/**
 * What operators change about the table of people. Each change and the rows of the audit that tell of it are one transaction:
 * both are on disk, or neither. `by` is the operator.
 */
export class PeopleChanges {
  readonly #settings: PeopleChangesSettings

  constructor(settings: PeopleChangesSettings) {
    this.#settings = settings
  }

  list(sites: readonly string[]): Promise<PeopleRow[]> {
    return readPeopleRows(this.#settings.database, sites)
  }

  /** What would become of rows that are added. */
  async judge(rows: readonly PeopleRow[]): Promise<RowVerdict[]> {
    return judgeRows(await this.list(sitesOf(rows)), rows)
  }

  /**
   * Adds all rows or none; those that say what stands already change nothing. `how` goes into the audit. Throws
   * `account_ambiguous` that names the row in the way and how to remove it.
   */
  async add(rows: readonly PeopleRow[], by: string, how: string): Promise<RowVerdict[]> {
    const [only, another] = rows
    if (!only) return []
    let verdicts: RowVerdict[] = []
    const refused = another ? {} : accountOf(only)
    await sittingOutRaces(() =>
      this.#change({ ...entryOf(by, how), ...refused }, async (transaction) => {
        verdicts = judgeRows(await readPeopleRows(transaction, sitesOf(rows)), rows)
        demandNoConflict(verdicts)
        const fresh = rows.filter((_row, index) => verdicts[index]?.kind === 'new')
        await insertRows(transaction, fresh)
        return fresh.map((row) => ({ ...entryOf(by, `${how}: ${describeRow(row)}`), ...accountOf(row) }))
      }),
    )
    return verdicts
  }

  /**
   * Removes the row; the account's next sign-in is matched anew, and its sessions through the gateway are over. Throws
   * `account_not_mapped` when there is no such row, `account_ambiguous` when there are several.
   */
  async remove(site: string, name: RowName, by: string): Promise<PeopleRow> {
    const [[what, value] = ['', '']] = Object.entries(name)
    const said = `${what} "${value}"`
    let removed: PeopleRow | undefined
    await this.#change({ ...entryOf(by, `remove ${said}`), site }, async (transaction) => {
      const [row, another] = rowsNamed(await readPeopleRows(transaction, [site]), name)
      if (!row) {
        throw new PeopleRefusal('account_not_mapped', `"${site}" has no row with the ${said}`, seeList)
      }
      if (another)
        throw new PeopleRefusal('account_ambiguous', `"${site}" has several rows with the ${said}`, nameByLogin)
      await this.#deleteRow(transaction, row)
      removed = row
      return [{ ...entryOf(by, `removed: ${describeRow(row)}`), ...accountOf(row) }]
    })
    if (!removed) throw new AgentError('internal_error', `the row with the ${said} was not removed`)
    return removed
  }

  /** Makes the changes whose rows still stand as they were; returns those. */
  async follow(changes: readonly RowChange[], by: string): Promise<RowChange[]> {
    const made: RowChange[] = []
    for (let from = 0; from < changes.length; from += changesAtOnce) {
      const some = changes.slice(from, from + changesAtOnce)
      await this.#change(entryOf(by, 'sync'), async (transaction) => {
        const standing = await readPeopleRows(transaction, sitesOf(some.map(({ row }) => row)))
        const byUser = new Map(standing.map((row) => [userKey(row), row]))
        const due = some.filter(({ row }) => {
          const now = byUser.get(userKey(row))
          return now !== undefined && isSame(now, row)
        })
        for (const change of due) {
          if ('gone' in change) await this.#deleteRow(transaction, change.row)
          else await moveLogin(transaction, change.row, change.login)
        }
        made.push(...due)
        return due.map((change) => ({ ...entryOf(by, detailOf(change)), ...accountOf(change.row) }))
      })
    }
    return made
  }

  #change(refused: AuditEntry, change: (transaction: Transaction<Tables>) => Promise<AuditEntry[]>): Promise<void> {
    return this.#settings.auditLog.writeChange(refused, change)
  }

  async #deleteRow(transaction: Transaction<Tables>, { site, account, userId }: PeopleRow): Promise<void> {
    if (!account) {
      await transaction.deleteFrom('expected_person').where('site', '=', site).where('user_id', '=', userId).execute()
      return
    }
    await transaction.deleteFrom('person').where('site', '=', site).where('user_id', '=', userId).execute()
    await transaction
      .updateTable('gateway_session')
      .set({ ended_at: this.#settings.clock.now() })
      .where('site', '=', site)
      .where('issuer', '=', account.issuer)
      .where('subject', '=', account.subject)
      .where('ended_at', 'is', null)
      .execute()
  }
}

const changesAtOnce = 500
const seeList = 'See "sg-broker people list" for the rows there are.'
const nameByLogin = 'Name the row by --login.'

async function insertRows(transaction: Transaction<Tables>, rows: readonly PeopleRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += changesAtOnce) {
    const some = rows.slice(from, from + changesAtOnce)
    const linked = some.flatMap(({ account, ...row }) =>
      account ? { ...commonColumns(row), ...account, matched_email: row.email ?? null } : [],
    )
    const expected = some.flatMap((row) => (row.account ? [] : { ...commonColumns(row), email: row.email }))
    let inserted = 0n
    if (linked.length > 0) {
      const query = transaction.insertInto('person').values(linked)
      const done = await query.onConflict((conflict) => conflict.doNothing()).executeTakeFirst()
      inserted += done.numInsertedOrUpdatedRows ?? 0n
    }
    if (expected.length > 0) {
      const query = transaction.insertInto('expected_person').values(expected)
      const done = await query.onConflict((conflict) => conflict.doNothing()).executeTakeFirst()
      inserted += done.numInsertedOrUpdatedRows ?? 0n
    }
    // Operators come one after the other, first sign-ins do not wait for them. What this throws undoes the transaction.
    if (inserted < some.length) throw new LostRace()
  }
}

/** Somebody's first sign-in made one of the rows after we looked. */
class LostRace extends AgentError {
  constructor() {
    super('temporarily_unavailable', 'somebody signed in for the first time at the same moment')
  }
}

const mostRaces = 3

async function sittingOutRaces(work: () => Promise<void>): Promise<void> {
  for (let turn = 1; ; turn += 1) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof LostRace) || turn >= mostRaces) throw error
    }
  }
}

async function moveLogin(transaction: Transaction<Tables>, { site, account, userId }: PeopleRow, login: string) {
  await transaction
    .updateTable(account ? 'person' : 'expected_person')
    .set({ login })
    .where('site', '=', site)
    .where('user_id', '=', userId)
    .execute()
}

function demandNoConflict(verdicts: readonly RowVerdict[]): void {
  for (const verdict of verdicts) {
    if (verdict.kind === 'conflict') {
      throw new PeopleRefusal('account_ambiguous', `in the way: ${describeRow(verdict.with)}`, nextStepAt(verdict.with))
    }
    if (verdict.kind === 'repeated') {
      throw new PeopleRefusal('account_ambiguous', 'two rows speak of the same account, address or user', seeList)
    }
  }
}

function nextStepAt(row: PeopleRow): string {
  return `If that is wrong, remove the row first: ${removalOf(row)}`
}

function rowsNamed(rows: readonly PeopleRow[], name: RowName): PeopleRow[] {
  if ('login' in name) return rows.filter(({ login }) => login === name.login)
  if ('subject' in name) return rows.filter(({ account }) => account?.subject === name.subject)
  const wanted = foldCase(name.email)
  const withAddress = rows.filter(({ email }) => email !== undefined && foldCase(email) === wanted)
  const expected = withAddress.filter(({ account }) => !account)
  return expected.length > 0 ? expected : withAddress
}

function detailOf(change: RowChange): string {
  if ('gone' in change) return `sync: removed, deleted at the site: ${describeRow(change.row)}`
  return `sync: the login of HumanUser ${change.row.userId} is "${change.login}", was "${change.row.login}"`
}

function entryOf(by: string, detail: string): AuditEntry {
  return { event: 'person', actor: by, outcome: 'done', detail }
}

function accountOf({ site, account, userId, login }: PeopleRow): Partial<AuditEntry> {
  return { site, userId, login, ...account }
}

function sitesOf(rows: readonly PeopleRow[]): string[] {
  return [...new Set(rows.map(({ site }) => site))]
}

function userKey({ site, userId }: PeopleRow): string {
  return JSON.stringify([site, userId])
}
