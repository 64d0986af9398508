import { lookOf, paint, seconds, showProgress } from '../../build/progress.mjs'

/** What a line is: done, refused as it should be, something for somebody to do, or wrong. */
export type Mark = 'done' | 'refused' | 'advice' | 'wrong'

interface Out {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

// Each is told apart without its colour.
const marks = {
  done: { sign: '✓', style: 'green' },
  refused: { sign: '✗', style: 'yellow' },
  advice: { sign: '→', style: 'cyan' },
  wrong: { sign: '✗', style: 'red' },
} as const
const labelWidth = 21
const indent = '   '

/** A demonstration in numbered acts, for whoever reads along: 80 columns, colours and a running line on a terminal only. */
export class Transcript {
  readonly #out: Out
  readonly #look: ReturnType<typeof lookOf>
  readonly #begunAt = performance.now()
  #acts = 0
  #actBegunAt = 0

  constructor(out: Out = process.stdout, look = lookOf(out)) {
    this.#out = out
    this.#look = look
  }

  title(text: string): void {
    this.#out.write(`\n${paint(this.#look, 'bold', text)}\n`)
  }

  /** Begins an act; the one before gets its time. */
  act(title: string): void {
    this.#endAct()
    this.#acts += 1
    this.#actBegunAt = performance.now()
    this.#out.write(`\n${paint(this.#look, 'bold', `${this.#acts}  ${title}`)}\n`)
  }

  /** Shows that `label` goes on until `work` tells how it went. */
  async step(label: string, work: () => Promise<string>): Promise<void> {
    this.line('done', label, await this.during(label, work))
  }

  /** Shows that `what` goes on until the work is over. */
  async during<T>(what: string, work: () => Promise<T>): Promise<T> {
    const progress = showProgress(what, this.#out, this.#look, indent)
    try {
      return await work()
    } finally {
      progress.end()
    }
  }

  line(mark: Mark, label: string, how: string): void {
    const { sign, style } = marks[mark]
    const margin = indent.length + 2 + labelWidth
    const [first = '', ...rest] = wrap(how, this.#look.columns - margin)
    const head = `${indent}${paint(this.#look, style, sign)} ${label.padEnd(labelWidth)}`
    this.#out.write(`${[`${head}${first}`.trimEnd(), ...rest.map((text) => ' '.repeat(margin) + text)].join('\n')}\n`)
  }

  /** Words between the lines, for somebody who has something to do. */
  say(text: string): void {
    for (const paragraph of text.split('\n')) this.#out.write(`${paragraph === '' ? '' : indent}${paragraph}\n`)
  }

  /** The last act is over. */
  close(): void {
    this.#endAct()
    const whole = `${this.#acts} acts in ${seconds(performance.now() - this.#begunAt)}`
    this.#out.write(`\n${paint(this.#look, 'bold', whole)}\n`)
    this.#acts = 0
  }

  #endAct(): void {
    if (this.#acts > 0)
      this.#out.write(`${indent}${paint(this.#look, 'dim', seconds(performance.now() - this.#actBegunAt))}\n`)
  }
}

/** Lines of at most so many characters, broken at spaces; a longer word, an address say, stays in one piece. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.replaceAll(/\s+/g, ' ').trim().split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
