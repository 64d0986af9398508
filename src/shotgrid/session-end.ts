import { z } from 'zod'
import type { Clock, Fetch } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import { SiteTrouble, translateSiteTrouble } from './faults.ts'
import { askSite, type SiteAnswer, type SiteRequest } from './http.ts'

/** What a site tells of the end of a session. */
export type SessionEnd =
  | {
      readonly known: 'exact'
      /** By the site's clock, if nobody uses it; never more than there is. */
      readonly leftMs: number
      /** What ends then: the time without use, the licence lease, or the session for good however it is used. */
      readonly endsFirst: 'use' | 'licence' | 'cap'
      /** Where the site ends the session for good at a set time: how long until then. */
      readonly capLeftMs: number | undefined
    }
  /** The site knows no such session. */
  | { readonly known: 'ended' }
  /** The site does not tell. */
  | { readonly known: 'untold' }

const momentS = z.number().positive()
const sessionBody = z.object({
  app: z.object({ expiresAt: momentS, forceExpiresAt: momentS.nullish() }),
  license: z.object({ expiresAt: momentS }).nullish(),
})
type SessionBody = z.output<typeof sessionBody>

/** Nobody's working day is longer; what a site says beyond it is no moment that clients and calendars could hold. */
const longestMs = 366 * 24 * 3600_000
/** A `Date` header has whole seconds. */
const dateGrainMs = 1_000

/**
 * The calls of the site's own web app about its session (`/internal_api/session`): undocumented, and not there everywhere. The
 * session travels as the web app's cookie. facts: shotgrid §8
 */
export class SessionClock {
  readonly #fetch: Fetch
  readonly #clock: Pick<Clock, 'monotonicMs'>

  constructor(fetch: Fetch, clock: Pick<Clock, 'monotonicMs'>) {
    this.#fetch = fetch
    this.#clock = clock
  }

  /** When the session ends. Asking prolongs nothing. Throws `site_unreachable`. */
  async read(site: string, sessionToken: Secret, signal: AbortSignal): Promise<SessionEnd> {
    const askedAtMonotonicMs = this.#clock.monotonicMs()
    const { status, body, dateMs } = await this.#ask(site, 'GET', '/internal_api/session', sessionToken, signal)
    if (status === 401) return { known: 'ended' }
    const answer = status === 200 ? sessionBody.safeParse(body) : undefined
    // Held against the site's own clock, or the artist's, set wrong, would move the end.
    if (!answer?.success || dateMs === undefined) return { known: 'untold' }
    // The site answers for no session that has ended: this is not its clock then, and must not cost anybody a good session.
    if (answer.data.app.expiresAt * 1000 <= dateMs) return { known: 'untold' }
    const tookMs = this.#clock.monotonicMs() - askedAtMonotonicMs
    return judgeEnd(answer.data, dateMs + dateGrainMs + tookMs)
  }

  /** Begins the time without use anew; for `licence` also the licence lease. Whether it did, `read` tells. Throws `site_unreachable`. */
  async prolong(site: string, what: 'use' | 'licence', sessionToken: Secret, signal: AbortSignal): Promise<void> {
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

function judgeEnd({ app, license }: SessionBody, siteNowMs: number): SessionEnd {
  const ends = [
    { at: app.expiresAt, endsFirst: 'use' as const },
    { at: license?.expiresAt, endsFirst: 'licence' as const },
    { at: app.forceExpiresAt, endsFirst: 'cap' as const },
  ]
  const leftOf = (at: number | null | undefined): number =>
    at == null ? Number.POSITIVE_INFINITY : Math.min(Math.max(0, at * 1000 - siteNowMs), longestMs)
  const [first] = ends
    .map(({ at, endsFirst }) => ({ leftMs: leftOf(at), endsFirst }))
    .sort((a, b) => a.leftMs - b.leftMs)
  return {
    known: 'exact',
    leftMs: first?.leftMs ?? 0,
    endsFirst: first?.endsFirst ?? 'use',
    capLeftMs: app.forceExpiresAt == null ? undefined : leftOf(app.forceExpiresAt),
  }
}

function isNoAnswer(status: number | undefined): boolean {
  return status !== undefined && status < 500 && status !== 429
}
