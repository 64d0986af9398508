import { AgentError } from '../../src/errors.ts'
import type { ConsentQuestion } from './views/other-views.ts'

export type ConsentAnswer = 'once' | 'always' | 'deny'

interface Asked {
  readonly question: ConsentQuestion
  readonly answer: (answer: ConsentAnswer) => void
}

const answerLimitMs = 60_000

/** The questions whether a program may have the session: one on the screen at a time, no answer means no. */
export class ConsentDesk {
  readonly #show: (id: string | undefined) => void
  readonly #waiting: Asked[] = []

  /** `show` is told which question to show, or undefined when none is left. */
  constructor(show: (id: string | undefined) => void) {
    this.#show = show
  }

  /** Asks, after the questions before it. Resolves with `deny` 60 s later, and when the window is closed. */
  ask(question: ConsentQuestion): Promise<ConsentAnswer> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined
      const answer = (given: ConsentAnswer): void => {
        clearTimeout(timer)
        resolve(given)
      }
      this.#waiting.push({ question, answer })
      timer = setTimeout(() => this.answer(question.id, 'deny'), answerLimitMs)
      if (this.#waiting.length === 1) this.#show(question.id)
    })
  }

  /** A question that has no answer yet. Throws `invalid_request` when there is none of this id. */
  question(id: string | undefined): ConsentQuestion {
    const found = this.#waiting.find(({ question }) => question.id === id)
    if (!found) throw new AgentError('invalid_request', 'this question has its answer already')
    return found.question
  }

  /** Takes an answer; one to a question that is not there any more is nothing. */
  answer(id: string, given: ConsentAnswer): void {
    const place = this.#waiting.findIndex(({ question }) => question.id === id)
    const [asked] = place < 0 ? [] : this.#waiting.splice(place, 1)
    if (!asked) return
    asked.answer(given)
    if (place === 0) this.#show(this.#waiting[0]?.question.id)
  }
}
