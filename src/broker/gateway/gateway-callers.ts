import { AgentError, type ErrorCode } from '../../errors.ts'
import type { Clock } from '../../ports.ts'
import type { Secret } from '../../secrets/secret.ts'
import { SingleFlight } from '../../waiting/single-flight.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Limits } from '../operation/limits.ts'
import type { Stops } from '../operation/stops.ts'
import type { People } from '../people/people.ts'
import type { PeopleTable } from '../people/people-table.ts'
import type { Acting, ScriptedSite } from '../scripted-site.ts'
import type { GatewayBearers } from './gateway-bearers.ts'
import type { GatewaySession, GatewaySessions } from './gateway-sessions.ts'
import type { SudoProof } from './sudo-proof.ts'

/** Who calls: a living session, and the login its person has now. */
export interface GatewayCaller {
  readonly site: ScriptedSite
  readonly session: GatewaySession
  /** What every call to the site is made with. */
  readonly acting: Required<Acting>
}

export interface GatewayCallersSettings {
  readonly gatewaySessions: GatewaySessions
  readonly gatewayBearers: GatewayBearers
  readonly people: People
  readonly peopleTable: PeopleTable
  readonly sudoProof: SudoProof
  readonly stops: Stops
  readonly limits: Limits
  readonly auditLog: AuditLog
  readonly clock: Pick<Clock, 'monotonicMs'>
}

/** How old an answer of the site about a person may be. */
const judgedForMs = 60_000
const mostRemembered = 10_000
/** Answers about the person that end the session; everything else may pass. */
const ending: ReadonlySet<ErrorCode> = new Set([
  'account_not_mapped',
  'account_ambiguous',
  'account_disabled',
  'privileged_account',
])

/** Turns what a tool shows into who calls, or refuses; asked at every call. */
export class GatewayCallers {
  readonly #settings: GatewayCallersSettings
  readonly #people = new Map<string, { readonly flight: SingleFlight<string>; login?: string; judgedAtMs: number }>()

  constructor(settings: GatewayCallersSettings) {
    this.#settings = settings
  }

  /**
   * `sites`: those the address of the call stands for; a session of another one is none here. Throws `session_ended`,
   * `account_…` or `privileged_account` (the session is over then), `broker_stopped`, RateLimited, and what may pass:
   * `temporarily_unavailable`, `site_unreachable`, `session_owner_mismatch`.
   */
  async ofSession(token: Secret, sites: readonly ScriptedSite[]): Promise<GatewayCaller> {
    return this.#judge(await this.#settings.gatewaySessions.find(token), sites)
  }

  /** Whether a token is worth reading a long call for; says nothing yet about who calls. Throws `session_ended`. */
  async demandLiving(token: Secret | undefined, sites: readonly ScriptedSite[]): Promise<void> {
    const { gatewaySessions } = this.#settings
    this.#livingOf(token && (await gatewaySessions.find(token)), sites)
  }

  /** By a bearer that was made from a session. Throws like `ofSession`. */
  async ofBearer(token: Secret, sites: readonly ScriptedSite[]): Promise<GatewayCaller> {
    const { gatewayBearers, gatewaySessions } = this.#settings
    const hash = await gatewayBearers.sessionHashOf(token)
    return this.#judge(hash === undefined ? undefined : await gatewaySessions.findByHash(hash), sites)
  }

  /**
   * The site has just refused to act for the person: asks it about them again. Throws like `ofSession`, and
   * `temporarily_unavailable` when the person is all right: then it is the script, and no new sign-in would help.
   */
  async explainRefusal({ site, session, acting }: GatewayCaller, cause?: unknown): Promise<never> {
    this.#people.delete(keyOf(session))
    await this.#loginOf(site, session)
    const said = `"${site.url}" does not act for "${acting.sudoAsLogin}" right now`
    throw new AgentError('temporarily_unavailable', said, { cause })
  }

