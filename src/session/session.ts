import type { Clock } from '../ports.ts'
import type { PutSecret } from '../secrets/passed-secrets.ts'
import type { Secret } from '../secrets/secret.ts'

/** What a way in brings home: a session the site accepts, and whose it is. */
export interface IssuedSession {
  /** Canonical origin of the site the session is for. */
  readonly site: string
  /** Where the session is good: the site, or the gateway of the studio's broker. An origin. */
  readonly apiUrl: string
  /** HumanUser.login */
  readonly login: string
  /** HumanUser.id */
  readonly userId: number
  readonly name: string
  readonly sessionToken: Secret
  /** How long the site will accept it if nobody uses it, from the moment it was issued. */
  readonly lifetimeMs: number
  /** Whether the site itself has told `lifetimeMs`, or it is what can be counted on. */
  readonly expiry: 'exact' | 'estimated'
  /** Where the site ends it at a set time, however it is used or renewed: how long until then. */
  readonly endsForGoodInMs?: number
  readonly obtainedBy: 'broker' | 'web' | 'legacy' | 'identity-direct'
}

/** An Autodesk access token of the sign-in that a session came from. */
export interface AutodeskToken {
  readonly accessToken: Secret
  /** Wall clock, ms since the epoch. */
  readonly expiresAt: number
  /** What Autodesk has granted it; undefined when nobody has told. */
  readonly scopes: readonly string[] | undefined
}

/** What a way in can still do for a session after it was obtained. */
export interface Renewal {
  /**
   * Gets the next session of the same person. Throws an AgentError: a refusal (`session_ended`, `account_…`,
   * `privileged_account`) ends the session, anything else keeps it.
   */
  renew(signal: AbortSignal): Promise<IssuedSession>
  /** Asks the site whose session this is: `accepted`, or refused because it has ended. Throws when the site is silent. */
  check(session: IssuedSession, signal: AbortSignal): Promise<'accepted' | 'refused'>
  /**
   * How long the site will accept the session from now on if nobody uses it; asking prolongs nothing. 0 when it has ended,
   * undefined when the site does not tell; absent where nobody can. Never throws but for the reason of `signal`.
   */
  leftAtSiteMs?(session: IssuedSession, signal: AbortSignal): Promise<number | undefined>
  /**
   * An Autodesk access token with `minValidityMs` left where Autodesk grants that. Absent where the sign-in did not go through
   * Autodesk Identity. Throws like `renew`.
   */
  autodeskToken?(minValidityMs: number, signal: AbortSignal): Promise<AutodeskToken>
  /** Told once, when the session is held: from now on this is the sign-in that a later run may resume. */
  remember(signedInAt: number): void
  /** Revokes what was obtained for this person, as far as it goes; never throws and is bounded in time. */
  forget(): Promise<void>
  /** The agent stops: like `forget`, but leaves alone what a later run may resume. */
  release(): Promise<void>
  /** What another process needs to go on with it, as its way in writes it; secrets are named by number. Not while it renews. */
  passOn(put: PutSecret): object
  /** Another process goes on with it: renews and revokes nothing any more, and wipes what it has. */
  letGo(): void
}

export interface SignedIn {
  readonly session: IssuedSession
  readonly renewal: Renewal
  /** For people: which account they used, when it is known. */
  readonly account?: string
  /** Wall clock, ms since the epoch: when the artist signed in, if that was in an earlier run of the agent. */
  readonly signedInAt?: number
}

/** An issued session with the clock readings that decide when it ends. */
export interface Session extends IssuedSession {
  /** Wall clock, ms since the epoch: the earlier of the site's end and the end of the working day (`maxAgeHours`). */
  readonly expiresAt: number
  /** Wall clock: when the site ends it for good; undefined where use goes on prolonging it. */
  readonly endsForGoodAt?: number
  readonly obtainedAt: number
  readonly obtainedAtMonotonicMs: number
}

/**
 * Time left in ms, never negative. The wall clock decides, and a clock that runs backwards cannot make a session live
 * longer: the monotonic clock gives the upper bound. (A machine that slept is caught by the wall clock.)
 */
export function timeLeftMs(session: Session, clock: Clock): number {
  const byWallClock = session.expiresAt - clock.now()
  const granted = session.expiresAt - session.obtainedAt
  const byMonotonic = granted - (clock.monotonicMs() - session.obtainedAtMonotonicMs)
  return Math.max(0, Math.min(byWallClock, byMonotonic))
}
