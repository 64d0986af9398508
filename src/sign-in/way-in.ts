import type { BrowserStep } from '../identity/browser-sign-in.ts'
import type { SignedIn } from '../session/session.ts'

export interface SignInRequest {
  readonly switchUser: boolean
  readonly openBrowser: boolean
  readonly onBrowser: (step: BrowserStep) => void
  readonly signal: AbortSignal
}

/** One way to a session of one site. */
export interface WayIn {
  readonly name: SignedIn['session']['obtainedBy']
  /** Throws an AgentError, or the reason of `signal`. */
  signIn(request: SignInRequest): Promise<SignedIn>
}
