import { missingLink, type Operation, relationExpects, relationNotSupported, wrongClass } from './data-refusals.ts'
import { calendarRange, relativeRange } from './dates.ts'
import { judgeValue } from './field-values.ts'
import { faultCode, Refusal } from './refusals.ts'
import { isLink, sameLink, type Value } from './rows.ts'
import type { DataType, Field } from './schema.ts'
import type { View } from './view.ts'

/** A condition on one field, as JSON-RPC sends it. facts: PY 1.4 */
export interface Condition {
  readonly path: string
  readonly relation: string
  readonly values: readonly unknown[]
}

/** Where a condition stands: everything a refusal has to name, and the eyes it is read with. */
export interface ConditionContext {
  readonly operation: Operation
  readonly view: View
  readonly nowMs: number
  /** `Shot.entity.Shot.code` */
  readonly owner: string
}

type Test = (value: Value) => boolean

const inList = ['is', 'is_not', 'in', 'not_in']
const comparable = ['is', 'is_not', 'greater_than', 'less_than', 'between', 'not_between', 'in', 'not_in']
const onText = ['contains', 'not_contains', 'is', 'is_not', 'starts_with', 'ends_with', 'in', 'not_in']
const onLinks = [
  ...['is', 'is_not', 'name_contains', 'name_not_contains', 'name_is', 'type_is', 'type_is_not', 'in', 'not_in'],
]
const onDates = [
  ...['is', 'is_not', 'greater_than', 'less_than', 'in_last', 'not_in_last', 'in_next', 'not_in_next'],
  ...['in_calendar_week', 'in_calendar_month', 'in_calendar_day', 'in_calendar_year'],
  ...['between', 'not_between', 'in', 'not_in'],
]

/**
 * The relations each data type takes, in the order the site lists them; without a list the type filters on nothing.
 * `not_between` is in Autodesk's documentation though the measured site refused it. facts: SGT 017, field_types
 */
const relations: Readonly<Record<DataType, readonly string[] | undefined>> = {
  text: onText,
  number: comparable,
  float: comparable,
  percent: comparable,
  duration: comparable,
  checkbox: ['is', 'is_not'],
  date: onDates,
  date_time: onDates,
  entity: onLinks,
  multi_entity: onLinks,
  list: inList,
  status_list: inList,
  entity_type: inList,
  color: inList,
  uuid: inList,
  image: ['is', 'is_not'],
  serializable: undefined,
  password: undefined,
  url: undefined,
}

/** The relations that are another one denied; they match rows without a value too. facts: SGT field_types/date */
const denials: Readonly<Record<string, string>> = {
  is_not: 'is',
  not_in: 'in',
  not_contains: 'contains',
  not_between: 'between',
  not_in_last: 'in_last',
  not_in_next: 'in_next',
  type_is_not: 'type_is',
  name_not_contains: 'name_contains',
}

/** Judges a condition once; what it returns takes every value its path leads to on a row. */
export function compileRelation(
  context: ConditionContext,
  field: Field,
  condition: Condition,
): (values: readonly Value[]) => boolean {
  const valid = relations[field.dataType]
  if (!valid?.includes(condition.relation)) {
    throw relationNotSupported(context.owner, field.dataType, condition, valid, context.operation)
  }
  const denied = denials[condition.relation]
  const test = testFor(context, field, { ...condition, relation: denied ?? condition.relation }, condition.relation)
  return denied ? (values) => !values.some(test) : (values) => values.some(test)
}

