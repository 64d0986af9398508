import type { CallArgs, CallName, CallResult } from '../calls.ts'
import type { Action, Outcome, PageApi, Problem } from '../contract.ts'

/** Only when the bridge itself is broken: then there is nobody to ask for the words in another language. */
const unanswered = {
  ok: false,
  code: 'temporarily_unavailable',
  sentence: 'sg-session did not answer.',
  advice: 'Close this window and open it again. If that does not help, quit sg-session and start it again.',
} as const satisfies Outcome<never>

const doneShownMs = 2_500

/** The calls of a page: which are under way, which failed and what was said about it. Tells when that changes. */
export class Calls {
  readonly #api: Pick<PageApi, 'call'>
  readonly #changed: () => void
  readonly #running = new Map<string, number>()
  readonly #failed = new Map<string, Problem>()
  readonly #done = new Set<string>()
  readonly #askedFor = new Set<string>()

  constructor(api: Pick<PageApi, 'call'>, changed: () => void) {
    this.#api = api
    this.#changed = changed
  }

  /** One call; what the answer was, whatever happened. */
  async ask<C extends CallName>(name: C, args: CallArgs<C>): Promise<Outcome<CallResult<C>>> {
    try {
      return await this.#api.call(name, args)
    } catch {
      return unanswered
    }
  }

  /** One call that is shown: as `key`, it is running, and failed if it did. */
  async run<C extends CallName>(key: string, name: C, args: CallArgs<C>): Promise<Outcome<CallResult<C>>> {
    this.#running.set(key, (this.#running.get(key) ?? 0) + 1)
    this.#failed.delete(key)
    this.#done.delete(key)
    this.#changed()
    const outcome = await this.ask(name, args)
    this.#running.set(key, (this.#running.get(key) ?? 1) - 1)
    if (!outcome.ok) this.#failed.set(key, { tone: 'error', sentence: outcome.sentence, advice: outcome.advice })
    this.#changed()
    return outcome
  }

  /** What a button does. */
  async act(action: Action): Promise<void> {
    const key = keyOf(action)
    if (this.isRunning(key)) return
    // An action carries the arguments of its own call; the main process checks them again.
    const outcome = await this.run(key, action.call, action.args as CallArgs<CallName>)
    if (!outcome.ok || action.done === undefined) return
    this.#done.add(key)
    this.#changed()
    setTimeout(() => {
      this.#done.delete(key)
      this.#changed()
    }, doneShownMs)
  }

  isRunning(key: string): boolean {
    this.#askedFor.add(key)
    return (this.#running.get(key) ?? 0) > 0
  }

  /** Whether it worked just now. */
  isDone(key: string): boolean {
    return this.#done.has(key)
  }

  failureOf(key: string): Problem | undefined {
    this.#askedFor.add(key)
    return this.#failed.get(key)
  }

  /** After a drawing: a failure that nothing on the page asked about is over. */
  forgetUnasked(): void {
    for (const key of this.#failed.keys()) if (!this.#askedFor.has(key)) this.#failed.delete(key)
    this.#askedFor.clear()
  }
}

export function keyOf({ call, args }: Pick<Action, 'call' | 'args'>): string {
  return `${call} ${JSON.stringify(args)}`
}
