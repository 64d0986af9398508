import { AgentError } from '../errors.ts'
import { untilAborted } from '../waiting/until-aborted.ts'
import type { SignedIn } from './session.ts'

/** Obtains a session. Must settle soon after `signal` aborts. */
export type SignIn = (signal: AbortSignal) => Promise<SignedIn>

/**
 * The artist's five minutes to finish in the browser, as long as Autodesk's own code lives, and the five seconds more that a
 * site waits for the answer. The site's wait begins later, so this one is over first. facts: shotgrid §3.1
 */
export const signInLimitMs = 305_000

/** One try to sign in. It is over at once when it is cancelled or too late; what still comes home is thrown away. */
export class SignInAttempt {
  readonly #abort = new AbortController()
  /** Rejects with `sign_in_cancelled`, `sign_in_timeout`, or what the sign-in threw. */
  readonly done: Promise<SignedIn>

  constructor(start: SignIn, limitMs: number) {
    const { signal } = this.#abort
    const limit = setTimeout(() => this.#abort.abort(new AgentError('sign_in_timeout')), limitMs)
    const work = Promise.resolve().then(() => start(signal))
    work.then(
      ({ renewal, session }) => {
        if (!signal.aborted) return
        void renewal.forget()
        session.sessionToken.wipe()
      },
      () => undefined,
    )
    this.done = untilAborted(work, signal).finally(() => clearTimeout(limit))
  }

  cancel(): void {
    this.#abort.abort(new AgentError('sign_in_cancelled'))
  }
}
