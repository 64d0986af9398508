import type { ErrorCode } from '../errors.ts'
import type { Clock } from '../ports.ts'
import { type IssuedSession, type Session, timeLeftMs } from './session.ts'

/** When the artist signed in, by both clocks; every renewal of that sign-in counts from here. */
export interface SignInMoment {
  readonly at: number
  readonly atMonotonicMs: number
}

/** The moment of a sign-in that the wall clock dates; one of an earlier run has no reading of the monotonic clock. */
export function signInMoment(at: number, clock: Clock): SignInMoment {
  return { at, atMonotonicMs: clock.monotonicMs() - (clock.now() - at) }
}

/** Ends a session with the working day: it never outlives the sign-in by more than `maxAgeMs`. */
export function startSession(issued: IssuedSession, signedIn: SignInMoment, maxAgeMs: number, clock: Clock): Session {
  const now = clock.now()
  const dayLeftMs = Math.min(signedIn.at + maxAgeMs - now, maxAgeMs - (clock.monotonicMs() - signedIn.atMonotonicMs))
  return {
    ...issued,
    expiresAt: now + Math.max(0, Math.min(issued.lifetimeMs, dayLeftMs)),
    ...(issued.endsForGoodInMs === undefined ? {} : { endsForGoodAt: now + issued.endsForGoodInMs }),
    obtainedAt: now,
    obtainedAtMonotonicMs: clock.monotonicMs(),
  }
}

/** Whether the working day is over: no renewal can prolong a sign-in past it. */
export function isDayOver(signedIn: SignInMoment, maxAgeMs: number, clock: Clock): boolean {
  return clock.now() >= signedIn.at + maxAgeMs || clock.monotonicMs() - signedIn.atMonotonicMs >= maxAgeMs
}

/**
 * What to do when somebody asks for a session that should last `minValidityMs`. A caller may ask for more than the site
 * grants; a session is therefore never renewed before half its life is gone, or every call would make a new one.
 */
export function judgeSession(session: Session, minValidityMs: number, clock: Clock): 'hand_out' | 'renew' {
  const wanted = Math.min(minValidityMs, (session.expiresAt - session.obtainedAt) / 2)
  const left = timeLeftMs(session, clock)
  return left > 0 && left >= wanted ? 'hand_out' : 'renew'
}

/** Codes that say the person may not have a session any more. Trouble on the way is none of them. */
const endings: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'session_ended',
  'account_not_mapped',
  'account_disabled',
  'account_ambiguous',
  'privileged_account',
])

/** Codes that say this sign-in cannot renew any more, while the session it has may live to its own end. */
const spent: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'login_required',
  'interaction_required',
  'identity_rejected',
  'access_denied',
  'subject_token_rejected',
  'proof_rejected',
  'session_owner_mismatch',
])

/** What a failed renewal means: the session is over, it lives on but cannot be renewed, or it is worth trying again. */
export function judgeRenewalFailure(code: ErrorCode): 'over' | 'not_renewable' | 'try_again' {
  if (endings.has(code)) return 'over'
  if (spent.has(code)) return 'not_renewable'
  return 'try_again'
}
