import { z } from 'zod'
import type { Clock, Fetch } from '../ports.ts'
import type { Secret } from '../secret.ts'
import { SiteTrouble, translateSiteTrouble } from './faults.ts'
import { askSite, type SiteAnswer, type SiteRequest } from './http.ts'

/** What a site tells of the end of a session. */
export type SessionEnd =
  /** `leftMs`: by the site's clock, if nobody uses it. `endsFirst`: which of the two it is that ends then. */
  | { readonly known: 'exact'; readonly leftMs: number; readonly endsFirst: 'session' | 'licence' }
  /** The site knows no such session. */
  | { readonly known: 'ended' }
  /** The site does not tell. */
  | { readonly known: 'untold' }

const momentS = z.number().positive()
const sessionBody = z.object({
  app: z.object({ expiresAt: momentS, forceExpiresAt: momentS.nullish() }),
  license: z.object({ expiresAt: momentS }).nullish(),
})

/**
 * The calls of the site's own web app about its session (`/internal_api/session`): undocumented, and not there everywhere. The
 * session travels as the web app's cookie. facts: shotgrid §8
 */
export class SessionClock {
  readonly #fetch: Fetch
  readonly #clock: Pick<Clock, 'now'>

  constructor(fetch: Fetch, clock: Pick<Clock, 'now'>) {
    this.#fetch = fetch
    this.#clock = clock
  }

  /** When the session ends. Asking prolongs nothing. Throws `site_unreachable`. */
  async read(site: string, sessionToken: Secret, signal: AbortSignal): Promise<SessionEnd> {
    const { status, body, dateMs } = await this.#ask(site, 'GET', '/internal_api/session', sessionToken, signal)
    if (status === 401) return { known: 'ended' }
    const answer = status === 200 ? sessionBody.safeParse(body) : undefined
    if (!answer?.success) return { known: 'untold' }
    const { app, license } = answer.data
    const sessionEndsS = Math.min(app.expiresAt, app.forceExpiresAt ?? Number.POSITIVE_INFINITY)
    const licenceEndsS = license?.expiresAt ?? Number.POSITIVE_INFINITY
    return {
      known: 'exact',
      // Held against the site's own clock, or the artist's, set wrong, would move the end.
      leftMs: Math.max(0, Math.min(sessionEndsS, licenceEndsS) * 1000 - (dateMs ?? this.#clock.now())),
      endsFirst: licenceEndsS < sessionEndsS ? 'licence' : 'session',
    }
  }

  /** Begins the time without use anew; for `licence` also the licence lease. Whether it did, `read` tells. Throws `site_unreachable`. */
  async prolong(site: string, what: 'session' | 'licence', sessionToken: Secret, signal: AbortSignal): Promise<void> {
    const path = what === 'licence' ? '/internal_api/autodesk_identity/license_renewal' : '/internal_api/session'
    await this.#ask(site, 'POST', path, sessionToken, signal)
  }

  async #ask(
    site: string,
    method: SiteRequest['method'],
    path: string,
    sessionToken: Secret,
    signal: AbortSignal,
  ): Promise<SiteAnswer> {
    const headers = { cookie: `_session_id=${sessionToken.reveal()}` }
    try {
      return await askSite(this.#fetch, { method, url: `${site}${path}`, headers, signal })
    } catch (error) {
      // Where this surface is not there the answer may be the web app's page, or the way to its sign-in: no answer to us.
      if (error instanceof SiteTrouble && isNoAnswer(error.status))
        return { status: 404, body: undefined, dateMs: undefined }
      throw translateSiteTrouble(error, site, 'asking how long the session lasts')
    }
  }
}

function isNoAnswer(status: number | undefined): boolean {
  return status !== undefined && status < 500 && status !== 429
}
