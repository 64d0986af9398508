import { AgentError } from '../errors.ts'
import type { Ports } from '../ports.ts'
import type { Secret } from '../secret.ts'
import type { IssuedSession, Renewal, SignedIn } from '../session/session.ts'
import { SiteFault } from '../shotgrid/faults.ts'
import { readEntities } from '../shotgrid/json-rpc.ts'
import { whoAmI } from '../shotgrid/rest.ts'
import { SessionClock } from '../shotgrid/session-end.ts'

/** A session that the site itself has made for a person. */
export interface SiteMadeSession {
  readonly site: string
  readonly sessionToken: Secret
  readonly obtainedBy: 'web' | 'legacy'
}

type SitePorts = Pick<Ports, 'fetch' | 'clock'>

/** "User Session Expiry" is an hour, a day or a week; where the site does not tell, the shortest. facts: shotgrid §7 */
const estimatedLifetimeMs = 3600_000

/**
 * Takes in a session that came from the site itself: asks whose it is and until when. Throws `session_ended` when the site
 * does not know it, `session_owner_mismatch` when it is no person's, `site_unreachable`.
 */
export async function takeInSiteSession(
  ports: SitePorts,
  made: SiteMadeSession,
  signal: AbortSignal,
): Promise<SignedIn> {
  const { site, sessionToken, obtainedBy } = made
  const person = await askWhoseItIs(ports, made, signal)
  const life = new SiteSessionLife(ports, made)
  const session: IssuedSession = {
    site,
    apiUrl: site,
    ...person,
    sessionToken,
    obtainedBy,
    ...(await life.read(signal)),
  }
  return { session, renewal: new SiteSessionRenewal(ports, session, life) }
}

async function askWhoseItIs(
  { fetch }: SitePorts,
  { site, sessionToken }: SiteMadeSession,
  signal: AbortSignal,
): Promise<Pick<IssuedSession, 'userId' | 'login' | 'name'>> {
  try {
    const { user } = await whoAmI(fetch, site, sessionToken, signal)
    if (user.type !== 'HumanUser') {
      throw new AgentError('session_owner_mismatch', `"${site}" made a session of a ${user.type}, not of a person`)
    }
    const query = {
      type: 'HumanUser',
      filters: [['id', 'is', user.id]] as const,
      fields: ['login', 'name'],
      limit: 1,
      signal,
    }
    const [row] = await readEntities(fetch, site, { kind: 'session', sessionToken }, query)
    const login = row?.['login']
    const name = row?.['name']
    if (typeof login !== 'string')
      throw new AgentError('session_owner_mismatch', `"${site}" does not show whose session this is`)
    return { userId: user.id, login, name: typeof name === 'string' && name !== '' ? name : login }
  } catch (error) {
    if (!(error instanceof SiteFault)) throw error
    throw new AgentError('session_ended', `"${site}" refuses the session it has just made`, { cause: error })
  }
}

type Life = Pick<IssuedSession, 'lifetimeMs' | 'expiry'>

/** How long a session of the site still lives, as exactly as the site tells. */
class SiteSessionLife {
  readonly #ports: SitePorts
  readonly #session: Pick<IssuedSession, 'site' | 'sessionToken'>
  readonly #clock: SessionClock
  /** The longest that was ever left: what the site grants without use. */
  #windowMs = 0

  constructor(ports: SitePorts, session: Pick<IssuedSession, 'site' | 'sessionToken'>) {
    this.#ports = ports
    this.#session = session
    this.#clock = new SessionClock(ports.fetch, ports.clock)
  }

  /** Throws `session_ended`, `site_unreachable`. */
  async read(signal: AbortSignal): Promise<Life> {
    const { site, sessionToken } = this.#session
    const end = await this.#clock.read(site, sessionToken, signal)
    if (end.known === 'ended') throw new AgentError('session_ended', `"${site}" has ended the session`)
    if (end.known === 'untold') return { lifetimeMs: estimatedLifetimeMs, expiry: 'estimated' }
    this.#windowMs = Math.max(this.#windowMs, end.leftMs)
    return { lifetimeMs: end.leftMs, expiry: 'exact' }
  }

  /**
   * The same after making it as long as the site lets it be. Use prolongs a session too: one that others used since is only
   * looked at. Throws `session_ended`, `site_unreachable`.
   */
  async prolong(signal: AbortSignal): Promise<Life> {
    const { site, sessionToken } = this.#session
    const end = await this.#clock.read(site, sessionToken, signal)
    if (end.known === 'exact' && end.leftMs < this.#windowMs / 2) {
      await this.#clock.prolong(site, end.endsFirst, sessionToken, signal)
    } else if (end.known === 'untold') {
      // The cheapest question that counts as use.
      if (!(await isAccepted(this.#ports, this.#session, signal))) throw new AgentError('session_ended')
    }
    return this.read(signal)
  }
}

async function isAccepted(
  { fetch }: SitePorts,
  { site, sessionToken }: Pick<IssuedSession, 'site' | 'sessionToken'>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await whoAmI(fetch, site, sessionToken, signal)
    return true
  } catch (error) {
    if (error instanceof SiteFault) return false
    throw error
  }
}

/** A site's own session cannot be had anew without the artist, but it can be kept going. */
class SiteSessionRenewal implements Renewal {
  readonly #ports: SitePorts
  readonly #session: IssuedSession
  readonly #life: SiteSessionLife
  #forgotten = false

  constructor(ports: SitePorts, session: IssuedSession, life: SiteSessionLife) {
    this.#ports = ports
    this.#session = session
    this.#life = life
  }

  async renew(signal: AbortSignal): Promise<IssuedSession> {
    const life = await this.#life.prolong(signal)
    if (this.#forgotten) throw new AgentError('login_required', 'signed out while the session was renewed')
    return { ...this.#session, ...life }
  }

  async check(session: IssuedSession, signal: AbortSignal): Promise<'accepted' | 'refused'> {
    return (await isAccepted(this.#ports, session, signal)) ? 'accepted' : 'refused'
  }

  remember(): void {
    // Nothing of it outlives the agent: a session token is never stored.
  }

  async forget(): Promise<void> {
    // ShotGrid has no call that ends a session. facts: shotgrid §8
    this.#forgotten = true
  }

  release(): Promise<void> {
    return this.forget()
  }
}
