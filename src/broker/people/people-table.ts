import type { Selectable } from 'kysely'
import { AgentError } from '../../errors.ts'
import type { Clock } from '../../ports.ts'
import { onDiskWithTheNext } from '../database/on-disk-with-the-next.ts'
import type { Database, MatchedBy, Tables } from '../database/tables.ts'

/** An Autodesk account. `subject` is who it is, whatever its e-mail address says. */
export interface Account {
  readonly issuer: string
  readonly subject: string
}

export type PersonRow = Selectable<Tables['person']>
export type ExpectedRow = Selectable<Tables['expected_person']>

/** How a HumanUser came to belong to an account. */
export interface Match {
  readonly userId: number
  readonly login: string
  readonly matchedBy: MatchedBy
  readonly email: string | undefined
  readonly setBy: string
}

/** The broker's memory of who is who: one account is one HumanUser of a site, both ways. */
export class PeopleTable {
  readonly #database: Database
  readonly #clock: Pick<Clock, 'now'>

  constructor(database: Database, clock: Pick<Clock, 'now'>) {
    this.#database = database
    this.#clock = clock
  }

  find(site: string, { issuer, subject }: Account): Promise<PersonRow | undefined> {
    return this.#database
      .selectFrom('person')
      .selectAll()
      .where('site', '=', site)
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .executeTakeFirst()
  }

  /** Whom an operator said this address is. */
  expected(site: string, email: string): Promise<ExpectedRow | undefined> {
    return this.#database
      .selectFrom('expected_person')
      .selectAll()
      .where('site', '=', site)
      .where('email', '=', email)
      .executeTakeFirst()
  }

  /** Whether an operator said with which address this user will come. */
  async isExpected(site: string, userId: number): Promise<boolean> {
    const row = await this.#database
      .selectFrom('expected_person')
      .select('user_id')
      .where('site', '=', site)
      .where('user_id', '=', userId)
      .executeTakeFirst()
    return row !== undefined
  }

  /**
   * Remembers a first match; what stands already stays. Throws `account_ambiguous` when the user is another account's, or the
   * account another user.
   */
  async remember(site: string, account: Account, match: Match): Promise<void> {
    const { numInsertedOrUpdatedRows } = await this.#database
      .insertInto('person')
      .values({
        site,
        issuer: account.issuer,
        subject: account.subject,
        user_id: match.userId,
        login: match.login,
        matched_by: match.matchedBy,
        matched_email: match.email ?? null,
        set_by: match.setBy,
        created_at: this.#clock.now(),
      })
      .onConflict((conflict) => conflict.doNothing())
      .modifyEnd(onDiskWithTheNext)
      .executeTakeFirst()
    // Someone else's link to this user, or a concurrent first sign-in that linked this account: the row that stands decides.
    const isNew = numInsertedOrUpdatedRows === 1n
    if (!isNew && (await this.find(site, account))?.user_id !== match.userId) {
      const said = `the ShotGrid user "${match.login}" is linked to another Autodesk account`
      throw new AgentError('account_ambiguous', said)
    }
    await this.#database
      .deleteFrom('expected_person')
      .where('site', '=', site)
      .where('user_id', '=', match.userId)
      .modifyEnd(onDiskWithTheNext)
      .execute()
  }

  /** The site gave its user another login. */
  async moveLogin(site: string, userId: number, login: string): Promise<void> {
    await this.#database
      .updateTable('person')
      .set({ login })
      .where('site', '=', site)
      .where('user_id', '=', userId)
      .execute()
  }
}
