const spreadMs = 10 * 60_000
const hourMs = 3600_000
/** An hour less than a day, so that a person who comes a little earlier every morning is not a day late. */
const betweenLooksMs = 23 * hourMs

/**
 * How long to wait before the feed is asked: hundreds of machines start and wake at the same hour. `random`: 0 to 1. A feed on this
 * machine is asked at once.
 */
export function delayBeforeLook(random: number, feedIsHere: boolean): number {
  return feedIsHere ? 0 : Math.floor(random * spreadMs)
}

/**
 * Whether it is time to look again, now that something happens anyway; a clock that was set back counts as time gone by. Where nobody
 * could be asked, it is in an hour.
 */
export function isTimeToLook(
  lastLook: { readonly at: number; readonly kind: string } | undefined,
  nowMs: number,
): boolean {
  if (lastLook === undefined || nowMs < lastLook.at) return true
  return nowMs - lastLook.at >= (lastLook.kind === 'unreachable' ? hourMs : betweenLooksMs)
}
