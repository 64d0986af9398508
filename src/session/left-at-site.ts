import type { Clock } from '../ports.ts'
import type { LeftAtSite } from './changes.ts'
import type { Renewal, Session } from './session.ts'

/** Longer nobody waits at a sign-out for what the site keeps. */
const readingLimitMs = 3_000

const advice = {
  exact:
    'ShotGrid has no call that ends a session. To end this one sooner, an administrator can disable the user at the site; a shorter "User Session Expiry" in the site preferences makes unused sessions end sooner.',
  estimated:
    'ShotGrid has no call that ends a session, and the site does not tell when this one ends: it may live until nobody has used it for the "User Session Expiry" of the site preferences, an hour, a day or a week. To end it sooner, an administrator can disable the user at the site, or shorten that preference.',
  gateway:
    'The session is one of the studio’s broker, which lets it go when nobody has used it for as long as its operator says. To end it now, they run "sg-broker sessions end --login LOGIN".',
}

/**
 * What the last sign-out left at the site. `leftMs`: as the site tells it now; undefined where it does not, then it is what
 * the session had when it was last obtained, whatever use has added since. Undefined when nothing is left.
 */
function judgeLeftAtSite(
  session: Session,
  leftMs: number | undefined,
  clock: Pick<Clock, 'now'>,
): LeftAtSite | undefined {
  const expiry = leftMs === undefined ? 'estimated' : 'exact'
  const until = leftMs === undefined ? session.obtainedAt + session.lifetimeMs : clock.now() + leftMs
  const kind = session.apiUrl === session.site ? expiry : 'gateway'
  return until > clock.now() ? { until, expiry, advice: advice[kind] } : undefined
}

/** What the last sign-out left at the site, as long as it is true. */
export class LeftBehind {
  readonly #clock: Pick<Clock, 'now'>
  #session: Session | undefined
  #left: LeftAtSite | undefined

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Part of a status. */
  get status(): { readonly leftAtSite?: LeftAtSite } {
    return this.#left && this.#left.until > this.#clock.now() ? { leftAtSite: this.#left } : {}
  }

  /** Somebody signed in: what was left before is nobody's question any more. */
  forget(): void {
    this.#session = undefined
    this.#left = undefined
  }

  /** Asks the site about a session that was just given up; bounded in time, never throws. */
  async note(session: Session, renewal: Renewal): Promise<void> {
    this.forget()
    this.#session = session
    const leftMs = await renewal.leftAtSiteMs?.(session, AbortSignal.timeout(readingLimitMs)).catch(() => undefined)
    if (this.#session === session) this.#left = judgeLeftAtSite(session, leftMs, this.#clock)
  }
}
