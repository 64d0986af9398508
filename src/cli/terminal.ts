import type { ReadStream } from 'node:tty'
import { stripVTControlCharacters } from 'node:util'

/** What is longer is no answer of a person. */
const longestAnswer = 4_096

const enter = /[\r\n]/
const erase = /[\b\u007f]/

export interface Question {
  readonly text: string
  /** Nothing of the answer is shown, not even its length. */
  readonly hidden: boolean
}

/**
 * Questions at a terminal, one at a time. From the first to `close` the terminal echoes nothing by itself, so that what is
 * typed too late is never seen. Ctrl-C, Ctrl-D and a terminal that goes away are `onInterrupt`.
 */
export class Terminal {
  readonly #input: ReadStream
  readonly #output: NodeJS.WritableStream
  readonly #onInterrupt: () => void
  #asked: { readonly question: Question; readonly answer: (text: string) => void } | undefined
  #typed = ''
  /** Typed behind the last answer: a person who knows what comes, or a paste of several lines. */
  #ahead = ''

  constructor(input: ReadStream, output: NodeJS.WritableStream, onInterrupt: () => void) {
    this.#input = input
    this.#output = output
    this.#onInterrupt = onInterrupt
    // A terminal that is closed fails whoever writes to it, and there is nobody left to tell.
    output.on('error', ignore)
    input.on('error', this.#interrupt)
    input.on('end', this.#interrupt)
    input.on('data', this.#read)
    input.setEncoding('utf8')
    input.setRawMode(true)
    input.resume()
  }

  /** The answer without its line end; never settles after `onInterrupt`. */
  ask(question: Question): Promise<string> {
    this.#output.write(question.text)
    return new Promise((resolve) => {
      this.#asked = { question, answer: resolve }
      const ahead = this.#ahead
      this.#ahead = ''
      this.#type(ahead)
    })
  }

  say(text: string): void {
    this.#output.write(`${text}\n`)
  }

  /** What was typed before the next question is no answer to it. */
  forgetTypedAhead(): void {
    this.#ahead = ''
  }

  close(): void {
    if (this.#asked) this.#output.write('\n')
    this.#asked = undefined
    this.#typed = ''
    this.#ahead = ''
    this.#input.off('data', this.#read)
    this.#input.off('end', this.#interrupt)
    this.#input.off('error', this.#interrupt)
    this.#input.on('error', ignore)
    this.#input.setRawMode(false)
    this.#input.pause()
  }

  #interrupt = (): void => this.#onInterrupt()

  #read = (chunk: Buffer | string): void => {
    const keys = stripVTControlCharacters(String(chunk))
    // Ctrl-C and Ctrl-D count at any time, also while nothing is asked.
    if (keys.includes('\u0003') || (keys.includes('\u0004') && this.#typed === '')) return this.#onInterrupt()
    this.#type(keys)
  }

  #type(keys: string): void {
    for (const [index, key] of [...keys].entries()) {
      if (!this.#asked) {
        this.#ahead = (this.#ahead + [...keys].slice(index).join('')).slice(0, longestAnswer)
        return
      }
      this.#press(key, this.#asked.question)
    }
  }

  #press(key: string, question: Question): void {
    if (enter.test(key)) return this.#finish()
    if (erase.test(key)) this.#typed = [...this.#typed].slice(0, -1).join('')
    // Ctrl-U takes the whole line back.
    else if (key === '\u0015') this.#typed = ''
    else if (key >= ' ' && this.#typed.length < longestAnswer) this.#typed += key
    if (!question.hidden) this.#output.write(`\r\u001b[K${question.text}${this.#typed}`)
  }

  #finish(): void {
    const answer = this.#asked?.answer
    const typed = this.#typed
    this.#asked = undefined
    this.#typed = ''
    this.#output.write('\n')
    answer?.(typed)
  }
}

function ignore(): void {
  // Nobody is left to tell.
}
