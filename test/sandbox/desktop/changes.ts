const limitMs = 20_000

/** Who waits until something is so, and is asked again whenever something changed. */
export class Changes {
  readonly #waiting = new Set<() => void>()

  /** Says that something changed: every waiting check runs again. */
  announce(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  /**
   * Resolves with what `check` returns as soon as that is not undefined. Throws after `timeoutMs` (default 10 s) with
   * `what` was waited for, and `was()`, what there was instead.
   */
  async until<T>(
    check: () => T | undefined | Promise<T | undefined>,
    what: string,
    options: { readonly timeoutMs?: number; was?(): unknown } = {},
  ): Promise<T> {
    const { timeoutMs = limitMs, was } = options
    const deadline = performance.now() + timeoutMs
    for (;;) {
      // Listening starts before checking, or a change in between would be missed.
      const next = this.#next()
      try {
        const found = await check()
        if (found !== undefined) return found
        const leftMs = deadline - performance.now()
        if (leftMs <= 0 || !(await next.within(leftMs))) {
          throw new Error(`${what} did not come in ${timeoutMs} ms${was ? `; there was ${JSON.stringify(was())}` : ''}`)
        }
      } finally {
        next.forget()
      }
    }
  }

  #next(): { within(ms: number): Promise<boolean>; forget(): void } {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const wake = () => resolve(true)
    this.#waiting.add(wake)
    return {
      async within(ms) {
        const giveUp = setTimeout(() => resolve(false), ms)
        return promise.finally(() => clearTimeout(giveUp))
      },
      forget: () => void this.#waiting.delete(wake),
    }
  }
}
