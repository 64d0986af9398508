import { randomBytes } from 'node:crypto'
import type { Clock } from '../../ports.ts'
import { Secret } from '../../secrets/secret.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { BrokerSite } from '../config.ts'
import { onDiskWithTheNext } from '../database/on-disk-with-the-next.ts'
import type { Database, Tables } from '../database/tables.ts'
import type { Recipient } from '../issue/issuing.ts'
import { makeRestBearer } from '../issue/rest-bearer.ts'
import type { GatewayAddresses } from './gateway-addresses.ts'
import type { SudoProof } from './sudo-proof.ts'
import { hashOf } from './token-hashes.ts'

export type GatewaySession = Tables['gateway_session']

/** Whatever its use, a session is over after a day: as long as the longest working day an agent can be configured to. */
const mostS = 24 * 3600
const movedAtMostEveryMs = 300_000

export interface GatewaySessionsSettings {
  readonly database: Database
  readonly clock: Pick<Clock, 'now'>
  readonly addresses: GatewayAddresses
  readonly sudoProof: SudoProof
}

/** The broker's own sessions, for sites whose session would be the script's. Only hashes of their tokens are kept. */
export class GatewaySessions {
  readonly #settings: GatewaySessionsSettings

  constructor(settings: GatewaySessionsSettings) {
    this.#settings = settings
  }

  /**
   * Begins a session of a person whom the site has just been asked to act for, on both of its APIs. Throws
   * `session_owner_mismatch` for a site that takes no notice of whom it is to act for, `config_invalid` for one without an
   * address of its own, `temporarily_unavailable`, `site_unreachable`.
   */
  async begin({ site, account, person, sessionUuid }: Recipient, signal: AbortSignal): Promise<Secret> {
    const { database, clock, addresses, sudoProof } = this.#settings
    addresses.demandOwn(site)
    await sudoProof.demand(site, person.login)
    await makeRestBearer(site, person, sessionUuid, signal)
    const token = new Secret(randomBytes(32).toString('base64url'))
    const now = clock.now()
    await this.#deleteOver(now)
    await database
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
      .modifyEnd(onDiskWithTheNext)
      .execute()
    return token
  }

  /** How long a session lives that nobody uses. */
  lifetimeS({ sessionLifetimeS }: Pick<BrokerSite, 'sessionLifetimeS'>): number {
    return Math.min(sessionLifetimeS, mostS)
  }

  /** The session of that token, whatever has become of it. */
  find(token: Secret): Promise<GatewaySession | undefined> {
    return this.findByHash(hashOf('gateway session', token))
  }

  findByHash(hash: string): Promise<GatewaySession | undefined> {
    const { database } = this.#settings
    return database.selectFrom('gateway_session').selectAll().where('hash', '=', hash).executeTakeFirst()
  }

  /** Neither ended, nor idle for too long, nor older than a day. */
  isAlive(session: GatewaySession, policy: Pick<BrokerSite, 'sessionLifetimeS'>): boolean {
    const now = this.#settings.clock.now()
    const isFresh = now < session.used_at + this.lifetimeS(policy) * 1000 && now < session.created_at + mostS * 1000
    return session.ended_at === null && isFresh
  }

  /** Pushes the idle time back; written now and then only, as sites do. */
  async touch(session: GatewaySession, policy: Pick<BrokerSite, 'sessionLifetimeS'>): Promise<void> {
    const { database, clock } = this.#settings
    const now = clock.now()
    if (now - session.used_at < Math.min(movedAtMostEveryMs, this.lifetimeS(policy) * 500)) return
    await database
      .updateTable('gateway_session')
      .set({ used_at: now })
      .where('hash', '=', session.hash)
      .where('used_at', '<', now)
      .execute()
  }

  /** Ends one session; true for exactly one caller. */
  async end(hash: string): Promise<boolean> {
    const { database, clock } = this.#settings
    const { numUpdatedRows } = await database
      .updateTable('gateway_session')
      .set({ ended_at: clock.now() })
      .where('hash', '=', hash)
      .where('ended_at', 'is', null)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }

  /** An operator ends all sessions of one HumanUser; how many they were. The audit knows it before this resolves. */
  async endAllOf(site: string, userId: number, by: string, auditLog: AuditLog): Promise<number> {
    let ended = 0n
    const entry = { event: 'gateway', actor: by, site, userId, outcome: 'done', detail: 'sessions ended' } as const
    await auditLog.write(entry, async (transaction) => {
      const { numUpdatedRows } = await transaction
        .updateTable('gateway_session')
        .set({ ended_at: this.#settings.clock.now() })
        .where('site', '=', site)
        .where('user_id', '=', userId)
        .where('ended_at', 'is', null)
        .executeTakeFirst()
      ended = numUpdatedRows
    })
    return Number(ended)
  }

  /** The sessions of a site that are not over, the youngest first. */
  async list(policy: Pick<BrokerSite, 'url' | 'sessionLifetimeS'>): Promise<GatewaySession[]> {
    const rows = await this.#settings.database
      .selectFrom('gateway_session')
      .selectAll()
      .where('site', '=', policy.url)
      .where('ended_at', 'is', null)
      .orderBy('created_at', 'desc')
      .execute()
    return rows.filter((session) => this.isAlive(session, policy))
  }

  async #deleteOver(now: number): Promise<void> {
    const { database } = this.#settings
    await database
      .deleteFrom('gateway_session')
      .where('created_at', '<', now - mostS * 1000)
      .modifyEnd(onDiskWithTheNext)
      .execute()
    await database.deleteFrom('gateway_bearer').where('expires_at', '<', now).modifyEnd(onDiskWithTheNext).execute()
  }
}
