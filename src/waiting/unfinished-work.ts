import { untilAborted } from './until-aborted.ts'

/** Work that is not to be cut in the middle: whether some is under way, and when none is. */
export class UnfinishedWork {
  #underWay = 0
  readonly #waiting = new Set<() => void>()

  get isUnderWay(): boolean {
    return this.#underWay > 0
  }

  /** Resolves or rejects as the work does, which counts until then. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay += 1
    try {
      return await work()
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) for (const wake of [...this.#waiting]) wake()
    }
  }

  /** Resolves as soon as nothing is under way; rejects with the reason of `signal`. */
  async whenDone(signal: AbortSignal): Promise<void> {
    while (this.isUnderWay) {
      let wake: () => void = () => undefined
      const done = new Promise<void>((resolve) => {
        wake = resolve
        this.#waiting.add(resolve)
      })
      await untilAborted(done, signal).finally(() => this.#waiting.delete(wake))
    }
    signal.throwIfAborted()
  }
}
