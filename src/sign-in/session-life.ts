import type { Ports } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import type { IssuedSession } from '../session/session.ts'
import { SiteFault } from '../shotgrid/faults.ts'
import { whoAmI } from '../shotgrid/rest.ts'
import { SessionClock, type SessionEnd } from '../shotgrid/session-end.ts'
import { anySignal } from '../waiting/any-signal.ts'

export type SitePorts = Pick<Ports, 'fetch' | 'clock'>
type SessionAtSite = Pick<IssuedSession, 'site' | 'sessionToken'>
export type Life = Pick<IssuedSession, 'lifetimeMs' | 'expiry' | 'endsForGoodInMs'>

/** What an undocumented call may take: its answer is good to have and never worth a sign-in. */
export const readingLimitMs = 5_000

/**
 * The end of a session as the site tells it, without prolonging anything. What stands in the way of an undocumented call is no
 * trouble of the session's: the site then does not tell. Throws nothing but the reason of `signal`.
 */
export async function readEnd(ports: SitePorts, session: SessionAtSite, signal: AbortSignal): Promise<SessionEnd> {
  try {
    const limited = anySignal([signal, AbortSignal.timeout(readingLimitMs)])
    return await new SessionClock(ports.fetch, ports.clock).read(session.site, session.sessionToken, limited)
  } catch {
    signal.throwIfAborted()
    return { known: 'untold' }
  }
}

/** What a sign-out leaves at the site, in ms: 0 when it has ended there, undefined when the site does not tell. */
export async function readLeftMs(
  ports: SitePorts,
  session: IssuedSession,
  signal: AbortSignal,
): Promise<number | undefined> {
  // A gateway's session is not the site's.
  if (session.apiUrl !== session.site) return undefined
  const end = await readEnd(ports, session, signal)
  if (end.known === 'ended') return 0
  return end.known === 'exact' ? end.leftMs : undefined
}

/** Whether the site's API takes the session: its last word. Counts as use. Throws `site_unreachable`. */
export async function isAccepted(
  { fetch }: SitePorts,
  { site, sessionToken }: SessionAtSite,
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

/**
 * The answer to a tool that says the site refused a session. A session that the site still counts down is accepted without
 * being used; when the same one is reported again, or the site does not tell, its API is asked.
 */
export class RefusalCheck {
  readonly #ports: SitePorts
  readonly #accepts: (session: IssuedSession, signal: AbortSignal) => Promise<boolean>
  #acceptedByReading: Secret | undefined

  constructor(ports: SitePorts, accepts: (session: IssuedSession, signal: AbortSignal) => Promise<boolean>) {
    this.#ports = ports
    this.#accepts = accepts
  }

  /** Throws `site_unreachable`. */
  async check(session: IssuedSession, signal: AbortSignal): Promise<'accepted' | 'refused'> {
    const { sessionToken } = session
    if (session.apiUrl === session.site && this.#acceptedByReading !== sessionToken) {
      const end = await readEnd(this.#ports, session, signal)
      if (end.known === 'exact' && end.leftMs > 0) {
        this.#acceptedByReading = sessionToken
        return 'accepted'
      }
    }
    this.#acceptedByReading = undefined
    return (await this.#accepts(session, signal)) ? 'accepted' : 'refused'
  }
}
