import { AgentError, asAgentError, type ErrorCode } from '../errors.ts'
import type { Clock, Log } from '../ports.ts'
import { SingleFlight } from '../single-flight.ts'
import type { ChangeReason, SiteStatus } from './changes.ts'
import { isDayOver, judgeRenewalFailure, judgeSession, type SignInMoment, startSession } from './renewal-rules.ts'
import { type IssuedSession, type Renewal, type Session, type SignedIn, timeLeftMs } from './session.ts'

export interface HolderSettings {
  readonly site: string
  readonly maxAgeMs: number
  readonly remindBeforeMs: number
  readonly clock: Clock
  readonly log: Log
  readonly announce: (status: SiteStatus) => void
}

/** Obtains a session with the artist's help. Must settle soon after `signal` aborts. */
export type SignIn = (signal: AbortSignal) => Promise<SignedIn>

interface Held {
  readonly session: Session
  readonly generation: number
  readonly renewal: Renewal
  readonly signedIn: SignInMoment
  readonly account?: string
  readonly renewable: boolean
  readonly problem?: ErrorCode
  /** Before this reading of the monotonic clock a session with time left is not renewed again. */
  readonly retryAfterMonotonicMs: number
}

/** The artist's time to finish in the browser; Autodesk's own code lives as long. */
export const signInLimitMs = 5 * 60_000
const renewalLimitMs = 20_000
const renewalPauseMs = 2_000
const longestTimerMs = 2 ** 31 - 1

/**
 * One site's session and its life: `signed_out → signing_in → signed_in → signed_out`. A renewal or a second sign-in
 * happens behind `signed_in`: what is held is served until the next one is there.
 */
export class SessionHolder {
  readonly #settings: HolderSettings
  #held: Held | undefined
  #reason: ChangeReason | undefined
  #signIn: { readonly done: Promise<Session>; readonly cancel: AbortController } | undefined
  #alarm: NodeJS.Timeout | undefined
  /** Starts at the clock so that numbers of two runs of the agent never meet. */
  #generation: number
  readonly #renewing = new SingleFlight<Session>()
  readonly #checking = new SingleFlight<void>()

  constructor(settings: HolderSettings) {
    this.#settings = settings
    this.#generation = settings.clock.now()
  }

  /**
   * The session, with `minValidityMs` left if the site grants that much; renewed first when it is near its end, once for
   * all who ask. Throws `login_required` when nobody is signed in, else the renewal's error if nothing usable is left.
   */
  async get(minValidityMs: number): Promise<{ session: Session; generation: number }> {
    const held = this.#usable()
    if (judgeSession(held.session, minValidityMs, this.#settings.clock) === 'hand_out') return held
    const left = timeLeftMs(held.session, this.#settings.clock)
    if (left > 0 && !this.#mayRenew(held)) return held
    try {
      await this.#renew()
    } catch (error) {
      // Trouble on the way must not take away a session that still works.
      const still = this.#held
      if (!still || timeLeftMs(still.session, this.#settings.clock) === 0) throw error
    }
    return this.#usable()
  }

  /** Starts the one sign-in, or joins it. Ends after five minutes with `sign_in_timeout`. */
  signIn(start: SignIn): Promise<Session> {
    if (!this.#signIn) {
      const cancel = new AbortController()
      const done = this.#runSignIn(start, cancel).finally(() => {
        this.#signIn = undefined
      })
      this.#signIn = { done, cancel }
      this.#announce('sign_in_started')
      // Told after the field is cleared, so that listeners see the state the sign-in left behind.
      done.then(
        () => this.#announce('signed_in'),
        (error: unknown) => this.#announce(asAgentError(error).code),
      )
    }
    return this.#signIn.done
  }

  /** Ends a sign-in under way with `sign_in_cancelled`; whether there was one. */
  cancelSignIn(): boolean {
    this.#signIn?.cancel.abort(new AgentError('sign_in_cancelled'))
    return this.#signIn !== undefined
  }

  /** Forgets the session at once; revoking what can be revoked goes on behind it and is awaited. */
  async signOut(): Promise<void> {
    this.cancelSignIn()
    await this.#end('signed_out')
  }

  /**
   * A plug-in says the site refused the session. Asks the site once for all who say so; renews if it is true. Resolves when
   * there is a session to use; throws like `get` when there is none. A report about an older generation asks nobody.
   */
  async reportRejected(generation: number | undefined): Promise<void> {
    const held = this.#usable()
    if (generation !== undefined && generation !== held.generation) return
    await this.#checking.run(() => this.#checkWithSite())
  }

  status(): SiteStatus {
    const { site } = this.#settings
    const reason = this.#reason === undefined ? {} : { reason: this.#reason }
    if (!this.#held) return { site, state: this.#signIn ? 'signing_in' : 'signed_out', ...reason }
    const { session, generation, problem, account } = this.#held
    return {
      site,
      state: 'signed_in',
      ...reason,
      login: session.login,
      userId: session.userId,
      name: session.name,
      obtainedBy: session.obtainedBy,
      ...(account === undefined ? {} : { account }),
      expiresAt: session.expiresAt,
      signInEndsAt: this.#finalEnd(this.#held),
      ...(problem === undefined ? {} : { problem }),
      generation,
    }
  }

  async #runSignIn(start: SignIn, cancel: AbortController): Promise<Session> {
    const limit = setTimeout(() => cancel.abort(new AgentError('sign_in_timeout')), signInLimitMs)
    try {
      const { session, renewal, account } = await start(cancel.signal)
      if (cancel.signal.aborted) {
        void renewal.forget()
        throw cancel.signal.reason
      }
      const previous = this.#held
      const now = { at: this.#settings.clock.now(), atMonotonicMs: this.#settings.clock.monotonicMs() }
      this.#hold({ issued: session, renewal, signedIn: now, ...(account === undefined ? {} : { account }) })
      void previous?.renewal.forget()
      return this.#usable().session
    } finally {
      clearTimeout(limit)
    }
  }

  #hold({ issued, ...signIn }: { issued: IssuedSession } & Pick<Held, 'renewal' | 'signedIn' | 'account'>): void {
    this.#generation += 1
    this.#held = {
      ...signIn,
      session: startSession(issued, signIn.signedIn, this.#settings.maxAgeMs, this.#settings.clock),
      generation: this.#generation,
      renewable: true,
      retryAfterMonotonicMs: 0,
    }
    this.#setAlarm()
  }

  /** What is held, unless the working day is over. */
  #usable(): Held {
    const { clock, maxAgeMs, site } = this.#settings
    if (this.#held) {
      const spent = !this.#held.renewable && timeLeftMs(this.#held.session, clock) === 0
      if (!spent && !isDayOver(this.#held.signedIn, maxAgeMs, clock)) return this.#held
      void this.#end('session_ended')
    }
    throw new AgentError('login_required', `nobody is signed in to "${site}"`)
  }

  #mayRenew(held: Held): boolean {
    return held.renewable && this.#settings.clock.monotonicMs() >= held.retryAfterMonotonicMs
  }

  #renew(): Promise<Session> {
    return this.#renewing.run(async () => {
      const held = this.#usable()
      if (!held.renewable) throw new AgentError('login_required', 'this sign-in cannot be renewed')
      let issued: IssuedSession
      try {
        issued = await held.renewal.renew(AbortSignal.timeout(renewalLimitMs))
      } catch (thrown) {
        throw this.#noteRenewalFailure(held, asAgentError(thrown))
      }
      // Signed out, or someone else signed in, while the renewal was under way: what came back serves nobody.
      if (!this.#isStill(held)) throw new AgentError('login_required', 'signed out while the session was renewed')
      if (issued.userId !== held.session.userId || issued.site !== held.session.site) {
        throw this.#noteRenewalFailure(
          held,
          new AgentError('session_owner_mismatch', 'the renewed session is not the same person’s'),
        )
      }
      const { renewal, signedIn, account } = held
      this.#hold({ issued, renewal, signedIn, ...(account === undefined ? {} : { account }) })
      this.#announce('renewed')
      return this.#usable().session
    })
  }

  /** Whether the same sign-in is still held; its session may be a newer one. */
  #isStill(held: Held): boolean {
    return this.#held?.renewal === held.renewal
  }

