import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../ports.ts'
import { onDiskWithTheNext } from '../database/on-disk-with-the-next.ts'
import type { Database } from '../database/tables.ts'

/** Longer than an artist may take in the browser. */
export const challengeLifeS = 600

/** Random values that an agent may use once, each for one proof. */
export class Challenges {
  readonly #database: Database
  readonly #clock: Pick<Clock, 'now'>

  constructor(database: Database, clock: Pick<Clock, 'now'>) {
    this.#database = database
    this.#clock = clock
  }

  async make(): Promise<string> {
    const challenge = randomBytes(32).toString('base64url')
    const now = this.#clock.now()
    await this.#database
      .deleteFrom('challenge')
      .where('expires_at', '<', now - challengeLifeS * 1000)
      .modifyEnd(onDiskWithTheNext)
      .execute()
    await this.#database
      .insertInto('challenge')
      .values({ hash: hashOfChallenge(challenge), expires_at: now + challengeLifeS * 1000, used_at: null })
      .modifyEnd(onDiskWithTheNext)
      .execute()
    return challenge
  }

  /** Uses a challenge up; true for exactly one caller, however many try at once: one statement both asks and takes. */
  async use(challenge: string): Promise<boolean> {
    const now = this.#clock.now()
    const { numUpdatedRows } = await this.#database
      .updateTable('challenge')
      .set({ used_at: now })
      .where('hash', '=', hashOfChallenge(challenge))
      .where('used_at', 'is', null)
      .where('expires_at', '>', now)
      .modifyEnd(onDiskWithTheNext)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }

  /** Whether this broker made the challenge within its life, used or not. */
  async isRecent(challenge: string): Promise<boolean> {
    const row = await this.#database
      .selectFrom('challenge')
      .select('hash')
      .where('hash', '=', hashOfChallenge(challenge))
      .where('expires_at', '>', this.#clock.now())
      .executeTakeFirst()
    return row !== undefined
  }
}

// The prefix keeps this hash from being any other value's in any other table.
export function hashOfChallenge(challenge: string): string {
  return createHash('sha256').update(`challenge ${challenge}`, 'utf8').digest('hex')
}