function testFor(context: ConditionContext, field: Field, condition: Condition, asSent: string): Test {
  const { relation, values } = condition
  const judged = (value: unknown) => judgeValue(context.operation, context.owner, field, value)
  const expect = (expected: string) => relationExpects(context.operation, asSent, expected, values)
  const only = (): unknown => {
    if (values.length !== 1) throw expect('a 1-element array')
    return values[0] ?? null
  }
  switch (relation) {
    case 'is': {
      // facts: SGT field_types/multi_entity: a bare id is named as a missing hash
      const sought = only()
      if (field.dataType === 'multi_entity' && sought !== null && typeof sought !== 'object') {
        throw missingLink(context.operation, sought)
      }
      return equals(field, judged(sought))
    }
    case 'in': {
      if (values.length === 0) throw expect('at least a 1-element array')
      const tests = values.map((value) => equalsInList(field, judged(value)))
      return (value) => tests.some((test) => test(value))
    }
    case 'between': {
      if (values.length !== 2) throw expect('a 2-element array')
      const [a, b] = values.map(judged)
      return isBetween(a ?? null, b ?? null)
    }
    case 'greater_than':
    case 'less_than': {
      const bound = judged(only())
      const sign = relation === 'greater_than' ? 1 : -1
      return (value) => value !== null && bound !== null && compare(value, bound) === sign
    }
    case 'in_last':
    case 'in_next':
      return isWithin(relativeRange(context.operation, asSent, values, context.nowMs, field.dataType === 'date'))
    case 'in_calendar_day':
    case 'in_calendar_week':
    case 'in_calendar_month':
    case 'in_calendar_year':
      return isWithin(calendarRange(context.operation, asSent, values, context.nowMs))
    default:
      return textTest(context, field, relation, only())
  }
}

function textTest({ operation, owner, view }: ConditionContext, field: Field, relation: string, sought: unknown): Test {
  const isNameRelation = relation.startsWith('name_')
  if (typeof sought !== 'string' && (isNameRelation || sought !== null)) {
    throw wrongClass(operation, owner, isNameRelation ? ['String'] : ['String', 'NilClass'], sought)
  }
  const needle = typeof sought === 'string' ? sought.toLowerCase() : null
  if (relation === 'type_is') return (value) => isLink(value) && value.type.toLowerCase() === needle
  const textOf = (value: Value): string | null => {
    if (field.dataType !== 'text') return isLink(value) ? view.named(value).name.toLowerCase() : null
    return typeof value === 'string' ? value.toLowerCase() : null
  }
  return (value) => {
    const text = textOf(value)
    if (text === null || needle === null) return text === needle
    switch (relation) {
      case 'starts_with':
        return text.startsWith(needle)
      case 'ends_with':
        return text.endsWith(needle)
      case 'name_is':
        return text === needle
      default:
        return text.includes(needle)
    }
  }
}

/** Text is compared without case, and no text is the same as empty text. facts: SGT field_types/text */
function equals(field: Field, sought: Value): Test {
  // facts: SGT field_types/color: with case, unlike everything else that is text
  if (field.dataType === 'color') return (value) => value === sought
  if (sought === null || sought === '') return (value) => value === null || value === ''
  if (isLink(sought)) return (value) => isLink(value) && sameLink(value, sought)
  if (typeof sought === 'string') return (value) => typeof value === 'string' && folded(value) === folded(sought)
  return (value) => value === sought
}

/** facts: SGT field_types/text: `in [""]` finds nothing, `in [null]` breaks the read. */
function equalsInList(field: Field, sought: Value): Test {
  if (field.dataType !== 'text') return equals(field, sought)
  if (sought === null) throw new Refusal(faultCode.refusedData, 'Read failed', { crudError: '2' })
  return sought === '' ? () => false : equals(field, sought)
}

function isBetween(a: Value, b: Value): Test {
  if (a === null || b === null) return () => false
  const [low, high] = compare(a, b) <= 0 ? [a, b] : [b, a]
  return (value) => value !== null && compare(value, low) >= 0 && compare(value, high) <= 0
}

function isWithin({ fromMs, toMs }: { fromMs: number; toMs: number }): Test {
  return (value) => {
    const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN
    return ms >= fromMs && ms <= toMs
  }
}

/** -1, 0 or 1; numbers by size, everything else as text (dates are stored so that this orders them). */
export function compare(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return Math.sign(a - b)
  const [left, right] = [folded(String(a)), folded(String(b))]
  if (left === right) return 0
  return left < right ? -1 : 1
}

const folded = (text: string) => text.toLowerCase()