  async #judge(session: GatewaySession | undefined, sites: readonly ScriptedSite[]): Promise<GatewayCaller> {
    const { gatewaySessions, stops, limits } = this.#settings
    const living = this.#livingOf(session, sites)
    const { site } = living
    await stops.demandGoing(site.url)
    await limits.count('callsPerSession', living.session.hash)
    const sudoAsLogin = await this.#loginOf(site, living.session)
    // Asking the site takes its time, in which somebody may have stopped it.
    await stops.demandGoing(site.url)
    await gatewaySessions.touch(living.session, site.policy)
    return { ...living, acting: { sudoAsLogin, sessionUuid: living.session.session_uuid } }
  }

  #livingOf(
    session: GatewaySession | undefined,
    sites: readonly ScriptedSite[],
  ): { readonly site: ScriptedSite; readonly session: GatewaySession } {
    const site = session && sites.find(({ url }) => url === session.site)
    // One sentence for all: whoever guesses learns nothing.
    if (!site || !this.#settings.gatewaySessions.isAlive(session, site.policy)) throw new AgentError('session_ended')
    return { site, session }
  }

  async #loginOf(site: ScriptedSite, session: GatewaySession): Promise<string> {
    const { clock } = this.#settings
    const key = keyOf(session)
    const entry = this.#people.get(key) ?? { flight: new SingleFlight<string>(), judgedAtMs: 0 }
    if (!this.#people.has(key)) this.#remember(key, entry)
    try {
      // At every call: what an operator takes away is gone at once, whatever the site said a moment ago.
      await this.#demandLinked(site, session)
      if (entry.login !== undefined && clock.monotonicMs() - entry.judgedAtMs < judgedForMs) return entry.login
      delete entry.login
      entry.login = await entry.flight.run(async () => {
        entry.judgedAtMs = clock.monotonicMs()
        return this.#askSite(site, session)
      })
      return entry.login
    } catch (thrown) {
      if (thrown instanceof AgentError && ending.has(thrown.code)) await this.#end(session, thrown)
      throw thrown
    }
  }

  async #demandLinked(site: ScriptedSite, session: GatewaySession): Promise<void> {
    const link = await this.#settings.peopleTable.find(site.url, session)
    if (link?.user_id !== session.user_id) {
      throw new AgentError('account_not_mapped', `the Autodesk account is no longer linked to "${session.login}"`)
    }
  }

  async #askSite(site: ScriptedSite, session: GatewaySession): Promise<string> {
    const { people, sudoProof } = this.#settings
    const { login, userId } = await people.find(site, session, async () => undefined)
    // Linked to somebody else while the site was asked.
    if (userId !== session.user_id) throw new AgentError('account_not_mapped')
    await sudoProof.demand(site, login)
    return login
  }

  async #end(session: GatewaySession, { code, message }: AgentError): Promise<void> {
    const { gatewaySessions, auditLog } = this.#settings
    if (!(await gatewaySessions.end(session.hash))) return
    await auditLog.write({ ...entryOf(session), outcome: code, detail: `session ended: ${message}` })
  }

  #remember(key: string, entry: { readonly flight: SingleFlight<string>; judgedAtMs: number }): void {
    // The oldest goes; it is only asked about again.
    const [oldest] = this.#people.keys()
    if (this.#people.size >= mostRemembered && oldest !== undefined) this.#people.delete(oldest)
    this.#people.set(key, entry)
  }
}

/** What the audit says of a session's person. */
export function entryOf(session: GatewaySession) {
  return {
    event: 'gateway',
    actor: session.subject,
    site: session.site,
    issuer: session.issuer,
    subject: session.subject,
    userId: session.user_id,
    login: session.login,
    shape: 'gateway',
    sessionUuid: session.session_uuid,
  } as const
}

function keyOf({ site, issuer, subject, user_id }: GatewaySession): string {
  return JSON.stringify([site, issuer, subject, user_id])
}
