import { z } from 'zod'
import type { Caller } from './callers.ts'
import { fieldDoesNotExist } from './data-refusals.ts'
import { startOf } from './dates.ts'
import { compileFilter } from './filters.ts'
import { findRows } from './read.ts'
import { compare } from './relations.ts'
import { isLink, type Row, type Value } from './rows.ts'
import { filterIn, parseParams, typeIn } from './rpc-params.ts'
import type { EntityType, Field } from './schema.ts'
import type { SiteState } from './site-state.ts'
import { type Path, parsePath, View, valuesAt } from './view.ts'

// facts: SGT 020, 079: both vocabularies as the site enumerates them
const summaryTypes = [
  ...['record_count', 'count', 'sum', 'maximum', 'minimum', 'average', 'earliest', 'latest', 'percentage'],
  ...['status_percentage', 'status_percentage_as_float', 'status_list', 'checked', 'unchecked'],
] as const
const groupingTypes = [
  ...['exact', 'tens', 'hundreds', 'thousands', 'tensofthousands', 'hundredsofthousands', 'millions'],
  ...['day', 'week', 'month', 'quarter', 'year', 'clustered_date', 'oneday', 'fivedays', 'entitytype', 'firstletter'],
] as const

const summarizeParams = z.looseObject({
  type: z.string(),
  filters: z.unknown().optional(),
  summaries: z.array(z.looseObject({ field: z.string(), type: z.enum(summaryTypes) })),
  grouping: z
    .array(
      z.looseObject({
        field: z.string(),
        type: z.enum(groupingTypes).default('exact'),
        direction: z.enum(['asc', 'desc']).default('asc'),
      }),
    )
    .default([]),
  include_archived_projects: z.boolean().default(true),
})

type Params = z.output<typeof summarizeParams>
type Summary = { readonly name: string; readonly path: Path; readonly type: (typeof summaryTypes)[number] }
type Grouping = Params['grouping'][number] & { readonly path: Path }

interface Group {
  group_name: string
  group_value: unknown
  summaries: Record<string, unknown>
  groups?: Group[]
}

/** `summarize`: totals over the rows a filter finds, and over groups of them, nested. facts: PY docstring, SGT 020, 079 */
export function rpcSummarize(state: SiteState, caller: Caller, rawParams: unknown): unknown {
  const params = parseParams('summarize', summarizeParams, rawParams)
  const type = typeIn('summarize', params.type, rawParams)
  const view = new View(state, caller.acting)
  const summaries = params.summaries.map(({ field, type: kind }): Summary => {
    return { name: field, path: knownPath(type, field), type: kind }
  })
  const groupings = params.grouping.map(
    (grouping): Grouping => ({ ...grouping, path: knownPath(type, grouping.field) }),
  )
  const rows = findRows(view, {
    type,
    matches: compileFilter({ operation: 'summarize', view, nowMs: state.clock.now(), type }, filterIn(params.filters)),
    sorts: [],
    only: 'active',
    archivedProjects: params.include_archived_projects,
  })
  return { summaries: summariesOf(view, rows, summaries), groups: groupsOf(view, rows, summaries, groupings) }
}

function knownPath(type: EntityType, text: string): Path {
  const path = parsePath(type, text)
  if (!path) throw fieldDoesNotExist('summarize', type.name, text)
  return path
}

/** Keyed by field, so of two summaries over one field the last wins. facts: SGT 020 */
function summariesOf(view: View, rows: readonly Row[], summaries: readonly Summary[]): Record<string, unknown> {
  return Object.fromEntries(
    summaries.map(({ name, path, type }) => {
      const values = rows.map((row) => valuesAt(view, row, path)[0] ?? null)
      return [name, summarizeValues(values, type)]
    }),
  )
}

function summarizeValues(values: readonly Value[], type: Summary['type']): unknown {
  const filled = values.filter((value) => value !== null)
  const numbers = filled.filter((value) => typeof value === 'number')
  const sum = numbers.reduce((total, value) => total + value, 0)
  const checked = filled.filter((value) => value === true).length
  switch (type) {
    case 'record_count':
      return values.length
    case 'count':
      return filled.length
    case 'sum':
      return sum
    case 'average':
      return numbers.length === 0 ? 0 : sum / numbers.length
    case 'maximum':
    case 'latest':
      return [...filled].sort(compare).at(-1) ?? null
    case 'minimum':
    case 'earliest':
      return [...filled].sort(compare)[0] ?? null
    case 'checked':
      return checked
    case 'unchecked':
      return values.length - checked
    case 'percentage':
      return values.length === 0 ? 0 : Math.round((100 * checked) / values.length)
    case 'status_list': {
      // one status alone is itself, any mix is "in progress" (SGT 079)
      const distinct = new Set(values)
      return distinct.size === 1 ? (values[0] ?? null) : 'ip'
    }
    case 'status_percentage':
    case 'status_percentage_as_float':
      return 0
  }
}

function groupsOf(
  view: View,
  rows: readonly Row[],
  summaries: readonly Summary[],
  [grouping, ...deeper]: readonly Grouping[],
): Group[] {
  if (!grouping) return []
  const byKey = new Map<string, { value: Value; rows: Row[] }>()
  for (const row of rows) {
    const value = bucket(valuesAt(view, row, grouping.path)[0] ?? null, grouping)
    const key = JSON.stringify(value)
    const group = byKey.get(key) ?? { value, rows: [] }
    group.rows.push(row)
    byKey.set(key, group)
  }
  const sign = grouping.direction === 'desc' ? -1 : 1
  return [...byKey.values()]
    .map(({ value, rows: members }) => ({ name: groupName(view, grouping.path.leaf, value), value, members }))
    .sort((a, b) => sign * compareGroups(a, b))
    .map(({ name, value, members }) => ({
      group_name: name,
      group_value: isLink(value) ? { ...view.named(value), valid: 'valid' } : value,
      summaries: summariesOf(view, members, summaries),
      ...(deeper.length > 0 ? { groups: groupsOf(view, members, summaries, deeper) } : {}),
    }))
}

function compareGroups(a: { name: string; value: Value }, b: { name: string; value: Value }): number {
  return typeof a.value === 'number' ? compare(a.value, b.value) : compare(a.name, b.name)
}

function groupName(view: View, field: Field, value: Value): string {
  if (field.dataType === 'checkbox') return value === true ? '[X]' : '[ ]'
  if (value === null) return ''
  return isLink(value) ? view.named(value).name : String(value)
}

const numberBuckets: Readonly<Record<string, number>> = {
  tens: 10,
  hundreds: 100,
  thousands: 1000,
  tensofthousands: 10_000,
  hundredsofthousands: 100_000,
  millions: 1_000_000,
}
const dateBuckets = {
  day: 'DAY',
  oneday: 'DAY',
  week: 'WEEK',
  month: 'MONTH',
  quarter: 'QUARTER',
  year: 'YEAR',
} as const

/** The value a row is grouped under; kinds that make no sense for the value group exactly. */
function bucket(value: Value, { type, path }: Grouping): Value {
  if (type === 'entitytype') return isLink(value) ? value.type : null
  if (type === 'firstletter') return typeof value === 'string' ? value.slice(0, 1).toUpperCase() : value
  const size = numberBuckets[type]
  if (size && typeof value === 'number') return Math.floor(value / size) * size
  const unit = Object.entries(dateBuckets).find(([name]) => name === type)?.[1]
  const isDate = path.leaf.dataType === 'date' || path.leaf.dataType === 'date_time'
  if (!unit || !isDate || typeof value !== 'string') return value
  return new Date(startOf(unit, Date.parse(value))).toISOString().slice(0, 10)
}
