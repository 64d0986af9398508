import { setTimeout as pause } from 'node:timers/promises'

/**
 * A look at something that changes, shared: whoever asks gets what a look found that began after they asked. One look is under way
 * at a time; all who ask meanwhile share the next. `restsTimes`: a look that takes long is followed by so many times as long without
 * one, so that a crowd shares few; after one that was held up, by no longer than after 50 ms.
 */
export class SharedLook<T> {
  readonly #look: () => Promise<T>
  readonly #restsTimes: number
  #restsUntil = 0
  #running: Promise<unknown> | undefined
  #next: Promise<T> | undefined

  constructor(look: () => Promise<T>, { restsTimes = 0 }: { readonly restsTimes?: number } = {}) {
    this.#look = look
    this.#restsTimes = restsTimes
  }

  ask(): Promise<T> {
    this.#next ??= this.#begin()
    return this.#next
  }

  async #begin(): Promise<T> {
    // Whoever asks in the same turn of the event loop shares it too.
    await (this.#running ?? turn())
    const restMs = this.#restsUntil - performance.now()
    if (restMs > 0) await pause(restMs)
    this.#next = undefined
    const began = performance.now()
    const found = this.#look()
    const over = found.then(
      () => undefined,
      () => undefined,
    )
    this.#running = over
    void over.then(() => {
      const tookMs = performance.now() - began
      if (tookMs > longMs) this.#restsUntil = began + tookMs + Math.min(tookMs, longestCountedMs) * this.#restsTimes
      if (this.#running === over) this.#running = undefined
    })
    return found
  }
}

const longMs = 5
/** What holds the whole process up is not the look's own time. */
const longestCountedMs = 50

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