  #noteRenewalFailure(held: Held, error: AgentError): AgentError {
    this.#settings.log.warn({ site: held.session.site, err: error }, 'the session could not be renewed')
    const now = this.#held
    if (!now || !this.#isStill(held)) return error
    const verdict = judgeRenewalFailure(error.code)
    if (verdict === 'over') {
      void this.#end(error.code)
      return error
    }
    if (verdict === 'not_renewable' && timeLeftMs(now.session, this.#settings.clock) === 0) {
      void this.#end('session_ended')
      return new AgentError('login_required', 'the session has ended and could not be renewed', { cause: error })
    }
    this.#held = {
      ...now,
      renewable: verdict === 'try_again',
      problem: error.code,
      retryAfterMonotonicMs: this.#settings.clock.monotonicMs() + renewalPauseMs,
    }
    this.#setAlarm()
    this.#announce(error.code)
    return error
  }

  async #checkWithSite(): Promise<void> {
    const held = this.#usable()
    const verdict = await held.renewal.check(held.session, AbortSignal.timeout(renewalLimitMs))
    if (verdict === 'accepted' || this.#held?.generation !== held.generation) return
    this.#held = { ...this.#held, session: { ...held.session, expiresAt: this.#settings.clock.now() } }
    await this.#renew()
  }

  async #end(reason: ChangeReason): Promise<void> {
    const held = this.#held
    clearTimeout(this.#alarm)
    if (!held) return
    this.#held = undefined
    this.#announce(reason)
    await held.renewal.forget()
  }

  #announce(reason: ChangeReason): void {
    this.#reason = reason
    this.#settings.announce(this.status())
  }

  #finalEnd(held: Held): number {
    return held.renewable ? held.signedIn.at + this.#settings.maxAgeMs : held.session.expiresAt
  }

  /** Announces the end before it comes (not for a session that starts that late) and when it has come. */
  #setAlarm(reminded = false): void {
    clearTimeout(this.#alarm)
    const held = this.#held
    if (!held) return
    const { clock, remindBeforeMs } = this.#settings
    const end = this.#finalEnd(held)
    const remindAt = end - remindBeforeMs
    const willRemind = !reminded && remindAt > clock.now()
    const delayMs = (willRemind ? remindAt : end) - clock.now()
    this.#alarm = setTimeout(
      () => {
        if (clock.now() >= end) return void this.#end('session_ended')
        const due = willRemind && clock.now() >= remindAt
        if (due) this.#announce('ending')
        this.#setAlarm(reminded || due)
      },
      Math.min(Math.max(delayMs, 1), longestTimerMs),
    )
    this.#alarm.unref()
  }
}
