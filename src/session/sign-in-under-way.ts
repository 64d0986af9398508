import { AgentError, asAgentError, type ErrorCode } from '../errors.ts'
import type { Log } from '../ports.ts'
import type { UnfinishedWork } from '../waiting/unfinished-work.ts'
import { withPatience } from '../waiting/with-patience.ts'
import type { Session, SignedIn } from './session.ts'
import { type SignIn, SignInAttempt, signInLimitMs } from './sign-in-attempt.ts'

export interface SignInUnderWaySettings {
  readonly log: Log
  /** Where each counts until it is over. */
  readonly work: UnfinishedWork
  /** Takes what came home; what it returns is what the callers get. */
  readonly welcome: (signedIn: SignedIn, isResume: boolean) => Session
  /** A sign-in that somebody asked for has failed. */
  readonly onFailed: (code: ErrorCode) => void
}

interface Current {
  readonly attempt: SignInAttempt
  readonly isResume: boolean
  readonly done: Promise<Session>
}

const resumeLimitMs = 60_000
/** How long callers wait for a sign-in of before to be taken up; less than a client waits for an answer. */
const resumePatienceMs = 5_000

/**
 * What is on the way to a session, at most one: a sign-in that somebody asked for, or the resumption of one of an earlier
 * run, which nobody asked for and which gives way to it.
 */
export class SignInUnderWay {
  readonly #settings: SignInUnderWaySettings
  #current: Current | undefined

  constructor(settings: SignInUnderWaySettings) {
    this.#settings = settings
  }

  get isSigningIn(): boolean {
    return this.#current?.isResume === false
  }

  /** Starts the one sign-in, or joins it. */
  signIn(start: SignIn): Promise<Session> {
    if (this.#current?.isResume === false) return this.#current.done
    this.abandon()
    return this.#begin(start, false).done
  }

  /** Resolves when no sign-in is under way any more; throws what it came to if that is no session. */
  async signedIn(): Promise<void> {
    if (this.#current?.isResume === false) await this.#current.done
  }

  /** Starts the one resumption, or joins it; leaves a sign-in alone. Never throws: what fails, fails quietly. */
  async resume(start: SignIn): Promise<void> {
    if (this.isSigningIn) return
    await (this.#current ?? this.#begin(start, true)).done.catch((error: unknown) => {
      const { code, message } = asAgentError(error)
      this.#settings.log.info({ code, reason: message }, 'no sign-in was resumed')
    })
  }

  /** Resolves when no resumption is under way, or when waiting for it is no longer worth it. */
  async resumed(): Promise<void> {
    if (this.#current?.isResume)
      await withPatience(
        this.#current.done.catch(() => undefined),
        resumePatienceMs,
      )
  }

  /** What is under way is over at once, with `sign_in_cancelled`; what it still brings home is thrown away. */
  abandon(): void {
    const abandoned = this.#current
    this.#current = undefined
    abandoned?.attempt.cancel()
  }

  #begin(start: SignIn, isResume: boolean): Current {
    const attempt = new SignInAttempt(start, isResume ? resumeLimitMs : signInLimitMs)
    this.#current = { attempt, isResume, done: this.#settings.work.during(() => this.#finish(attempt, isResume)) }
    return this.#current
  }

  async #finish(attempt: SignInAttempt, isResume: boolean): Promise<Session> {
    const isCurrent = (): boolean => this.#current?.attempt === attempt
    try {
      const signedIn = await attempt.done
      if (!isCurrent()) {
        void signedIn.renewal.forget()
        signedIn.session.sessionToken.wipe()
        throw new AgentError('sign_in_cancelled')
      }
      this.#current = undefined
      return this.#settings.welcome(signedIn, isResume)
    } catch (error) {
      if (isCurrent()) {
        this.#current = undefined
        if (!isResume) this.#settings.onFailed(asAgentError(error).code)
      }
      throw error
    }
  }
}
