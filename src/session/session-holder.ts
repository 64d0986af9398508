import { AgentError, asAgentError } from '../errors.ts'
import type { Clock, Log } from '../ports.ts'
import type { PutSecret } from '../secrets/passed-secrets.ts'
import type { Secret } from '../secrets/secret.ts'
import { AskedToWait, pauseMs } from '../waiting/asked-to-wait.ts'
import { SingleFlight } from '../waiting/single-flight.ts'
import { UnfinishedWork } from '../waiting/unfinished-work.ts'
import { withPatience } from '../waiting/with-patience.ts'
import type { ChangeReason, EndReason, SiteStatus } from './changes.ts'
import { EndAlarm } from './end-alarm.ts'
import { type Held, Holding, type OneSignIn, signedInStatus } from './held.ts'
import { HeldTokens } from './held-tokens.ts'
import { LeftBehind } from './left-at-site.ts'
import { type PassedSession, passOnHeld, type TakenSession } from './passed-on.ts'
import { judgeRenewalFailure, judgeSession, signInMoment } from './renewal-rules.ts'
import type { AutodeskToken, IssuedSession, Renewal, Session, SignedIn } from './session.ts'
import type { SignIn } from './sign-in-attempt.ts'
import { SignInUnderWay } from './sign-in-under-way.ts'

export interface HolderSettings {
  readonly site: string
  readonly maxAgeMs: number
  readonly remindBeforeMs: number
  readonly clock: Clock
  readonly log: Log
  readonly announce: (status: SiteStatus) => void
  /** A session token was wiped: what was made of it is to be wiped too. */
  readonly onWiped?: (sessionToken: Secret) => void
  /** Where sign-ins and renewals count while they are under way. */
  readonly work?: UnfinishedWork
}

const renewalLimitMs = 60_000
/** How long callers wait for a renewal while the session they could have still has time left. */
const patienceMs = 3_000
const retryPauseMs = 2_000

/**
 * One site's session and its life: `signed_out → signing_in → signed_in → signed_out`. A renewal or a second sign-in
 * happens behind `signed_in`: what is held is served until the next one is there.
 */
export class SessionHolder {
  readonly #settings: HolderSettings
  readonly #holding: Holding
  readonly #tokens: HeldTokens
  #reason: ChangeReason | undefined
  #signOuts = 0
  readonly #leftBehind: LeftBehind
  readonly #underWay: SignInUnderWay
  readonly #alarm: EndAlarm
  readonly #work: UnfinishedWork

