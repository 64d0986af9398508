import pRetry from 'p-retry'
import { z } from 'zod'
import { AgentError } from '../errors.ts'
import type { Secret } from '../secrets/secret.ts'
import type { IssuedSession, Renewal, SignedIn } from '../session/session.ts'
import { SiteFault } from '../shotgrid/faults.ts'
import { readEntities } from '../shotgrid/json-rpc.ts'
import { whoAmI } from '../shotgrid/rest.ts'
import { SessionClock, type SessionEnd } from '../shotgrid/session-end.ts'
import { anySignal } from '../waiting/any-signal.ts'
import {
  isAccepted,
  type Life,
  RefusalCheck,
  readEnd,
  readingLimitMs,
  readLeftMs,
  type SitePorts,
} from './session-life.ts'

/** A session that the site itself has made for a person. */
export interface SiteMadeSession {
  readonly site: string
  readonly sessionToken: Secret
  readonly obtainedBy: 'web' | 'legacy'
}

/**
 * "User Session Expiry" is an hour, a day or a week; where the site does not tell, the shortest, less the five minutes within
 * which the site does not count a use again. facts: shotgrid §7
 */
const estimatedLifetimeMs = (60 - 5) * 60_000
const takeInLimitMs = 30_000

/**
 * Takes in a session that came from the site itself: asks whose it is and until when. The site hands it out once, so passing
 * trouble is waited out for half a minute. Throws `session_ended` when the site does not know it, `session_owner_mismatch`
 * when it is no person's, `site_unreachable`.
 */
export async function takeInSiteSession(
  ports: SitePorts,
  made: SiteMadeSession,
  signal: AbortSignal,
): Promise<SignedIn> {
  const { site, sessionToken, obtainedBy } = made
  const person = await pRetry(() => askWhoseItIs(ports, made, signal), {
    retries: 5,
    minTimeout: 750,
    maxRetryTime: takeInLimitMs,
    signal,
    shouldRetry: ({ error }) => error instanceof AgentError && error.code === 'site_unreachable',
  })
  const life = new SiteSessionLife(ports, made)
  const session: IssuedSession = {
    site,
    apiUrl: site,
    ...person,
    sessionToken,
    obtainedBy,
    ...(await life.begin(signal)),
  }
  return { session, renewal: new SiteSessionRenewal(ports, session, life) }
}

/** What goes on with such a session that another process held. Throws where what was passed on is not of this form. */
export function goOnWithSiteSession(ports: SitePorts, session: IssuedSession, passed: unknown): Renewal {
  const { windowMs, wasRefused } = passedSchema.parse(passed)
  return new SiteSessionRenewal(ports, session, new SiteSessionLife(ports, session, windowMs), wasRefused)
}

const passedSchema = z.object({ windowMs: z.number().nonnegative(), wasRefused: z.boolean() })

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

/** How long a session of the site still lives, as exactly as the site tells, and what makes it live longer. */
class SiteSessionLife {
  readonly #ports: SitePorts
  readonly #session: Pick<IssuedSession, 'site' | 'sessionToken'>
  readonly #clock: SessionClock
  /** The longest that was ever left: what the site grants without use. */
  #windowMs: number

  constructor(ports: SitePorts, session: Pick<IssuedSession, 'site' | 'sessionToken'>, windowMs = 0) {
    this.#ports = ports
    this.#session = session
    this.#windowMs = windowMs
    this.#clock = new SessionClock(ports.fetch, ports.clock)
  }

  get windowMs(): number {
    return this.#windowMs
  }

  /** Of a session that the site has just accepted. Throws `session_ended`, `site_unreachable`. */
  async begin(signal: AbortSignal): Promise<Life> {
    const end = await this.#look(signal)
    // The licence lease is the browser's, and may be as old as its sign-in.
    return end.known === 'exact' && end.leftMs === 0 ? this.prolong(signal) : this.#lifeOf(end)
  }

