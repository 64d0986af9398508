/**
 * A look at something that changes, shared: whoever asks gets what a look found that began after they asked. One look is under way
 * at a time; all who ask meanwhile share the next.
 */
export class SharedLook<T> {
  readonly #look: () => Promise<T>
  #running: Promise<unknown> | undefined
  #next: Promise<T> | undefined

  constructor(look: () => Promise<T>) {
    this.#look = look
  }

  ask(): Promise<T> {
    this.#next ??= this.#begin()
    return this.#next
  }

  async #begin(): Promise<T> {
    // Whoever asks in the same turn of the event loop shares it too.
    await (this.#running ?? turn())
    this.#next = undefined
    const found = this.#look()
    const over = found.then(
      () => undefined,
      () => undefined,
    )
    this.#running = over
    void over.then(() => {
      if (this.#running === over) this.#running = undefined
    })
    return found
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
