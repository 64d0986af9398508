import type { AgentError } from '../errors.ts'
import type { BrowserStep } from '../identity/browser-sign-in.ts'
import type { SignedIn } from '../session/session.ts'

export interface SignInRequest {
  readonly switchUser: boolean
  readonly onBrowser: (step: BrowserStep) => void
  readonly signal: AbortSignal
}

/** One way to a session of one site. */
export interface WayIn {
  readonly name: SignedIn['session']['obtainedBy']
  /** Throws an AgentError, or the reason of `signal`. */
  signIn(request: SignInRequest): Promise<SignedIn>
  /**
   * Goes on with the sign-in of an earlier run, without the artist. Throws `login_required` when none is remembered, what
   * stands in the way (then it can be tried again), or why it is refused (then it is forgotten).
   */
  resume(signal: AbortSignal): Promise<SignedIn>
  /** Forgets and revokes what a later run could resume. Never throws; bounded in time. */
  forgetRemembered(): Promise<void>
  /** Resolves when a later run can resume what is to be resumed, or waiting for that is no longer worth it. */
  settled(): Promise<void>
  /** Why nothing is remembered, although it should be. */
  readonly secretStoreProblem: AgentError | undefined
}
