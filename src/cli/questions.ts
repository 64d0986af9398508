import { AgentError } from '../errors.ts'
import { Secret } from '../secrets/secret.ts'
import { anySignal } from '../waiting/any-signal.ts'
import { untilAborted } from '../waiting/until-aborted.ts'
import { Terminal } from './terminal.ts'

/**
 * Questions to whoever sits at the terminal, on standard error, so that standard output is the answer's alone. Each waits as
 * long as it was given; Ctrl-C ends them all. Close it when done.
 */
export class Questions {
  readonly #terminal: Terminal
  readonly #stop = new AbortController()

  /** Undefined where there is no terminal to ask at. */
  static atTerminal(): Questions | undefined {
    return process.stdin.isTTY ? new Questions() : undefined
  }

  private constructor() {
    this.#terminal = new Terminal(process.stdin, process.stderr, this.#interrupt)
    for (const signal of interrupts) process.once(signal, this.#interrupt)
  }

  /** Aborts when the person has had enough. */
  get interrupted(): AbortSignal {
    return this.#stop.signal
  }

  say(text: string): void {
    this.#terminal.say(text)
  }

  /** What was typed, without the blanks around it. Throws `sign_in_cancelled`, or `sign_in_timeout` after `limitMs`. */
  async ask(text: string, limitMs = answerLimitMs): Promise<string> {
    return (await this.#answer({ text, hidden: false }, limitMs)).trim()
  }

  /** What was typed, to the letter and shown nowhere; undefined for nothing or blanks. Throws like `ask`. */
  async askHidden(text: string): Promise<Secret | undefined> {
    const typed = await this.#answer({ text, hidden: true }, answerLimitMs)
    return typed.trim() === '' ? undefined : new Secret(typed)
  }

  /** What was typed before the next question is no answer to it. */
  forgetTypedAhead(): void {
    this.#terminal.forgetTypedAhead()
  }

  close(): void {
    for (const signal of interrupts) process.removeListener(signal, this.#interrupt)
    this.#terminal.close()
  }

  async #answer(question: Parameters<Terminal['ask']>[0], limitMs: number): Promise<string> {
    const limit = AbortSignal.timeout(limitMs)
    try {
      return await untilAborted(this.#terminal.ask(question), anySignal([this.#stop.signal, limit]))
    } catch (error) {
      if (!limit.aborted || this.#stop.signal.aborted) throw error
      const minutes = Math.round(limitMs / 60_000)
      throw new AgentError('sign_in_timeout', `nobody answered at the terminal for ${minutes} minutes`, {
        advice: 'Run it again when you have the time.',
      })
    }
  }

  #interrupt = (): void => this.#stop.abort(new AgentError('sign_in_cancelled'))
}

const answerLimitMs = 5 * 60_000
const interrupts = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
