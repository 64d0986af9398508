import type { ErrorCode } from '../errors.ts'

/** What happened: a step of the sign-in, or the code of what went wrong. */
export type ChangeReason = 'sign_in_started' | 'signed_in' | 'renewed' | 'ending' | 'signed_out' | ErrorCode

/** One site as everybody may see it: no secrets. Times are wall clock, ms since the epoch. */
export interface SiteStatus {
  readonly site: string
  readonly state: 'signed_out' | 'signing_in' | 'signed_in'
  /** What led to this state; absent before anything happened. */
  readonly reason?: ChangeReason
  readonly login?: string
  readonly userId?: number
  readonly name?: string
  readonly obtainedBy?: string
  /** The Autodesk account the artist signed in with. */
  readonly account?: string
  /** End of the session now held; it is renewed on use before that. */
  readonly expiresAt?: number
  /** Until when this sign-in can serve sessions at all, renewals included. */
  readonly signInEndsAt?: number
  /** Why the last renewal failed, while the session lives on. */
  readonly problem?: ErrorCode
  /** Rises with every new session; two equal numbers mean the same session token. */
  readonly generation?: number
}

/** Calls every listener with every change, in order; a listener that throws is reported and does not stop the others. */
export class ChangeFeed {
  readonly #listeners = new Set<(status: SiteStatus) => void>()
  readonly #onListenerError: (error: unknown) => void

  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError
  }

  /** Returns how to stop listening. */
  listen(listener: (status: SiteStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  announce(status: SiteStatus): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(status)
      } catch (error) {
        this.#onListenerError(error)
      }
    }
  }
}
