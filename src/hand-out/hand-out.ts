import { AgentError } from '../errors.ts'
import type { AutodeskToken, Session } from '../session/session.ts'
import type { SessionHolder } from '../session/session-holder.ts'
import type { Sessions } from '../session/sessions.ts'
import { SiteFault } from '../shotgrid/faults.ts'
import type { RestTokens } from '../shotgrid/rest-tokens.ts'

export interface HandOutSettings {
  readonly sessions: Sessions
  readonly restTokens: RestTokens
  /** Whether the configuration lets tools have the Autodesk access token. */
  readonly servesAutodeskToken: boolean
  /** Signs the artist in because a tool wants it. */
  readonly signIn: (site: string) => Promise<void>
}

/** A session, and the number that tells it from the one before. */
export interface NumberedSession {
  readonly session: Session
  readonly generation: number
}

/** A REST bearer, of which site and where it is good; `expiresAt`: wall clock, ms since the epoch. */
export interface RestBearer {
  readonly site: string
  readonly apiUrl: string
  readonly accessToken: Session['sessionToken']
  readonly expiresAt: number
}

/** A session with less left than this is not worth making a bearer of. */
const spareMs = 60_000

/** What tools get of a sign-in: the session, a REST bearer of it, and the Autodesk token behind it. Sites are configured ones. */
export class HandOut {
  readonly #settings: HandOutSettings

  constructor(settings: HandOutSettings) {
    this.#settings = settings
  }

  /** A session with `minValidityMs` left where the site grants that; signs in first only if `interactive`. */
  async session(site: string, minValidityMs: number, interactive: boolean): Promise<NumberedSession> {
    const holder = this.#settings.sessions.at(site)
    const { signOuts } = holder
    try {
      return await holder.get(minValidityMs)
    } catch (error) {
      if (!interactive || !(error instanceof AgentError) || error.code !== 'login_required') throw error
      // Who signed out while this waited does not want to be signed in again.
      if (holder.signOuts !== signOuts) throw error
    }
    await this.#settings.signIn(site)
    return holder.get(minValidityMs)
  }

  /** A REST bearer of the held session. */
  async restToken(site: string): Promise<RestBearer> {
    const holder = this.#settings.sessions.at(site)
    const { session } = await holder.get(spareMs)
    const token = await this.#bearerOf(holder)
    // Signed out meanwhile: then nobody gets it. Someone else signed in: then it is not theirs.
    const { session: now } = await holder.get(0)
    return now.userId === session.userId ? { site, ...token } : this.restToken(site)
  }

  /**
   * The Autodesk access token behind the session, with `minValidityMs` left where Autodesk grants that. Throws
   * `autodesk_token_unavailable` where the configuration does not allow it, or the sign-in knows none.
   */
  async autodeskToken(site: string, minValidityMs: number): Promise<AutodeskToken & { readonly site: string }> {
    if (!this.#settings.servesAutodeskToken) {
      const said = 'the configuration does not allow tools to have the Autodesk access token'
      const advice = 'Ask IT to set "identity.serveAccessToken". The tool can sign in at Autodesk by itself.'
      throw new AgentError('autodesk_token_unavailable', said, { advice })
    }
    return { site, ...(await this.#settings.sessions.at(site).autodeskToken(minValidityMs)) }
  }

  /** A site that does not know the session any more is found out here instead of by a plug-in. */
  async #bearerOf(holder: SessionHolder): Promise<Omit<RestBearer, 'site'>> {
    for (let reports = 0; ; reports += 1) {
      const { session, generation } = await holder.get(spareMs)
      const { site, apiUrl, sessionToken, expiresAt, obtainedBy } = session
      // The one session that is a bearer itself.
      if (obtainedBy === 'identity-direct') return { apiUrl, accessToken: sessionToken, expiresAt }
      try {
        return { apiUrl, ...(await this.#settings.restTokens.get(apiUrl, sessionToken)) }
      } catch (error) {
        if (!(error instanceof SiteFault)) throw error
        // The first report may be answered by looking at the session, the second is by using it.
        if (reports === 2) throw new AgentError('session_ended', `"${site}" refuses the session`, { cause: error })
        await holder.reportRejected(generation)
      }
    }
  }
}
