/** Something no part of the site foresaw: a bug of the sandbox, and never an answer a real site would give. */
export interface Mishap {
  /** `read`, or the path of the request. */
  readonly during: string
  readonly message: string
  readonly stack: string
  /** The machine's own clock: the site's may be what broke. */
  readonly atMs: number
}

const mostKept = 100

/** The last mishaps, for the control API to show: the caller is told nothing of them. */
export class Mishaps {
  #mishaps: Mishap[] = []

  keep(during: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    const stack = (error instanceof Error && error.stack) || message
    this.#mishaps = [...this.#mishaps, { during, message, stack, atMs: Date.now() }].slice(-mostKept)
  }

  list(): readonly Mishap[] {
    return this.#mishaps
  }

  clear(): void {
    this.#mishaps = []
  }
}
