import type { AskedToWait } from '../asked-to-wait.ts'
import type { ErrorCode } from '../errors.ts'
import type { SingleFlight } from '../single-flight.ts'
import type { SiteStatus } from './changes.ts'
import type { SignInMoment } from './renewal-rules.ts'
import type { Renewal, Session } from './session.ts'

/** What stays the same from one sign-in to the next. */
export interface OneSignIn {
  readonly renewal: Renewal
  readonly signedIn: SignInMoment
  readonly account: string | undefined
  readonly renewing: SingleFlight<void>
  readonly checking: SingleFlight<void>
  /** The site's own word when it was asked whether it takes the session. */
  readonly askedToWait: AskedToWait
}

/** A session that is held, and how it stands with it. */
export interface Held extends OneSignIn {
  readonly session: Session
  readonly generation: number
  readonly renewable: boolean
  readonly problem?: ErrorCode
  /** Before this reading of the monotonic clock a session with time left is handed out without another renewal. */
  readonly waitUntilMonotonicMs: number
}

/** What everybody may see of it. `signInEndsAt`: wall clock, ms since the epoch. */
export function signedInStatus({ session, account, problem, generation }: Held, signInEndsAt: number): SiteStatus {
  return {
    site: session.site,
    state: 'signed_in',
    login: session.login,
    userId: session.userId,
    name: session.name,
    obtainedBy: session.obtainedBy,
    ...(account === undefined ? {} : { account }),
    expiresAt: session.expiresAt,
    expiry: session.expiry,
    signInEndsAt,
    ...(problem === undefined ? {} : { problem }),
    generation,
  }
}
