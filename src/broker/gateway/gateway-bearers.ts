import { randomBytes, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Clock } from '../../ports.ts'
import { Secret } from '../../secrets/secret.ts'
import type { BrokerSite } from '../config.ts'
import type { Database } from '../database/tables.ts'
import type { GatewaySession } from './gateway-sessions.ts'
import { hashOf } from './token-hashes.ts'

/** As long as the site's own. facts: shotgrid §2.2 */
export const bearerLifeS = 600

/** The broker's own REST bearers, made from gateway sessions. Only their hashes are kept. */
export class GatewayBearers {
  readonly #database: Database
  readonly #clock: Pick<Clock, 'now'>

  constructor(database: Database, clock: Pick<Clock, 'now'>) {
    this.#database = database
    this.#clock = clock
  }

  /** Shaped like the site's, for clients that read the claims; nobody verifies it, it is looked up. */
  async make(session: GatewaySession, { gatewayUrl }: Pick<BrokerSite, 'gatewayUrl'>): Promise<Secret> {
    const now = this.#clock.now()
    const nowS = Math.floor(now / 1000)
    const { host } = new URL(gatewayUrl)
    const jwt = await new SignJWT({
      iss: host,
      aud: host,
      iat: nowS,
      exp: nowS + bearerLifeS,
      jti: randomUUID(),
      user: { type: 'HumanUser', id: session.user_id },
      sudo_as_login: null,
      auth_type: 'session_token',
      session_uuid: session.session_uuid,
    })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(randomBytes(32))
    const token = new Secret(jwt)
    await this.#database
      .insertInto('gateway_bearer')
      .values({
        hash: hashOf('gateway bearer', token),
        session_hash: session.hash,
        expires_at: now + bearerLifeS * 1000,
      })
      .execute()
    return token
  }

  /** The hash of the session that a living bearer was made from. */
  async sessionHashOf(token: Secret): Promise<string | undefined> {
    const row = await this.#database
      .selectFrom('gateway_bearer')
      .select('session_hash')
      .where('hash', '=', hashOf('gateway bearer', token))
      .where('expires_at', '>', this.#clock.now())
      .executeTakeFirst()
    return row?.session_hash
  }
}
