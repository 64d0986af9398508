import type { EffectiveValue } from './effective-values.ts'
import type { Finding, FindingState } from './finding.ts'

/** What a table is drawn on. */
export interface Paper {
  /** Columns. */
  readonly width: number
  readonly colours: boolean
}

const colour: Readonly<Record<FindingState, string>> = { ok: '32', warning: '33', failed: '1;31', skipped: '2' }
const narrowest = 30

/** The report as people read it: state, what was looked at, what was found, and under that what to do. */
export function drawFindings(findings: readonly Finding[], paper: Paper): string {
  const states = Math.max(0, ...findings.map(({ state }) => state.length))
  const checks = Math.max(0, ...findings.map(({ check }) => check.length))
  const indent = states + checks + 4
  const room = Math.max(narrowest, paper.width - indent)
  const paint = (state: FindingState, text: string): string =>
    paper.colours ? `\x1b[${colour[state]}m${text}\x1b[0m` : text
  const lines = findings.flatMap(({ state, check, about, found, advice }) => {
    const text = wrap(about === undefined ? found : `${about}: ${found}`, room)
    const next = advice === undefined ? [] : wrap(advice, room - 2).map((line, at) => `${at === 0 ? '→' : ' '} ${line}`)
    const [first = '', ...rest] = [...text, ...next]
    const start = `${paint(state, state.padEnd(states))}  ${check.padEnd(checks)}  ${first}`
    return [start, ...rest.map((line) => `${' '.repeat(indent)}${line}`)]
  })
  return [...lines, '', summary(findings)].join('\n')
}

/** `12 ok, 2 warnings, 1 failed, 3 skipped` */
export function summary(findings: readonly Finding[]): string {
  const count = (wanted: FindingState): number => findings.filter(({ state }) => state === wanted).length
  const warnings = count('warning')
  return `${count('ok')} ok, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}, ${count('failed')} failed, ${count('skipped')} skipped`
}

const heading = { key: 'key', source: 'from', artist: 'artists', value: 'value' } as const

/** Every configured value, who said so and how artists may change it, and under them in which files. */
export function drawValues(values: readonly EffectiveValue[], { width }: Paper): string {
  const table = [heading, ...values]
  const wide = (column: 'key' | 'source' | 'artist'): number => Math.max(...table.map((row) => row[column].length))
  const [keys, sources, artists] = [wide('key'), wide('source'), wide('artist')]
  const indent = keys + sources + artists + 6
  const rows = table.flatMap(({ key, source, artist, value }) => {
    const [first = '', ...rest] = wrap(value, Math.max(narrowest, width - indent))
    const start = `${key.padEnd(keys)}  ${source.padEnd(sources)}  ${artist.padEnd(artists)}  ${first}`
    return [start, ...rest.map((line) => `${' '.repeat(indent)}${line}`)]
  })
  const where = new Set(values.flatMap(({ source, file }) => (file === undefined ? [] : [`${source}: ${file}`])))
  return [...rows, ...(where.size > 0 ? ['', ...where] : [])].join('\n')
}

/** Breaks between words; a word that is longer than the line stays whole, so that an address can be copied. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