  constructor(settings: HolderSettings) {
    this.#settings = settings
    const { clock, maxAgeMs, remindBeforeMs, log } = settings
    this.#work = settings.work ?? new UnfinishedWork()
    this.#holding = new Holding(clock, maxAgeMs)
    this.#tokens = new HeldTokens(settings.onWiped ?? (() => undefined))
    this.#leftBehind = new LeftBehind(clock)
    this.#underWay = new SignInUnderWay({
      log,
      work: this.#work,
      welcome: (signedIn, isResume) => this.#welcome(signedIn, isResume),
      onFailed: (code) => this.#announce(code),
    })
    this.#alarm = new EndAlarm({
      ...{ clock, remindBeforeMs },
      onNear: () => this.#announce('ending'),
      onEnd: () => void this.#end('session_ended'),
    })
  }

  /**
   * The session, with `minValidityMs` left if the site grants that much; renewed first when it is near its end, once for
   * all who ask. Throws `login_required` when nobody is signed in, else the renewal's error if nothing usable is left.
   */
  async get(minValidityMs: number): Promise<{ session: Session; generation: number }> {
    if (!this.#holding.current) await this.#underWay.resumed()
    const held = this.#usable()
    if (judgeSession(held.session, minValidityMs, this.#settings.clock) === 'hand_out') return held
    const hasTimeLeft = this.#holding.timeLeft(held) > 0
    if (hasTimeLeft && !this.#isWorthWaiting(held)) return held
    if (!hasTimeLeft) this.#demandPauseIsOver(held)
    try {
      await (hasTimeLeft ? withPatience(this.#renew(held), patienceMs) : this.#renew(held))
      // The patience may outlast what was left.
      if (this.#holding.current && this.#holding.timeLeft(this.#holding.current) === 0)
        await this.#renew(this.#holding.current)
    } catch (error) {
      // Trouble on the way must not take away a session that still works.
      if (!this.#holding.current || this.#holding.timeLeft(this.#holding.current) === 0) throw error
    }
    return this.#usable()
  }

  /** Starts the one sign-in, or joins it. Ends after five minutes with `sign_in_timeout`. */
  signIn(start: SignIn): Promise<Session> {
    const isJoined = this.#underWay.isSigningIn
    const done = this.#underWay.signIn(start)
    if (!isJoined) this.#announce('sign_in_started')
    return done
  }

  /** Resolves when the sign-in under way, if any, has come to a session; throws what it came to else. */
  async signedIn(): Promise<void> {
    await this.#underWay.signedIn()
  }

  /**
   * Takes up a sign-in of an earlier run without the artist. Does nothing while there is a session or a sign-in, and is over
   * when one begins. Never throws; only success is announced.
   */
  async resume(start: SignIn): Promise<void> {
    if (!this.#holding.current) await this.#underWay.resume(start)
  }

  /** Ends a sign-in under way with `sign_in_cancelled`, so that the next can start at once. */
  cancelSignIn(): void {
    if (!this.#underWay.isSigningIn) return
    this.#underWay.abandon()
    this.#announce('sign_in_cancelled')
  }

  /**
   * Forgets and wipes the session at once: who was about to send it gets `login_required`. Revoking what can be revoked, and asking the site what it keeps, go on behind it and are
   * awaited: `leftAtSite` of the status then says it.
   */
  async signOut(reason: EndReason = 'signed_out'): Promise<void> {
    this.#signOuts += 1
    this.cancelSignIn()
    this.#underWay.abandon()
    const held = this.#holding.current
    // The site is asked with a token of its own: the one that was held is wiped by then.
    const last = held && { ...held.session, sessionToken: held.session.sessionToken.copy() }
    await Promise.all([this.#end(reason), last && this.#leftBehind.note(last, held.renewal)])
    last?.sessionToken.wipe()
  }

  /** The agent stops: forgets like a sign-out, and leaves alone what its next run may resume. */
  async release(): Promise<void> {
    this.cancelSignIn()
    this.#underWay.abandon()
    await this.#end('signed_out', (renewal) => renewal.release())
  }

  /** What another process needs to hold the same; undefined where nobody is signed in. Not while something is under way. */
  passOn(put: PutSecret): PassedSession | undefined {
    const held = this.#holding.current
    return held && passOnHeld(held, this.#reason, put, this.#settings.clock)
  }

  /** Holds what another process has passed on. Announces nothing: to everybody but us nothing has changed. */
  goOn({ renewal: _passed, reason, ...taken }: TakenSession, renewal: Renewal): void {
    const { clock } = this.#settings
    const flights = { renewing: new SingleFlight<void>(), checking: new SingleFlight<void>() }
    const held: Held = {
      ...taken,
      ...flights,
      renewal,
      askedToWait: new AskedToWait(clock),
      waitUntilMonotonicMs: 0,
    }
    this.#holding.goOn(held)
    this.#reason = reason
    this.#tokens.hold(held.session.sessionToken)
    this.#alarm.set(this.#holding.finalEnd(held))
  }

  /** Another process holds it now: wiped here, revoked nowhere, and announced to nobody. */
  letGo(): void {
    const held = this.#holding.current
    this.#alarm.clear()
    this.#holding.drop()
    this.#tokens.wipe()
    held?.renewal.letGo()
  }

  /** To be called when the machine woke up or its clock was set. Ends what is over; renews nothing. */
  checkClock(): void {
    if (this.#holding.current && this.#holding.isOver(this.#holding.current)) void this.#end('session_ended')
    else this.#alarm.check()
  }

  /** Rises with every sign-out: tells who waited whether the artist went away meanwhile. */
  get signOuts(): number {
    return this.#signOuts
  }

  /**
   * A plug-in says the site refused the session. Asks the site once for all who say so; renews if it is true. Resolves when
   * there is a session to use; throws like `get` when there is none. A report about an older generation asks nobody.
   */
  async reportRejected(generation: number | undefined): Promise<void> {
    const held = this.#usable()
    if (generation !== undefined && generation !== held.generation) return
    await held.checking.run(() => this.#work.during(() => held.askedToWait.run(() => this.#checkWithSite(held))))
  }

  /**
   * The Autodesk access token of the sign-in. Throws `login_required` when nobody is signed in, or somebody else when it came;
   * `autodesk_token_unavailable` when they signed in without Autodesk Identity; else what kept it from being refreshed.
   */
  async autodeskToken(minValidityMs: number): Promise<AutodeskToken> {
    if (!this.#holding.current) await this.#underWay.resumed()
    const held = this.#usable()
    const { renewal, session } = held
    if (!renewal.autodeskToken) throw noAutodeskToken(session)
    const limit = AbortSignal.timeout(renewalLimitMs)
    const token = await renewal.autodeskToken(minValidityMs, limit).catch((error: unknown) => {
      if (this.#holding.isStill(held)) throw error
    })
    if (token && this.#holding.isStill(held)) return token
    const { userId } = this.#usable().session
    if (userId === session.userId) return this.autodeskToken(minValidityMs)
    throw new AgentError('login_required', `somebody else has signed in to "${session.site}" meanwhile`)
  }

  status(): SiteStatus {
    const { site } = this.#settings
    const reason = this.#reason === undefined ? {} : { reason: this.#reason }
    if (!this.#holding.current) {
      const state = this.#underWay.isSigningIn ? 'signing_in' : 'signed_out'
      return { site, state, ...reason, ...this.#leftBehind.status }
    }
    return { ...signedInStatus(this.#holding.current, this.#holding.finalEnd(this.#holding.current)), ...reason }
  }

  #welcome({ session, renewal, account, signedInAt }: SignedIn, isResume: boolean): Session {
    const { clock } = this.#settings
    const previous = this.#holding.current
    const signedIn = signInMoment(signedInAt ?? clock.now(), clock)
    const flights = { renewing: new SingleFlight<void>(), checking: new SingleFlight<void>() }
    const askedToWait = new AskedToWait(clock)
    this.#leftBehind.forget()
    const held = this.#hold(session, { renewal, signedIn, account, ...flights, askedToWait })
    void previous?.renewal.forget()
    renewal.remember(signedIn.at)
    this.#announce(isResume ? 'resumed' : 'signed_in')
    return held.session
  }

  #hold(issued: IssuedSession, signIn: OneSignIn): Held {
    const held = this.#holding.take(issued, signIn)
    this.#tokens.hold(issued.sessionToken)
    this.#alarm.set(this.#holding.finalEnd(held))
    return held
  }

  /** What is held, unless the working day is over. */
  #usable(): Held {
    if (this.#holding.current) {
      if (!this.#holding.isOver(this.#holding.current)) return this.#holding.current
      void this.#end('session_ended')
    }
    throw new AgentError('login_required', `nobody is signed in to "${this.#settings.site}"`)
  }

  /** Whether a caller who could have the old session should wait for the next: not just after a failure, nor for long. */
  #isWorthWaiting(held: Held): boolean {
    return held.renewable && this.#settings.clock.monotonicMs() >= held.waitUntilMonotonicMs
  }

  /** While a service is down, those who keep asking must not become one call each. */
  #demandPauseIsOver({ problem, renewing, waitUntilMonotonicMs }: Held): void {
    if (problem === undefined || renewing.isRunning) return
    if (this.#settings.clock.monotonicMs() < waitUntilMonotonicMs) {
      throw new AgentError(problem, 'the session has ended, and renewing it failed a moment ago')
    }
  }

  #renew({ renewing }: Held): Promise<void> {
    return renewing.run(() => this.#work.during(() => this.#renewOnce()))
  }

  async #renewOnce(): Promise<void> {
    const held = this.#usable()
    if (!held.renewable) throw new AgentError('login_required', 'this sign-in cannot be renewed')
    const waited = setTimeout(
      () => this.#holding.note(held, { waitUntilMonotonicMs: Number.POSITIVE_INFINITY }),
      patienceMs,
    )
    try {
      const issued = await held.renewal.renew(AbortSignal.timeout(renewalLimitMs))
      // Signed out, or someone else signed in, while the renewal was under way: what came back serves nobody.
      if (!this.#holding.isStill(held)) {
        issued.sessionToken.wipe()
        throw new AgentError('login_required')
      }
      if (issued.userId !== held.session.userId || issued.site !== held.session.site) {
        issued.sessionToken.wipe()
        throw new AgentError('session_owner_mismatch', 'the renewed session is not the same person’s')
      }
      this.#hold(issued, held)
      this.#announce('renewed')
    } catch (thrown) {
      throw this.#noteRenewalFailure(held, asAgentError(thrown))
    } finally {
      clearTimeout(waited)
    }
  }

  #noteRenewalFailure(held: Held, error: AgentError): AgentError {
    this.#settings.log.warn({ site: held.session.site, err: error }, 'the session could not be renewed')
    if (!this.#holding.current || !this.#holding.isStill(held)) {
      return new AgentError('login_required', 'signed out while the session was renewed', { cause: error })
    }
    const verdict = judgeRenewalFailure(error.code)
    if (verdict === 'over') {
      void this.#end(error.code)
      return error
    }
    if (verdict === 'not_renewable' && this.#holding.timeLeft(this.#holding.current) === 0) {
      void this.#end('session_ended')
      return new AgentError('login_required', 'the session has ended and could not be renewed', { cause: error })
    }
    const waitUntilMonotonicMs = this.#settings.clock.monotonicMs() + pauseMs(error, retryPauseMs)
    this.#holding.note(held, { renewable: verdict === 'try_again', problem: error.code, waitUntilMonotonicMs })
    this.#alarm.set(this.#holding.finalEnd(this.#holding.current))
    this.#announce(error.code)
    return error
  }

  async #checkWithSite(held: Held): Promise<void> {
    const verdict = await held.renewal.check(held.session, AbortSignal.timeout(renewalLimitMs))
    if (verdict === 'accepted' || this.#holding.current?.generation !== held.generation) return
    this.#holding.note(held, { session: { ...held.session, expiresAt: this.#settings.clock.now() } })
    await this.#renew(held)
  }

  async #end(
    reason: ChangeReason,
    leave: (renewal: Renewal) => Promise<void> = (renewal) => renewal.forget(),
  ): Promise<void> {
    const held = this.#holding.current
    this.#alarm.clear()
    if (!held) return
    this.#holding.drop()
    this.#tokens.wipe()
    this.#announce(reason)
    await leave(held.renewal)
  }

  #announce(reason: ChangeReason): void {
    this.#reason = reason
    this.#settings.announce(this.status())
  }
}

function noAutodeskToken({ site, obtainedBy }: Session): AgentError {
  const said = `the session of "${site}" was obtained by "${obtainedBy}": nobody signed in at Autodesk for it`
  const advice =
    'Ask IT for a way in through Autodesk Identity: a broker for this site. The tool can sign in at Autodesk by itself.'
  return new AgentError('autodesk_token_unavailable', said, { advice })
}
