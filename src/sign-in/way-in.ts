import type { AgentError } from '../errors.ts'
import type { TakeSecret } from '../secrets/passed-secrets.ts'
import type { Secret } from '../secrets/secret.ts'
import type { IssuedSession, Renewal, SignedIn } from '../session/session.ts'

export interface SignInRequest {
  readonly switchUser: boolean
  /** Called whenever the sign-in begins to wait for the artist, with what it waits for now. */
  readonly onStep: (step: SignInStep) => void
  readonly signal: AbortSignal
}

/** What a sign-in waits for. */
export type SignInStep = BrowserStep | CredentialsStep

/** The artist signs in in their browser. */
export interface BrowserStep {
  readonly kind: 'browser'
  readonly url: URL
  /**
   * Takes the address the browser was sent back to. Throws `invalid_request` when it is not of this sign-in. Absent where the
   * browser is sent nowhere.
   */
  acceptRedirect?(address: string): void
}

/** The artist types a login and a passphrase: into a window of ours, or at a terminal. */
export interface CredentialsStep {
  readonly kind: 'credentials'
  /** The site wants the code of the second factor too: it said so to the last try. */
  readonly wantsCode: boolean
  /**
   * Tries them at the site. Resolves when the site took them; throws why it did not, and the sign-in goes on waiting.
   * One try at a time: `rate_limited` while another is under way.
   */
  submit(credentials: Credentials): Promise<void>
}

export interface Credentials {
  /** HumanUser.login */
  readonly login: string
  readonly passphrase: Secret
  readonly code?: Secret
}

/** One way to a session of one site. */
export interface WayIn {
  readonly name: SignedIn['session']['obtainedBy']
  /** Throws an AgentError, or the reason of `signal`. */
  signIn(request: SignInRequest): Promise<SignedIn>
  /**
   * What goes on with a session that another process held and has passed on; asks nobody. `passed`: what `Renewal.passOn` of
   * this way said there. Throws where it is not of this form, or of another sign-in than the configuration is for.
   */
  goOn(taken: TakenSignIn, passed: unknown, take: TakeSecret): Promise<Renewal>
}

/** Whose session it is, and since when. */
export interface TakenSignIn {
  readonly session: IssuedSession
  readonly account: string | undefined
  /** Wall clock, ms since the epoch. */
  readonly signedInAt: number
}

/** A way in whose sign-ins a later run of the agent can take up. */
export interface ResumableWayIn extends WayIn {
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