  /**
   * The same after making it as long as the site lets it be. Use prolongs a session too: one that others used since is only
   * looked at. Throws `session_ended`, `site_unreachable`.
   */
  async prolong(signal: AbortSignal): Promise<Life> {
    let end = await this.#look(signal)
    // Twice: what ends next may be the other of the two clocks.
    for (let push = 0; push < 2 && !this.#isLongEnough(end); push += 1) {
      await this.#push(end, signal)
      end = await this.#look(signal)
      if (end.known !== 'exact') break
    }
    return this.#lifeOf(end)
  }

  #isLongEnough(end: SessionEnd): boolean {
    if (end.known !== 'exact') return false
    return end.endsFirst === 'cap' || (end.leftMs > 0 && end.leftMs >= this.#windowMs / 2)
  }

  async #push(end: SessionEnd, signal: AbortSignal): Promise<void> {
    const { site, sessionToken } = this.#session
    if (end.known === 'exact' && end.endsFirst !== 'cap') {
      try {
        const limited = anySignal([signal, AbortSignal.timeout(readingLimitMs)])
        return await this.#clock.prolong(site, end.endsFirst, sessionToken, limited)
      } catch {
        signal.throwIfAborted()
      }
    }
    // The cheapest question that counts as use, and the API's word against one of the web app's own calls.
    if (!(await isAccepted(this.#ports, this.#session, signal))) throw this.#ended()
  }

  async #look(signal: AbortSignal): Promise<SessionEnd> {
    const end = await readEnd(this.#ports, this.#session, signal)
    if (end.known === 'exact') this.#windowMs = Math.max(this.#windowMs, end.leftMs)
    return end
  }

  /** Throws `session_ended` when nothing is left. */
  #lifeOf(end: SessionEnd): Life {
    if (end.known !== 'exact') return { lifetimeMs: estimatedLifetimeMs, expiry: 'estimated' }
    if (end.leftMs === 0) throw this.#ended()
    const { leftMs: lifetimeMs, capLeftMs } = end
    return { lifetimeMs, expiry: 'exact', ...(capLeftMs === undefined ? {} : { endsForGoodInMs: capLeftMs }) }
  }

  #ended(): AgentError {
    return new AgentError('session_ended', `"${this.#session.site}" has ended the session`)
  }
}

/** A site's own session cannot be had anew without the artist, but it can be kept going. */
class SiteSessionRenewal implements Renewal {
  readonly #ports: SitePorts
  readonly #session: IssuedSession
  readonly #life: SiteSessionLife
  readonly #refusals: RefusalCheck
  #forgotten = false
  #wasRefused: boolean

  constructor(ports: SitePorts, session: IssuedSession, life: SiteSessionLife, wasRefused = false) {
    this.#wasRefused = wasRefused
    this.#ports = ports
    this.#session = session
    this.#life = life
    this.#refusals = new RefusalCheck(ports, (held, signal) => isAccepted(ports, held, signal))
  }

  async renew(signal: AbortSignal): Promise<IssuedSession> {
    const life = await this.#life.prolong(signal)
    // A session that its API refuses is over, however long the web app still counts it down.
    if (this.#wasRefused && !(await isAccepted(this.#ports, this.#session, signal))) {
      throw new AgentError('session_ended', `"${this.#session.site}" refuses the session`)
    }
    this.#wasRefused = false
    if (this.#forgotten) throw new AgentError('login_required', 'signed out while the session was renewed')
    const { endsForGoodInMs: _before, ...session } = this.#session
    return { ...session, ...life }
  }

  async check(session: IssuedSession, signal: AbortSignal): Promise<'accepted' | 'refused'> {
    const verdict = await this.#refusals.check(session, signal)
    this.#wasRefused = verdict === 'refused'
    return verdict
  }

  leftAtSiteMs(session: IssuedSession, signal: AbortSignal): Promise<number | undefined> {
    return readLeftMs(this.#ports, session, signal)
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

  passOn(): object {
    return { windowMs: this.#life.windowMs, wasRefused: this.#wasRefused }
  }

  letGo(): void {
    this.#forgotten = true
  }
}
