import type { ErrorCode } from '../errors.ts'

/** Why a session was ended on purpose: by the artist, or because the configuration wants it so. */
export type EndReason = 'signed_out' | 'screen_locked' | 'slept_too_long'

/** What happened: a step of the sign-in, or the code of what went wrong. */
export type ChangeReason = 'sign_in_started' | 'signed_in' | 'resumed' | 'renewed' | 'ending' | EndReason | ErrorCode

/** What a sign-out leaves behind: ShotGrid has no call that ends a session. */
export interface LeftAtSite {
  /** Wall clock, ms since the epoch: when the session ends at the site if nobody uses it. */
  readonly until: number
  /** Whether the site itself has told that, or it is what can be counted on. */
  readonly expiry: 'exact' | 'estimated'
  /** What can be done about it. */
  readonly advice: string
}

/** One site as everybody may see it: no secrets. Times are wall clock, ms since the epoch. */
export interface SiteStatus {
  readonly site: string
  readonly state: 'signed_out' | 'signing_in' | 'signed_in'
  /** What led to this state; absent before anything happened. */
  readonly reason?: ChangeReason
  readonly login?: string
  readonly userId?: number
  readonly name?: string
  readonly obtainedBy?: string
  /** The Autodesk account the artist signed in with. */
  readonly account?: string
  /** End of the session now held; it is renewed on use before that. */
  readonly expiresAt?: number
  /** Whether the site itself has told that end, or it is what can be counted on. */
  readonly expiry?: 'exact' | 'estimated'
  /** Until when this sign-in can serve sessions at all, renewals included. */
  readonly signInEndsAt?: number
  /** Why the last renewal failed, while the session lives on. */
  readonly problem?: ErrorCode
  /** Rises with every new session; two equal numbers mean the same session token. */
  readonly generation?: number
  /** After a sign-out, as long as it is true. */
  readonly leftAtSite?: LeftAtSite
}
