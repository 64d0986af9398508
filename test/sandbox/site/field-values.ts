import {
  invalidData,
  invalidDate,
  invalidDateTime,
  missingLink,
  missingLinkId,
  missingLinkType,
  type Operation,
  wrongClass,
} from './data-refusals.ts'
import type { Link, Value } from './rows.ts'
import { entityTypeNamed, entityTypeNames, type Field } from './schema.ts'
import { timestamp } from './site-state.ts'

export const hashClasses = [
  'Hash',
  'ActiveSupport::HashWithIndifferentAccess',
  'ActionDispatch::Http::Parameters',
  'ActionDispatch::Http::ParamsHashWithIndifferentAccess',
  'NilClass',
]

/**
 * One value as it was sent, turned into what a row can hold or a filter can compare; throws the site's refusal.
 * Used for writes and for filter values alike, as the site does. `owner` is `Shot.code`. facts: SGT field_types
 */
export function judgeValue(operation: Operation, owner: string, field: Field, value: unknown): Value {
  switch (field.dataType) {
    case 'float':
      return judgeFloat(operation, owner, value)
    case 'serializable':
      return judgeSerializable(operation, owner, value)
    case 'number':
    case 'percent':
    case 'duration':
      return judgeNumber(operation, owner, field, value)
    case 'checkbox':
      return judgeCheckbox(operation, owner, value)
    case 'date':
      return judgeDate(judgeText(operation, owner, value) ?? '')
    case 'date_time':
      return value === null ? null : judgeDateTime(judgeText(operation, owner, value) ?? '')
    case 'entity':
    case 'multi_entity':
      return judgeLink(operation, owner, value)
    default:
      return judgeText(operation, owner, value)
  }
}

function judgeText(operation: Operation, owner: string, value: unknown): string | null {
  if (value === null || typeof value === 'string') return value
  throw wrongClass(operation, owner, ['String', 'NilClass'], value)
}

function judgeNumber(operation: Operation, owner: string, field: Field, value: unknown): number | null {
  if (value === null || Number.isInteger(value)) return value as number | null
  if (typeof value !== 'string') throw wrongClass(operation, owner, ['String', 'Integer', 'NilClass'], value)
  if (!/^-?\d+$/.test(value)) throw invalidData(owner.split('.').at(-1) ?? owner, field.dataType, value)
  return Number(value)
}

/**
 * Rounded to six decimals, as a site stores it. A real site refuses `2` and takes `2.0`; both look alike once the JSON
 * is read, so here both are taken. facts: SGT field_types/float
 */
function judgeFloat(operation: Operation, owner: string, value: unknown): number | null {
  if (value === null) return null
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw wrongClass(operation, owner, ['String', 'BigDecimal', 'Float', 'NilClass'], value)
  }
  const number = String(value).trim() === '' ? Number.NaN : Number(value)
  if (!Number.isFinite(number)) throw invalidData(owner.split('.').at(-1) ?? owner, 'float', value)
  return Math.round(number * 1e6) / 1e6
}

/** Any structure, kept as it is. facts: SGT field_types/serializable */
function judgeSerializable(operation: Operation, owner: string, value: unknown): Value {
  if (value === null) return null
  if (typeof value !== 'object')
    throw wrongClass(operation, owner, [...hashClasses.slice(0, -1), 'Array', 'NilClass'], value)
  return Array.isArray(value) ? value : { ...value }
}

function judgeCheckbox(operation: Operation, owner: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string') throw wrongClass(operation, owner, ['String', 'FalseClass', 'TrueClass'], value)
  if (value === 'true' || value === 'false') return value === 'true'
  throw invalidData(owner.split('.').at(-1) ?? owner, 'checkbox', value)
}

/** `YYYY-MM-DD` and nothing else; empty clears. facts: SGT field_types/date */
function judgeDate(text: string): string | null {
  if (text === '') return null
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))
  // 2026-02-30 parses in some engines by rolling over
  if (!isDate || !new Date(text).toISOString().startsWith(text)) throw invalidDate(text)
  return text
}

/** ISO 8601; without a zone it is UTC, a bare date is midnight UTC. facts: SGT field_types/date_time */
export function judgeDateTime(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(text)) throw invalidDateTime(text)
  const hasZone = /(Z|[+-]\d{2}:?\d{2})$/.test(text.slice(10))
  const ms = Date.parse(text.length === 10 || hasZone ? text : `${text}Z`)
  if (Number.isNaN(ms)) throw invalidDateTime(text)
  return timestamp(ms)
}

function judgeLink(operation: Operation, owner: string, value: unknown): Link | null {
  if (value === null) return null
  if (typeof value !== 'object' || Array.isArray(value)) throw wrongClass(operation, owner, hashClasses, value)
  return judgeLinkHash(operation, value)
}

function judgeLinkHash(operation: Operation, value: object): Link {
  if (!('type' in value) || typeof value.type !== 'string' || !entityTypeNamed(value.type)) {
    throw missingLinkType(operation, value, entityTypeNames)
  }
  if (!('id' in value) || !Number.isInteger(value.id)) throw missingLinkId(operation, value)
  return { type: value.type, id: value.id as number }
}

/** The members of a set of links, each `{type, id}`; duplicates are stored once. facts: SGT field_types/multi_entity */
export function judgeLinks(operation: Operation, owner: string, value: unknown): Link[] {
  if (!Array.isArray(value)) throw wrongClass(operation, owner, ['Array', 'Hash'], value)
  const links = value.map((item: unknown) => {
    if (typeof item !== 'object' || item === null) throw missingLink(operation, item)
    return judgeLinkHash(operation, item)
  })
  return links.filter(({ type, id }, at) => links.findIndex((other) => other.type === type && other.id === id) === at)
}
