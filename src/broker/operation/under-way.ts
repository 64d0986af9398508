/** What has been begun and is not finished: counted, so that nobody closes what it still needs. */
export class UnderWay {
  #count = 0
  #whenIdle: (() => void)[] = []

  get count(): number {
    return this.#count
  }

  /** Something begins; call what is returned once, when it has ended. */
  begin(): () => void {
    this.#count += 1
    return () => {
      this.#count -= 1
      if (this.#count > 0) return
      for (const wake of this.#whenIdle.splice(0)) wake()
    }
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    const end = this.begin()
    try {
      return await work()
    } finally {
      end()
    }
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve))
  }
}
