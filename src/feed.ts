/** Calls every listener with everything that happens, in order; a listener that throws is reported and does not stop the others. */
export class Feed<Happened extends readonly unknown[]> {
  readonly #listeners = new Set<{ readonly hear: (...happened: Happened) => void }>()
  readonly #onListenerError: (error: unknown) => void

  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError
  }

  /** Returns how to stop listening. */
  listen(listener: (...happened: Happened) => void): () => void {
    const entry = { hear: listener }
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  announce(...happened: Happened): void {
    for (const { hear } of [...this.#listeners]) {
      try {
        hear(...happened)
      } catch (error) {
        this.#onListenerError(error)
      }
    }
  }
}
