import { fieldDoesNotExist, type Operation } from './data-refusals.ts'
import { faultCode, Refusal } from './refusals.ts'
import { type Condition, compileRelation } from './relations.ts'
import type { Row } from './rows.ts'
import { inspectValue } from './ruby-text.ts'
import type { EntityType } from './schema.ts'
import { parsePath, type View, valuesAt } from './view.ts'

/** What every kind of filter comes down to. */
export type Filter = { readonly all: boolean; readonly of: readonly Filter[] } | { readonly condition: Condition }

/** facts: SGT 030: the 266th level of groups is a server error */
const deepest = 265

const badFilter = (message: string) => new Refusal(faultCode.badRequest, message)

/**
 * Reads `{logical_operator, conditions}`, nested as deep as the site allows. Conditions are `{path, relation, values}`
 * on JSON-RPC and `[path, relation, value]` on REST, never the other way round. facts: PY 1.4, SGT 030
 */
export function parseFilterGroup(tree: unknown, dialect: 'json-rpc' | 'rest', depth = 1): Filter {
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) {
    throw badFilter(`Query is not an Hash: ${inspectValue(tree)}`)
  }
  if (depth > deepest) throw new Refusal(faultCode.badRequest, 'Shotgun Server Error', { status: 500 })
  if (!('logical_operator' in tree)) throw badFilter(`Missing logical operator: ${inspectValue(tree)}`)
  const { logical_operator: operator } = tree
  if (operator !== 'and' && operator !== 'or') throw badFilter(`Invalid logical operator: ${String(operator)}`)
  if (!('conditions' in tree) || !Array.isArray(tree.conditions)) {
    throw badFilter(`Missing conditions parameter: ${inspectValue(tree)}`)
  }
  const of = tree.conditions.map((item: unknown): Filter => {
    if (dialect === 'rest' && Array.isArray(item)) return parseTriple(item)
    const condition = dialect === 'json-rpc' ? asCondition(item) : undefined
    return condition ? { condition } : parseFilterGroup(item, dialect, depth + 1)
  })
  return { all: operator === 'and', of }
}

/** Reads `[[path, relation, value], …]`, all of which must hold. facts: SGT 030 */
export function parseFilterList(list: unknown): Filter {
  if (!Array.isArray(list)) throw badFilter(`Query is not an Array: ${inspectValue(list)}`)
  if (!list.every(Array.isArray)) {
    throw badFilter(`Invalid filter. Expected array of basic condition arrays but received: ${inspectValue(list)}`)
  }
  return { all: true, of: list.map(parseTriple) }
}

/** Judges every condition of a filter against the schema; what it returns says whether a row matches. */
export function compileFilter(
  context: { operation: Operation; view: View; nowMs: number; type: EntityType },
  filter: Filter,
): (row: Row) => boolean {
  if ('of' in filter) {
    const tests = filter.of.map((part) => compileFilter(context, part))
    // an empty group filters nothing out, whatever its operator (SGT 030)
    if (tests.length === 0) return () => true
    return filter.all ? (row) => tests.every((test) => test(row)) : (row) => tests.some((test) => test(row))
  }
  const { condition } = filter
  const { view, type, operation } = context
  const path = parsePath(type, condition.path)
  if (!path) throw fieldDoesNotExist(operation, type.name, condition.path, condition)
  const owner = `${type.name}.${condition.path}`
  const matches = compileRelation({ ...context, owner }, path.leaf, condition)
  return (row) => matches(valuesAt(view, row, path))
}

function parseTriple(triple: readonly unknown[]): Filter {
  const [path, relation, value] = triple
  if (triple.length !== 3 || typeof path !== 'string' || typeof relation !== 'string') {
    throw badFilter(`Invalid condition: ${inspectValue(triple)}`)
  }
  return { condition: { path, relation, values: Array.isArray(value) ? value : [value] } }
}

function asCondition(item: unknown): Condition | undefined {
  if (typeof item !== 'object' || item === null) return undefined
  if (!('path' in item) || typeof item.path !== 'string') return undefined
  if (!('relation' in item) || typeof item.relation !== 'string') return undefined
  const values: unknown = 'values' in item ? item.values : []
  return { path: item.path, relation: item.relation, values: Array.isArray(values) ? values : [values] }
}
