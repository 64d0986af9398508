import { AgentError } from '../../errors.ts'
import type { Clock } from '../../ports.ts'
import { onDiskWithTheNext } from '../database/on-disk-with-the-next.ts'
import type { Database } from '../database/tables.ts'
import type { Subject } from './subject-token.ts'

/** How long the key of a sign-in may renew: as long as the longest working day an agent can be configured to. */
const signInLifeMs = 24 * 3600_000

/** Which key stands for whom: made by the first exchange of a sign-in, asked at each renewal. */
export class SignIns {
  readonly #database: Database
  readonly #clock: Pick<Clock, 'now'>

  constructor(database: Database, clock: Pick<Clock, 'now'>) {
    this.#database = database
    this.#clock = clock
  }

  /** Who signed in to this site with the key, and by which Autodesk app; undefined when nobody did. */
  async of(thumbprint: string, site: string): Promise<Omit<Subject, 'verifiedEmail'> | undefined> {
    const row = await this.#living(thumbprint, site).executeTakeFirst()
    return row && { issuer: row.issuer, subject: row.subject, clientId: row.client_id }
  }

  /** Whether the key stands for this person on this site, signed in by the same app. */
  async isOf(thumbprint: string, site: string, { issuer, subject, clientId }: Subject): Promise<boolean> {
    const row = await this.#living(thumbprint, site)
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .where('client_id', '=', clientId)
      .executeTakeFirst()
    return row !== undefined
  }

  /** Throws `proof_rejected` when the key stands for another person already. */
  async begin(thumbprint: string, site: string, person: Subject): Promise<void> {
    const now = this.#clock.now()
    await this.#database.deleteFrom('sign_in').where('expires_at', '<', now).modifyEnd(onDiskWithTheNext).execute()
    const { numInsertedOrUpdatedRows } = await this.#database
      .insertInto('sign_in')
      .values({
        thumbprint,
        site,
        issuer: person.issuer,
        subject: person.subject,
        client_id: person.clientId,
        expires_at: now + signInLifeMs,
      })
      .onConflict((conflict) => conflict.doNothing())
      .modifyEnd(onDiskWithTheNext)
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows === 1n) return
    if (!(await this.isOf(thumbprint, site, person))) {
      throw new AgentError('proof_rejected', 'the key belongs to another sign-in')
    }
  }

  #living(thumbprint: string, site: string) {
    return this.#database
      .selectFrom('sign_in')
      .select(['issuer', 'subject', 'client_id'])
      .where('thumbprint', '=', thumbprint)
      .where('site', '=', site)
      .where('expires_at', '>', this.#clock.now())
  }
}
