import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../ports.ts'
import { Secret } from '../../secret.ts'
import type { Database } from '../database/tables.ts'
import type { Recipient } from '../issue/issuing.ts'
import { makeRestBearer } from '../issue/rest-bearer.ts'

/** The broker's own sessions, for sites whose session would be the script's. Only hashes of their tokens are kept. */
export class GatewaySessions {
  readonly #database: Database
  readonly #clock: Pick<Clock, 'now'>

  constructor(database: Database, clock: Pick<Clock, 'now'>) {
    this.#database = database
    this.#clock = clock
  }

  /** Begins a session of a person whom the site has just been asked to act for. Throws like `makeRestBearer`. */
  async begin({ site, account, person, sessionUuid }: Recipient, signal: AbortSignal): Promise<Secret> {
    await makeRestBearer(site, person, sessionUuid, signal)
    const token = new Secret(randomBytes(32).toString('base64url'))
    const now = this.#clock.now()
    await this.#database
      .insertInto('gateway_session')
      .values({
        hash: hashOf('gateway session', token),
        site: site.url,
        issuer: account.issuer,
        subject: account.subject,
        user_id: person.userId,
        login: person.login,
        session_uuid: sessionUuid,
        created_at: now,
        used_at: now,
        ended_at: null,
      })
      .execute()
    return token
  }
}

// The prefix keeps this hash from being any other value's in any other table.
function hashOf(kind: 'gateway session' | 'gateway bearer', token: Secret): string {
  return createHash('sha256').update(`${kind} ${token.reveal()}`, 'utf8').digest('hex')
}
