/** The sandbox's own wall clock: real time plus an offset that tests move. Milliseconds since the epoch. */
export class SandboxClock {
  #offsetMs = 0

  now(): number {
    return Date.now() + this.#offsetMs
  }

  /** Whole seconds since the epoch, as sessions and JWTs carry them. */
  nowS(): number {
    return Math.floor(this.now() / 1000)
  }

  advance(ms: number): void {
    this.#offsetMs += ms
  }

  reset(): void {
    this.#offsetMs = 0
  }
}
