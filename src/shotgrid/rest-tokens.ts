import { AgentError } from '../errors.ts'
import type { Clock, Fetch } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import { AskedToWait } from '../waiting/asked-to-wait.ts'
import { SingleFlight } from '../waiting/single-flight.ts'
import { grantFromSession } from './rest.ts'

export interface RestToken {
  readonly accessToken: Secret
  /** Wall clock, ms since the epoch. */
  readonly expiresAt: number
  /** The same moment on the clock that nobody can set back. */
  readonly expiresAtMonotonicMs: number
}

/** A token with less left than this is not worth handing out. */
const spareMs = 60_000
const grantLimitMs = 20_000

interface Entry {
  readonly flight: SingleFlight<RestToken>
  readonly asked: AskedToWait
  token?: RestToken
  /** Whether the session it is made of is over. */
  isWiped: boolean
}

/** REST bearers made from sessions: one a session, shared by all who ask, made anew when it is nearly over. */
export class RestTokens {
  readonly #fetch: Fetch
  readonly #clock: Clock
  /** By the session token's own object, so that a renewed session starts with nothing. */
  readonly #known = new WeakMap<Secret, Entry>()

  constructor(fetch: Fetch, clock: Clock) {
    this.#fetch = fetch
    this.#clock = clock
  }

  /** Throws SiteFault when the site does not accept the session, else `site_unreachable`. */
  async get(site: string, sessionToken: Secret): Promise<RestToken> {
    const fresh: Entry = { flight: new SingleFlight<RestToken>(), asked: new AskedToWait(this.#clock), isWiped: false }
    const entry = this.#known.get(sessionToken) ?? fresh
    this.#known.set(sessionToken, entry)
    if (entry.token && this.#timeLeftMs(entry.token) > spareMs) return entry.token
    return entry.flight.run(() =>
      entry.asked.run(async () => {
        const grant = await grantFromSession(this.#fetch, site, sessionToken, AbortSignal.timeout(grantLimitMs))
        if (entry.isWiped) {
          grant.accessToken.wipe()
          throw new AgentError('login_required', 'the session was given up while a REST token was made of it')
        }
        const lifetimeMs = grant.expiresInS * 1000
        entry.token = {
          accessToken: grant.accessToken,
          expiresAt: this.#clock.now() + lifetimeMs,
          expiresAtMonotonicMs: this.#clock.monotonicMs() + lifetimeMs,
        }
        return entry.token
      }),
    )
  }

  /** The session is over: so is what was made of it. What is on its way is wiped when it comes. */
  wipe(sessionToken: Secret): void {
    const entry = this.#known.get(sessionToken)
    if (!entry) return
    entry.isWiped = true
    entry.token?.accessToken.wipe()
  }

  #timeLeftMs(token: RestToken): number {
    return Math.min(token.expiresAt - this.#clock.now(), token.expiresAtMonotonicMs - this.#clock.monotonicMs())
  }
}
