import type { AuditEntry, ConsentAnswer, ConsentQuestion } from '../src/agent.ts'
import type { Notice, NotificationLadder, Outsider } from './notifications/ladder.ts'
import type { Language } from './strings/catalogue.ts'
import { programName } from './windows/views/shown-program.ts'

/** Who has not answered by now may not see the window: another one covers it, or another screen has it. */
const unseenMs = 8_000

export interface ProgramWatchSettings {
  /** Another question waits, or none. */
  readonly onChange: () => void
  /** Shows what the ladder says, if anything. */
  readonly tell: (notice: (ladder: NotificationLadder, language: Language) => Notice | undefined) => void
  /** Takes back the notification that does this. */
  readonly takeBack: (does: 'showConsent') => void
}

/** Programs at the door: sees to it that a question about one is noticed, and that the artist hears of one that stays outside. */
export class ProgramWatch {
  readonly #settings: ProgramWatchSettings
  #waiting: ConsentQuestion | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(settings: ProgramWatchSettings) {
    this.#settings = settings
  }

  /** The question on the screen. */
  get waiting(): ConsentQuestion | undefined {
    return this.#waiting
  }

  /** This question is the one on the screen from now on; undefined: none is. */
  onTurn(question: ConsentQuestion | undefined): void {
    const { tell, takeBack, onChange } = this.#settings
    clearTimeout(this.#timer)
    takeBack('showConsent')
    this.#waiting = question
    if (question) {
      this.#timer = setTimeout(() => {
        tell((ladder, language) => ladder.onQuestion(outsiderOf(question, language).name, language))
      }, unseenMs)
    }
    onChange()
  }

  onAnswer(question: ConsentQuestion, answer: ConsentAnswer): void {
    if (answer !== 'deny') return
    this.#settings.tell((ladder, language) => {
      ladder.onArtistDenied(outsiderOf(question, language))
      return undefined
    })
  }

  /** The question was taken back: its time is up, the screen was locked, or it was answered in a terminal. */
  onTakenBack(question: ConsentQuestion, because: unknown): void {
    if (because !== 'unanswered' && because !== 'withdrawn') return
    this.#settings.tell((ladder, language) => {
      const program = outsiderOf(question, language)
      return because === 'unanswered' ? ladder.onUnanswered(program, language) : ladder.onWithdrawn(program, language)
    })
  }

  /** A program was refused: by the artist a moment ago, by a rule, or because nobody knows it. */
  onDenied(entry: AuditEntry): void {
    this.#settings.tell((ladder, language) => ladder.onDenied(outsider(entry, language), language))
  }

  close(): void {
    clearTimeout(this.#timer)
  }
}

function outsiderOf({ tool: { identified } }: ConsentQuestion, language: Language): Outsider {
  return outsider(identified.kind === 'known' ? identified.peer : {}, language)
}

interface Program {
  readonly executable?: string
  readonly script?: string
}

function outsider({ executable, script }: Program, { strings }: Language): Outsider {
  return { key: JSON.stringify([executable, script]), name: programName({ executable, script }, strings) }
}
