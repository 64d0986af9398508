import { z } from 'zod'
import { isErrorCode } from '../errors.ts'
import type { Clock } from '../ports.ts'
import type { PutSecret, TakeSecret } from '../secrets/passed-secrets.ts'
import type { ChangeReason } from './changes.ts'
import type { Held } from './held.ts'
import type { Session } from './session.ts'

const moment = z.number().positive()
const duration = z.number().nonnegative()

/** A session that is held, as one process tells the next: a reading of a monotonic clock is told as how long ago it was. */
const schema = z.object({
  apiUrl: z.url(),
  login: z.string().min(1),
  userId: z.number().int().positive(),
  name: z.string(),
  token: z.number().int().nonnegative(),
  lifetimeMs: duration,
  expiry: z.enum(['exact', 'estimated']),
  endsForGoodInMs: duration.optional(),
  obtainedBy: z.enum(['broker', 'web', 'legacy', 'identity-direct']),
  expiresAt: moment,
  endsForGoodAt: moment.optional(),
  obtainedAt: moment,
  obtainedAgoMs: duration,
  signedInAt: moment,
  signedInAgoMs: duration,
  account: z.string().min(1).optional(),
  generation: z.number().int().positive(),
  renewable: z.boolean(),
  problem: z.string().optional(),
  reason: z.string().optional(),
  /** What renews it: its way in knows what that is. */
  renewal: z.unknown(),
})

export type PassedSession = z.input<typeof schema>

/** What another process needs to hold the same. */
export function passOnHeld(held: Held, reason: ChangeReason | undefined, put: PutSecret, clock: Clock): PassedSession {
  const { session, signedIn, account, generation, renewable, problem, renewal } = held
  const { site: _site, sessionToken, obtainedAtMonotonicMs, ...facts } = session
  const agoMs = (reading: number): number => Math.max(0, clock.monotonicMs() - reading)
  return {
    ...facts,
    token: put(sessionToken),
    obtainedAgoMs: agoMs(obtainedAtMonotonicMs),
    signedInAt: signedIn.at,
    signedInAgoMs: agoMs(signedIn.atMonotonicMs),
    ...(account === undefined ? {} : { account }),
    ...{ generation, renewable },
    ...(problem === undefined ? {} : { problem }),
    ...(reason === undefined ? {} : { reason }),
    renewal: renewal.passOn(put),
  }
}

/** What was passed on, on this process's clocks. */
export interface TakenSession
  extends Pick<Held, 'session' | 'signedIn' | 'account' | 'generation' | 'renewable' | 'problem'> {
  readonly reason?: ChangeReason
  readonly renewal: unknown
}

/** Throws a ZodError where it is not of this form, what `take` throws where its token is missing. */
export function takeHeld(site: string, passed: unknown, take: TakeSecret, clock: Clock): TakenSession {
  const { token, obtainedAgoMs, signedInAt, signedInAgoMs, account, generation, renewable, problem, reason, ...rest } =
    schema.parse(passed)
  const { renewal, endsForGoodInMs, endsForGoodAt, ...facts } = rest
  const session: Session = {
    ...facts,
    site,
    ...(endsForGoodInMs === undefined ? {} : { endsForGoodInMs }),
    ...(endsForGoodAt === undefined ? {} : { endsForGoodAt }),
    sessionToken: take(token),
    obtainedAtMonotonicMs: clock.monotonicMs() - obtainedAgoMs,
  }
  return {
    session,
    signedIn: { at: signedInAt, atMonotonicMs: clock.monotonicMs() - signedInAgoMs },
    account,
    ...{ generation, renewable, renewal },
    ...(problem !== undefined && isErrorCode(problem) ? { problem } : {}),
    ...(isReason(reason) ? { reason } : {}),
  }
}

const ownReasons: readonly string[] = ['signed_in', 'resumed', 'renewed', 'ending'] satisfies ChangeReason[]

function isReason(reason: string | undefined): reason is ChangeReason {
  return reason !== undefined && (ownReasons.includes(reason) || isErrorCode(reason))
}
