import type { ErrorCode } from '../errors.ts'
import type { Clock } from '../ports.ts'
import type { AskedToWait } from '../waiting/asked-to-wait.ts'
import type { SingleFlight } from '../waiting/single-flight.ts'
import type { SiteStatus } from './changes.ts'
import { isDayOver, type SignInMoment, startSession } from './renewal-rules.ts'
import { type IssuedSession, type Renewal, type Session, timeLeftMs } from './session.ts'

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

/** What is held of one site, at most one session, and how much time it has. Renews nothing and tells nobody. */
export class Holding {
  readonly #clock: Clock
  readonly #maxAgeMs: number
  #current: Held | undefined
  /** Starts at the clock so that numbers of two runs of the agent never meet. */
  #generation: number

  constructor(clock: Clock, maxAgeMs: number) {
    this.#clock = clock
    this.#maxAgeMs = maxAgeMs
    this.#generation = clock.now()
  }

  get current(): Held | undefined {
    return this.#current
  }

  /** Holds this session in the place of what was held. */
  take(issued: IssuedSession, signIn: OneSignIn): Held {
    const { renewal, signedIn, account, renewing, checking, askedToWait } = signIn
    // A session that was made to last longer is the same to those who hold its token.
    if (issued.sessionToken !== this.#current?.session.sessionToken) this.#generation += 1
    this.#current = {
      ...{ renewal, signedIn, account, renewing, checking, askedToWait },
      session: startSession(issued, signedIn, this.#maxAgeMs, this.#clock),
      generation: this.#generation,
      renewable: true,
      waitUntilMonotonicMs: 0,
    }
    return this.#current
  }

  /** Holds what another process held until now, as it was. */
  goOn(held: Held): void {
    this.#generation = held.generation
    this.#current = held
  }

  drop(): void {
    this.#current = undefined
  }

  /** Whether the same sign-in is still held; its session may be a newer one. */
  isStill(held: Held): boolean {
    return this.#current?.renewal === held.renewal
  }

  note(held: Held, change: Partial<Held>): void {
    if (this.#current && this.isStill(held)) this.#current = { ...this.#current, ...change }
  }

  isOver(held: Held): boolean {
    const isSpent = !held.renewable && this.timeLeft(held) === 0
    return isSpent || isDayOver(held.signedIn, this.#maxAgeMs, this.#clock)
  }

  timeLeft(held: Held): number {
    return timeLeftMs(held.session, this.#clock)
  }

  /** When nothing can prolong it any more; wall clock, ms since the epoch. */
  finalEnd(held: Held): number {
    if (!held.renewable) return held.session.expiresAt
    return Math.min(held.signedIn.at + this.#maxAgeMs, held.session.endsForGoodAt ?? Number.POSITIVE_INFINITY)
  }
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
