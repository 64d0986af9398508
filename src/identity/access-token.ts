import { z } from 'zod'
import type { Clock } from '../ports.ts'
import type { PutSecret, TakeSecret } from '../secrets/passed-secrets.ts'
import type { Secret } from '../secrets/secret.ts'

/** An access token that may be handed out: whose time is known, and which Autodesk's answer was judged to be good. */
export interface AccessToken {
  readonly accessToken: Secret
  /** Wall clock, ms since the epoch. */
  readonly expiresAt: number
  /** What Autodesk has granted it; undefined when nobody has told. */
  readonly scopes: readonly string[] | undefined
}

/** The same with the readings that say how long it still lives. */
export interface TimedAccessToken extends AccessToken {
  readonly lifetimeMs: number
  /** The end on the clock that nobody can set back. */
  readonly expiresAtMonotonicMs: number
}

/** Autodesk's access tokens last an hour, should an answer not say so (RFC 6749 §5.1). facts: identity §1.5 */
const documentedLifetimeS = 3599
/** What lives longer would end at a time that no calendar and no message could hold. */
const longestLifetimeS = 366 * 24 * 3600

/** An access token that has just come. `expiresInS`: `expires_in` of its response. */
export function timeAccessToken(
  accessToken: Secret,
  { expiresInS = documentedLifetimeS, scopes }: { readonly expiresInS?: number; readonly scopes?: readonly string[] },
  clock: Clock,
): TimedAccessToken {
  const lifetimeMs = Math.min(expiresInS, longestLifetimeS) * 1000
  return {
    accessToken,
    scopes,
    lifetimeMs,
    expiresAt: clock.now() + lifetimeMs,
    expiresAtMonotonicMs: clock.monotonicMs() + lifetimeMs,
  }
}

/** Time left in ms, never negative, whichever of the two clocks says less. */
export function accessTokenLeftMs(token: TimedAccessToken | undefined, clock: Clock): number {
  if (!token) return 0
  return Math.max(0, Math.min(token.expiresAt - clock.now(), token.expiresAtMonotonicMs - clock.monotonicMs()))
}

/**
 * Whether it need not be refreshed for somebody who wants `minValidityMs`. Nobody gets one refreshed before half its life is
 * over, or who asks for more than Autodesk grants would use up a refresh token with every call.
 */
export function hasEnoughLeft(token: TimedAccessToken | undefined, minValidityMs: number, clock: Clock): boolean {
  const left = accessTokenLeftMs(token, clock)
  return token !== undefined && left > 0 && left >= Math.min(minValidityMs, token.lifetimeMs / 2)
}

const passedSchema = z.object({
  token: z.number().int().nonnegative(),
  expiresAt: z.number().positive(),
  lifetimeMs: z.number().nonnegative(),
  leftMs: z.number(),
  scopes: z.array(z.string()).optional(),
})
export type PassedAccessToken = z.input<typeof passedSchema>

/** What another process needs to have the same token. */
export function passOnAccessToken(token: TimedAccessToken, put: PutSecret, clock: Clock): PassedAccessToken {
  const { accessToken, expiresAt, lifetimeMs, expiresAtMonotonicMs, scopes } = token
  const leftMs = expiresAtMonotonicMs - clock.monotonicMs()
  return { token: put(accessToken), ...{ expiresAt, lifetimeMs, leftMs }, ...(scopes ? { scopes: [...scopes] } : {}) }
}

/** Throws a ZodError where it is not of this form, what `take` throws where the token is missing. */
export function takeAccessToken(passed: unknown, take: TakeSecret, clock: Clock): TimedAccessToken {
  const { token, expiresAt, lifetimeMs, leftMs, scopes } = passedSchema.parse(passed)
  return { accessToken: take(token), expiresAt, lifetimeMs, scopes, expiresAtMonotonicMs: clock.monotonicMs() + leftMs }
}
