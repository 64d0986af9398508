/** Where progress goes: standard error. */
export interface ProgressStream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

const quietMs = 1_000
const pauseMs = { terminal: 100, file: 5_000 } as const

/** Says how far something is, once it has taken longer than a second: on one line of a terminal, else every five seconds. */
export class Progress {
  readonly #stream: ProgressStream
  readonly #now: () => number
  #nextAt: number
  #isShown = false

  constructor(stream: ProgressStream = process.stderr, now: () => number = () => performance.now()) {
    this.#stream = stream
    this.#now = now
    this.#nextAt = now() + quietMs
  }

  say(text: string): void {
    const now = this.#now()
    if (now < this.#nextAt) return
    this.#nextAt = now + (this.#stream.isTTY ? pauseMs.terminal : pauseMs.file)
    this.#stream.write(this.#stream.isTTY ? `\r\u001b[K${text}` : `${text}\n`)
    this.#isShown = true
  }

  /** Takes the line off the terminal. */
  end(): void {
    if (this.#isShown && this.#stream.isTTY) this.#stream.write('\r\u001b[K')
    this.#isShown = false
  }
}
