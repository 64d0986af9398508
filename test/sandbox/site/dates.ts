import { type Operation, relationExpects, unknownTimeUnit } from './data-refusals.ts'

type Range = { readonly fromMs: number; readonly toMs: number }

const units = ['HOUR', 'DAY', 'WEEK', 'MONTH', 'YEAR'] as const
type Unit = (typeof units)[number]

/**
 * The span `in_last` and `in_next` mean: `[2, "WEEK"]` back or forward from now. A field without a time of day counts
 * whole days, today included. facts: SGT field_types/date
 */
export function relativeRange(
  operation: Operation,
  relation: string,
  values: readonly unknown[],
  nowMs: number,
  wholeDays: boolean,
): Range {
  const [count, unit] = values
  if (values.length !== 2) throw relationExpects(operation, relation, 'a 2-element array', values)
  if (!isUnit(unit)) throw unknownTimeUnit(operation, relation, unit, values)
  if (!Number.isInteger(count) || Number(count) <= 0) {
    throw relationExpects(operation, relation, 'at a positive Integer time unit', values)
  }
  const sign = relation.endsWith('in_last') ? -1 : 1
  const otherEnd = moved(nowMs, sign * Number(count), unit)
  const [fromMs, toMs] = sign < 0 ? [otherEnd, nowMs] : [nowMs, otherEnd]
  return wholeDays ? { fromMs: startOf('DAY', fromMs), toMs } : { fromMs, toMs }
}

/** The calendar day, week, month or year that many steps from the present one, in UTC. facts: SGT field_types/date_time */
export function calendarRange(
  operation: Operation,
  relation: string,
  values: readonly unknown[],
  nowMs: number,
): Range {
  const [offset] = values
  if (values.length !== 1 || !Number.isInteger(offset)) throw relationExpects(operation, relation, 'an Integer', values)
  const unit = relation.slice('in_calendar_'.length).toUpperCase()
  if (!isUnit(unit)) throw unknownTimeUnit(operation, relation, unit, values)
  const fromMs = startOf(unit, moved(startOf(unit, nowMs), Number(offset), unit))
  return { fromMs, toMs: moved(fromMs, 1, unit) - 1 }
}

/** The first moment of the day, week (from Monday), month, quarter or year that holds `ms`. */
export function startOf(unit: Unit | 'QUARTER', ms: number): number {
  const at = new Date(ms)
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()]
  switch (unit) {
    case 'YEAR':
      return Date.UTC(year, 0)
    case 'QUARTER':
      return Date.UTC(year, month - (month % 3))
    case 'MONTH':
      return Date.UTC(year, month)
    case 'WEEK':
      return Date.UTC(year, month, day - ((at.getUTCDay() + 6) % 7))
    case 'DAY':
      return Date.UTC(year, month, day)
    case 'HOUR':
      return Date.UTC(year, month, day, at.getUTCHours())
  }
}

function moved(ms: number, count: number, unit: Unit): number {
  const at = new Date(ms)
  switch (unit) {
    case 'HOUR':
      return ms + count * 3_600_000
    case 'DAY':
      return ms + count * 86_400_000
    case 'WEEK':
      return ms + count * 604_800_000
    case 'MONTH':
      return at.setUTCMonth(at.getUTCMonth() + count)
    case 'YEAR':
      return at.setUTCFullYear(at.getUTCFullYear() + count)
  }
}

function isUnit(unit: unknown): unit is Unit {
  return units.some((known) => known === unit)
}
