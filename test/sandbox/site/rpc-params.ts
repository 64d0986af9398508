import type { z } from 'zod'
import { invalidEntityType, invalidParameter, type Operation } from './data-refusals.ts'
import { type Filter, parseFilterGroup } from './filters.ts'
import { type EntityType, entityTypeNamed, entityTypeNames } from './schema.ts'

/** Judges the parameters of a method; what is wrong is named as the site names it. */
export function parseParams<T extends z.ZodType>(operation: Operation, schema: T, params: unknown): z.output<T> {
  const parsed = schema.safeParse(params)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const expected = issue && 'expected' in issue ? String(issue.expected) : 'value'
  const kind = { int: 'integer', number: 'integer', object: 'hash', record: 'hash' }[expected] ?? expected
  throw invalidParameter(operation, kind, issue?.path ?? [], params)
}

export function typeIn(operation: Operation, name: string, params: unknown): EntityType {
  const type = entityTypeNamed(name)
  if (!type) throw invalidEntityType(operation, params, entityTypeNames)
  return type
}

export function filterIn(filters: unknown): Filter {
  return filters === undefined ? { all: true, of: [] } : parseFilterGroup(filters, 'json-rpc')
}
