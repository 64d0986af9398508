import type { Clock, Fetch } from '../ports.ts'
import type { Secret } from '../secret.ts'
import { SingleFlight } from '../single-flight.ts'
import { grantFromSession } from './rest.ts'

export interface RestToken {
  readonly accessToken: Secret
  /** Wall clock, ms since the epoch. */
  readonly expiresAt: number
}

/** A token with less left than this is not worth handing out. */
const spareMs = 60_000
const grantLimitMs = 20_000

/** REST bearers made from sessions: one a session, shared by all who ask, made anew when it is nearly over. */
export class RestTokens {
  readonly #fetch: Fetch
  readonly #clock: Clock
  /** By the session token's own object, so that a renewed session starts with nothing. */
  readonly #known = new WeakMap<Secret, { flight: SingleFlight<RestToken>; token?: RestToken }>()

  constructor(fetch: Fetch, clock: Clock) {
    this.#fetch = fetch
    this.#clock = clock
  }

  /** Throws SiteFault when the site does not accept the session, else `site_unreachable`. */
  async get(site: string, sessionToken: Secret): Promise<RestToken> {
    const entry = this.#known.get(sessionToken) ?? { flight: new SingleFlight<RestToken>() }
    this.#known.set(sessionToken, entry)
    if (entry.token && entry.token.expiresAt - this.#clock.now() > spareMs) return entry.token
    return entry.flight.run(async () => {
      const grant = await grantFromSession(this.#fetch, site, sessionToken, AbortSignal.timeout(grantLimitMs))
      entry.token = { accessToken: grant.accessToken, expiresAt: this.#clock.now() + grant.expiresInS * 1000 }
      return entry.token
    })
  }
}
