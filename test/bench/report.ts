import type { Figure } from './bench.ts'

/** What came of one bench. */
export interface Outcome {
  readonly name: string
  readonly what: string
  readonly figures: readonly Figure[]
  /** Why it was not run: something it needs is not on this machine. */
  readonly skipped?: string
  /** Why it could not be run to its end. */
  readonly failed?: string
}

/** Whether a figure is where it should be; `none` where nothing is demanded. */
export type Verdict = 'reached' | 'missed' | 'none'

/** Ours ÷ the peer's; undefined without a peer. */
export function ratioOf({ value, peer, ratio }: Figure): number | undefined {
  return ratio ?? (peer ? value / peer.value : undefined)
}

/** By the ratio where there is one, else by the value. What is not a number reaches nothing. */
export function judgeFigure(figure: Figure): Verdict {
  const { target, value } = figure
  if (!target) return 'none'
  const judged = ratioOf(figure) ?? value
  const isReached = 'most' in target ? judged <= target.most : judged >= target.least
  return isReached ? 'reached' : 'missed'
}

const headings = ['what', 'ours', 'p99', 'peer', 'its', 'its p99', 'ratio', 'target', '']

/** All figures in one table of text, a blank line and the reason for each that was not run. */
export function writeTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.flatMap(({ figures }) => figures.map(cellsOf))
  const lines = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  const table = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const reasons = outcomes.flatMap(({ name, skipped, failed }) => [
    ...(skipped === undefined ? [] : [`skipped: ${name}: ${skipped}`]),
    ...(failed === undefined ? [] : [`could not run: ${name}: ${failed}`]),
  ])
  return [...(rows.length > 0 ? table : []), ...(reasons.length > 0 ? ['', ...reasons] : [])].join('\n')
}

/** 0 also where a target is missed, which the table says; 1 where a bench could not be run. */
export function exitStatusOf(outcomes: readonly Outcome[]): 0 | 1 {
  return outcomes.some(({ failed }) => failed !== undefined) ? 1 : 0
}

function cellsOf(figure: Figure): string[] {
  const { what, unit, value, p99, peer, target } = figure
  const ratio = ratioOf(figure)
  const verdict = judgeFigure(figure)
  const demanded = target && ('most' in target ? `≤ ${target.most}` : `≥ ${target.least}`)
  return [
    what,
    `${shown(value)} ${unit}`,
    p99 === undefined ? '' : shown(p99),
    peer?.name ?? '',
    peer ? shown(peer.value) : '',
    peer?.p99 === undefined ? '' : shown(peer.p99),
    ratio === undefined ? '' : `${shown(ratio)} ×`,
    demanded === undefined ? '' : `${demanded} ${ratio === undefined ? unit : '×'}`,
    verdict === 'none' ? '' : verdict,
  ]
}

/** Three digits that mean something. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
