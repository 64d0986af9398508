import type { Secret } from '../secrets/secret.ts'

/** How long a token that a newer one has replaced may still be on its way to who has just asked for it. */
const graceMs = 30_000

/** The session tokens that a holder has to wipe, the one it holds and those before it. */
export class HeldTokens {
  readonly #onWiped: (token: Secret) => void
  readonly #replaced = new Map<Secret, NodeJS.Timeout>()
  #current: Secret | undefined

  /** `onWiped`: what was made of a token is over with it. */
  constructor(onWiped: (token: Secret) => void) {
    this.#onWiped = onWiped
  }

  /** Holds this one. The one before is wiped half a minute later: a renewal is no reason to refuse anybody. */
  hold(token: Secret): void {
    const previous = this.#current
    if (previous === token) return
    this.#current = token
    if (!previous) return
    const timer = setTimeout(() => this.#wipe(previous), graceMs)
    timer.unref()
    this.#replaced.set(previous, timer)
  }

  /** Wipes them all: who has not sent one yet has nothing to send. */
  wipe(): void {
    for (const token of [...this.#replaced.keys(), ...(this.#current ? [this.#current] : [])]) this.#wipe(token)
    this.#current = undefined
  }

  #wipe(token: Secret): void {
    clearTimeout(this.#replaced.get(token))
    this.#replaced.delete(token)
    token.wipe()
    this.#onWiped(token)
  }
}
