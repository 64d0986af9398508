import { randomBytes } from 'node:crypto'
import { AgentError } from '../errors.ts'
import type { Clock, Log } from '../ports.ts'
import type { CallingTool } from '../socket/gate.ts'
import type { Scope } from '../socket/scopes.ts'
import type { PendingQuestion } from '../socket/tools-desk.ts'
import type { ConsentLimits } from './limits.ts'
import type { AskConsent, ConsentAnswer, ConsentQuestion } from './question.ts'

export interface QuestionsSettings {
  /** Absent where there is no screen: then questions wait in the list until somebody answers them there. */
  readonly ask: AskConsent | undefined
  readonly isScreenLocked: () => boolean
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  readonly limits: ConsentLimits
}

/** How a question ended. `unanswered`: nobody was there; `withdrawn`: nobody could have been. */
export type Outcome = ConsentAnswer | 'unanswered' | 'withdrawn'

/** A question that waits. The outcome never rejects. */
export interface Begun {
  readonly question: ConsentQuestion
  readonly outcome: Promise<Outcome>
}

interface Waiting extends Begun {
  readonly key: string
  readonly settle: (outcome: Outcome) => void
  /** Wall clock, ms since the epoch; moves when the question gets its turn. */
  endsAt: number
  /** Aborted when it is settled, with the outcome as its reason. */
  readonly over: AbortController
}

/** The questions to the artist: one at a time on the screen, or all of them in a list. The same question is asked once. */
export class Questions {
  readonly #settings: QuestionsSettings
  /** In the order they came. */
  readonly #waiting = new Map<string, Waiting>()
  #onScreen: Waiting | undefined

  constructor(settings: QuestionsSettings) {
    this.#settings = settings
  }

  get hasScreen(): boolean {
    return this.#settings.ask !== undefined
  }

  /** The question of that key, if it waits. */
  find(key: string): Begun | undefined {
    return this.#waiting.get(key)
  }

  /**
   * Asks, after the questions before it. `take` hears the outcome before anybody else does. Throws `consent_denied` where nothing can
   * be asked now.
   */
  begin(
    key: string,
    asked: { readonly tool: CallingTool; readonly site: string; readonly scope: Scope },
    take: (outcome: Outcome) => Promise<void>,
  ): Begun {
    const { clock, limits, isScreenLocked, log } = this.#settings
    if (this.hasScreen && isScreenLocked()) {
      throw new AgentError('consent_denied', 'the screen is locked, so nobody can be asked about this program', {
        advice: 'Unlock the screen and try again.',
      })
    }
    if (this.#waiting.size >= limits.waiting) {
      throw new AgentError('consent_denied', `${limits.waiting} other questions wait for their answers`, {
        advice: 'Answer the questions that wait ("sg-session tools pending" lists them), then try again.',
      })
    }
    let settle: (outcome: Outcome) => void = () => undefined
    const settled = new Promise<Outcome>((resolve) => {
      settle = resolve
    })
    const outcome = settled.then(async (ended) => {
      await take(ended).catch((error: unknown) => log.error({ err: error }, 'an answer could not be kept'))
      return ended
    })
    const now = clock.now()
    const question = { ...asked, id: randomBytes(4).toString('hex'), askedAt: now }
    const waiting: Waiting = {
      key,
      question,
      outcome,
      settle,
      endsAt: now + (this.hasScreen ? limits.answerMs : limits.listedMs),
      over: new AbortController(),
    }
    this.#waiting.set(key, waiting)
    if (this.hasScreen) this.#showNext()
    else this.#limit(waiting, limits.listedMs, 'unanswered')
    return waiting
  }

  pending(): PendingQuestion[] {
    return [...this.#waiting.values()].map(({ question, endsAt }) => ({ ...question, endsAt }))
  }

  /** Takes an answer. False if no such question waits. */
  answer(id: string, answer: ConsentAnswer): boolean {
    const waiting = [...this.#waiting.values()].find(({ question }) => question.id === id)
    if (waiting) this.#settle(waiting, answer)
    return waiting !== undefined
  }

  /** Takes every question back. */
  close(): void {
    for (const waiting of [...this.#waiting.values()]) this.#settle(waiting, 'withdrawn')
  }

  #settle(waiting: Waiting, outcome: Outcome): void {
    if (this.#waiting.get(waiting.key) !== waiting) return
    this.#waiting.delete(waiting.key)
    waiting.over.abort(outcome)
    waiting.settle(outcome)
    if (this.#onScreen === waiting) this.#onScreen = undefined
    this.#showNext()
  }

  #showNext(): void {
    const { ask, isScreenLocked, clock, limits, log } = this.#settings
    if (!ask || this.#onScreen) return
    const [next] = this.#waiting.values()
    if (!next) return
    if (isScreenLocked()) return this.#settle(next, 'withdrawn')
    this.#onScreen = next
    next.endsAt = clock.now() + limits.answerMs
    this.#limit(next, limits.answerMs, 'unanswered')
    const lockCheck = setInterval(() => {
      if (isScreenLocked()) this.#settle(next, 'withdrawn')
    }, limits.lockCheckMs)
    next.over.signal.addEventListener('abort', () => clearInterval(lockCheck))
    Promise.resolve()
      .then(() => ask(next.question, next.over.signal))
      .then(
        (answer) => this.#settle(next, answer),
        (error: unknown) => {
          if (next.over.signal.aborted) return
          log.error({ err: error }, 'a question could not be asked')
          this.#settle(next, 'withdrawn')
        },
      )
  }

  #limit(waiting: Waiting, limitMs: number, outcome: Outcome): void {
    const timer = setTimeout(() => this.#settle(waiting, outcome), limitMs)
    waiting.over.signal.addEventListener('abort', () => clearTimeout(timer))
  }
}
