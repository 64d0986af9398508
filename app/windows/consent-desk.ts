import type { AskConsent, ConsentAnswer, ConsentQuestion } from '../../src/agent.ts'
import { AgentError } from '../../src/errors.ts'

interface Asked {
  readonly question: ConsentQuestion
  readonly settle: (answer: ConsentAnswer) => void
}

export interface ConsentDeskEvents {
  /** The question to show now; undefined when none is left. */
  readonly onTurn: (question: ConsentQuestion | undefined) => void
  readonly onAnswer: (question: ConsentQuestion, answer: ConsentAnswer) => void
  /** It was taken back; `because`: the signal's reason. */
  readonly onTakenBack: (question: ConsentQuestion, because: unknown) => void
}

/** The questions whether a program may have the session: one on the screen at a time. */
export class ConsentDesk {
  readonly #events: ConsentDeskEvents
  readonly #waiting: Asked[] = []

  constructor(events: ConsentDeskEvents) {
    this.#events = events
  }

  /** Asks, after the questions before it. Rejects with the signal's reason when that aborts; the question is gone then. */
  readonly ask: AskConsent = (question, signal) => {
    if (signal.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const withdraw = (): void => {
        this.#takeOut(question.id)
        reject(signal.reason)
        this.#events.onTakenBack(question, signal.reason)
      }
      signal.addEventListener('abort', withdraw, { once: true })
      const settle = (answer: ConsentAnswer): void => {
        signal.removeEventListener('abort', withdraw)
        resolve(answer)
      }
      this.#waiting.push({ question, settle })
      if (this.#waiting.length === 1) this.#events.onTurn(question)
    })
  }

  /** The one whose turn it is. */
  get current(): ConsentQuestion | undefined {
    return this.#waiting[0]?.question
  }

  /** A question that has no answer yet. Throws `invalid_request` when there is none of this id. */
  question(id: string | undefined): ConsentQuestion {
    const found = this.#waiting.find(({ question }) => question.id === id)
    if (!found) throw new AgentError('invalid_request', 'this question has its answer already')
    return found.question
  }

  /** Takes an answer; one to a question that is not there any more is nothing. */
  answer(id: string, given: ConsentAnswer): void {
    const asked = this.#takeOut(id)
    if (!asked) return
    asked.settle(given)
    this.#events.onAnswer(asked.question, given)
  }

  #takeOut(id: string): Asked | undefined {
    const place = this.#waiting.findIndex(({ question }) => question.id === id)
    const [asked] = place < 0 ? [] : this.#waiting.splice(place, 1)
    if (place === 0) this.#events.onTurn(this.current)
    return asked
  }
}
