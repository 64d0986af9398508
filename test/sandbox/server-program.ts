import { rm } from 'node:fs/promises'
import { endWithUs } from './end-with-us.ts'
import { type Circumstances, type Running, startProcess, untilSaid } from './processes.ts'

export interface ServerProgramOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly circumstances: Circumstances
  /** What it says as soon as it can be connected to. */
  readonly saysWhenReady: string
  /** What it may be ended with when nobody wants its data any more. */
  readonly lastSignal: NodeJS.Signals
  /** Its data; goes with it. */
  readonly folder: string
}

const readyLimitMs = 30_000

/** A server that is a program of this system, started and stopped any number of times. It never outlives this process. */
export class ServerProgram {
  readonly #options: ServerProgramOptions
  #last: Running | undefined
  #isStarted = false

  constructor(options: ServerProgramOptions) {
    this.#options = options
  }

  /** Resolves when it can be connected to. Throws with all it said when it ends first or takes longer than 30 s. */
  async start(): Promise<void> {
    const { name, command, args, env, circumstances, saysWhenReady, lastSignal, folder } = this.#options
    if (this.#isStarted) throw new Error(`${name} is running`)
    this.#isStarted = true
    const started = startProcess(command, args, env, circumstances)
    this.#last = started
    const calm = endWithUs(started.pid, folder, lastSignal)
    started.ended.then(calm, calm)
    try {
      await untilSaid(started, saysWhenReady, readyLimitMs)
    } catch (cause) {
      await this.stop('SIGKILL').catch(() => undefined)
      throw new Error(`${name} did not start: ${cause instanceof Error ? cause.message : cause}`, { cause })
    }
  }

  /** Sends the signal and waits until it and what it started are gone; ten seconds later it is killed. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    if (!this.#isStarted) return
    this.#isStarted = false
    await this.#last?.stop(signal)
  }

  /** Stops it and removes its folder. */
  async close(): Promise<void> {
    await this.stop(this.#options.lastSignal)
    await rm(this.#options.folder, { recursive: true, force: true })
  }

  /** All it said since it was last started. */
  log(): string {
    return this.#last ? this.#last.stdout() + this.#last.stderr() : ''
  }
}
