import { AgentError } from '../../errors.ts'
import type { Fetch } from '../../ports.ts'
import type { Secret } from '../../secrets/secret.ts'
import { anySignal } from '../../waiting/any-signal.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Shape } from '../config-schema.ts'
import type { GatewaySessions } from '../gateway/gateway-sessions.ts'
import type { MappedPerson } from '../people/people.ts'
import type { Account } from '../people/people-table.ts'
import type { ScriptedSite } from '../scripted-site.ts'
import { makeRestBearer } from './rest-bearer.ts'
import { judgeOwner, type MadeSession, makeSession, notThePersons } from './session.ts'
import type { SiteShapes } from './site-shapes.ts'

/** Something that acts at a site as one person. */
export interface Issued {
  readonly shape: Shape
  readonly token: Secret
  readonly expiresInS: number
  /** Where it is good. */
  readonly apiUrl: string
}

export interface Recipient {
  readonly site: ScriptedSite
  readonly account: Account
  readonly person: MappedPerson
  /** Names what is issued in the audit and in the site's event log. */
  readonly sessionUuid: string
}

export interface IssuingSettings {
  readonly fetch: Fetch
  readonly shapes: SiteShapes
  readonly gatewaySessions: GatewaySessions
  readonly auditLog: AuditLog
}

const siteLimitMs = 30_000

/** Makes what a person is given, in the shape their site can do; each is checked by asking the site whose it is. */
export class Issuing {
  readonly #settings: IssuingSettings
  /** Sites that are being asked what they can do. */
  readonly #probing = new Map<string, Promise<Issued>>()

  constructor(settings: IssuingSettings) {
    this.#settings = settings
  }

  /**
   * A session (`session` or `gateway`), as the site's policy says. Throws `session_owner_mismatch`, `temporarily_unavailable`,
   * `site_unreachable`, and `invalid_request` for a site that gives REST bearers only.
   */
  async session(to: Recipient, waiting: AbortSignal): Promise<Issued> {
    const { issue } = to.site.policy
    const signal = limited(waiting)
    return issue === 'auto' ? this.#asTheSiteCan(to, signal) : this.#inShape(issue, to, signal)
  }

  /**
   * A REST bearer. Throws like `session`; `invalid_request` for a site that is served through the gateway, by policy or because
   * `auto` chose so: the site's own bearer would go past it, and past a stop, for ten minutes.
   */
  async restBearer({ site, person, sessionUuid }: Recipient, waiting: AbortSignal): Promise<Issued> {
    const { issue } = site.policy
    const shape = issue === 'auto' ? (await this.#settings.shapes.find(site.url))?.shape : issue
    if (shape === 'gateway') {
      throw new AgentError('invalid_request', `"${site.url}" is served through the gateway only`)
    }
    const grant = await makeRestBearer(site, person, sessionUuid, limited(waiting))
    return { shape: 'rest', token: grant.accessToken, expiresInS: grant.expiresInS, apiUrl: site.url }
  }

  async #inShape(shape: Shape, to: Recipient, signal: AbortSignal): Promise<Issued> {
    switch (shape) {
      case 'session':
        return this.#siteSession(to, await this.#make(to, signal))
      case 'gateway':
        return this.#gatewaySession(to, signal)
      case 'rest':
        throw new AgentError('invalid_request', `"${to.site.url}" is served with REST bearers only`)
    }
  }

  async #asTheSiteCan(to: Recipient, signal: AbortSignal): Promise<Issued> {
    const { url } = to.site
    let known = await this.#settings.shapes.find(url)
    const probing = this.#probing.get(url)
    if (!known && probing) {
      // It is limited like this one. However it ends, what it found out is in the table.
      await probing.catch(() => undefined)
      known = await this.#settings.shapes.find(url)
    }
    if (known) return this.#inShape(known.shape, to, signal)
    const probe = this.#probe(to, signal)
    this.#probing.set(url, probe)
    return probe.finally(() => {
      if (this.#probing.get(url) === probe) this.#probing.delete(url)
    })
  }

  /** Asks the site for a session, and chooses for good by whose it makes. */
  async #probe(to: Recipient, signal: AbortSignal): Promise<Issued> {
    const { site, person } = to
    const { shapes, auditLog } = this.#settings
    const made = await this.#make(to, signal)
    const owner = judgeOwner(made, person)
    // Somebody else's session says nothing about what the site can do; it says that something is wrong.
    if (owner === 'other') throw notThePersons(site, made, person)
    const [found, reason] =
      owner === 'person'
        ? (['session', `the site made the session of HumanUser ${person.userId} when asked for it`] as const)
        : (['gateway', `the site made the script's session when asked for that of HumanUser ${person.userId}`] as const)
    const chosen = await shapes.choose(site.url, found, reason, auditLog)
    return chosen === 'gateway' ? this.#gatewaySession(to, signal) : this.#siteSession(to, made)
  }

  #make({ site, person, sessionUuid }: Recipient, signal: AbortSignal): Promise<MadeSession> {
    return makeSession(this.#settings.fetch, site, person, sessionUuid, signal)
  }

  #siteSession({ site, person }: Recipient, made: MadeSession): Issued {
    if (judgeOwner(made, person) !== 'person') throw notThePersons(site, made, person)
    return { shape: 'session', token: made.token, expiresInS: site.policy.sessionLifetimeS, apiUrl: site.url }
  }

  async #gatewaySession(to: Recipient, signal: AbortSignal): Promise<Issued> {
    const { gatewaySessions } = this.#settings
    const { policy } = to.site
    const token = await gatewaySessions.begin(to, signal)
    return { shape: 'gateway', token, expiresInS: gatewaySessions.lifetimeS(policy), apiUrl: policy.gatewayUrl }
  }
}

function limited(waiting: AbortSignal): AbortSignal {
  return anySignal([waiting, AbortSignal.timeout(siteLimitMs)])
}
