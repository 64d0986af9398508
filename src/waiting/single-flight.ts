/**
 * Work that several callers want at once and that must happen once: while a run is under way everybody who asks gets its
 * promise; the next ask after it settled starts a new run.
 */
export class SingleFlight<T> {
  #running: Promise<T> | undefined

  run(work: () => Promise<T>): Promise<T> {
    if (!this.#running) {
      // The call is deferred so that work which throws at once rejects like work that fails later.
      this.#running = Promise.resolve()
        .then(work)
        .finally(() => {
          this.#running = undefined
        })
    }
    return this.#running
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** Resolves when no run is under way, however it ended. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => undefined)
  }
}
