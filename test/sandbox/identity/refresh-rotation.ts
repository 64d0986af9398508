import type { IdentitySwitches } from './switches.ts'

/**
 * What the use of a refresh token is: its first, one more while the grace lasts, or a replay, which costs either only
 * this request or the whole family (facts/identity §0.3).
 */
export type RefreshUse = 'first' | 'within-grace' | 'replay' | 'replay-kills-family'

/** `consumedAtMs` is when the token was first used; undefined: it was not. */
export function judgeRefreshUse(
  consumedAtMs: number | undefined,
  nowMs: number,
  { refreshGraceMs, refreshRotates }: Pick<IdentitySwitches, 'refreshGraceMs' | 'refreshRotates'>,
): RefreshUse {
  if (consumedAtMs === undefined) return 'first'
  if (nowMs - consumedAtMs < refreshGraceMs) return 'within-grace'
  return refreshRotates === 'kill-family' ? 'replay-kills-family' : 'replay'
}
