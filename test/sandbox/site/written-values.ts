import { judgeWrittenColor } from './colors.ts'
import {
  identifierEmpty,
  missingLinkList,
  missingUpdateMode,
  readOnly,
  valueNotUnique,
  valueRefused,
} from './data-refusals.ts'
import { judgeLinks, judgeValue } from './field-values.ts'
import { faultCode, Refusal } from './refusals.ts'
import { isLink, type Link, type Row, sameLink, type Tables, type Value } from './rows.ts'
import { inspectValue } from './ruby-text.ts'
import type { EntityType, Field } from './schema.ts'
import { judgeUrl } from './url-values.ts'
import { linksIn, type View } from './view.ts'

/** One field of a create or update, as sent. */
export interface FieldWrite {
  readonly name: string
  readonly value: unknown
  /** How a set of links is changed; `set` when not said. facts: SGT field_types/multi_entity */
  readonly mode: unknown
}

/** Where a value is going, for the refusals and for the links it may hold. */
export interface WriteContext {
  readonly operation: 'create' | 'update'
  readonly view: View
  readonly tables: Tables
  readonly type: EntityType
  /** The row it replaces something on; undefined on create. */
  readonly row: Row | undefined
}

const largest = 2 ** 31 - 1

/** What a row will hold once this is written; throws the site's refusal. */
export function judgeWrittenValue(context: WriteContext, field: Field, write: FieldWrite): Value {
  const { operation, type, tables } = context
  const { name } = write
  const owner = `${type.name}.${name}`
  switch (field.dataType) {
    case 'multi_entity':
      return judgeLinkSet(context, field, write)
    case 'url':
      return judgeUrl(tables, operation, owner, write.value)
    case 'image':
      // only an upload fills a thumbnail; null clears it
      if (write.value !== null) throw readOnly(operation, owner)
      return null
    case 'entity': {
      const link = judgeValue(operation, owner, field, write.value)
      return isLink(link) ? judgeLinkTarget(context, field, name, link) : null
    }
    case 'color': {
      const color = judgeValue(operation, owner, field, write.value)
      return judgeWrittenColor(operation, type.name, name, typeof color === 'string' ? color : null)
    }
    default:
      return judgeWrittenText(context, field, name, judgeValue(operation, owner, field, write.value))
  }
}

/** Everything that is no link, file or colour: numbers have their limits, text is stripped, lists know their values. */
function judgeWrittenText({ operation, type }: WriteContext, field: Field, name: string, value: Value): Value {
  const refuse = (why: string) => valueRefused(operation, type.name, name, why)
  if (typeof value === 'number' && field.dataType !== 'float' && (value > largest || value < -largest - 1)) {
    throw refuse('Invalid statement.')
  }
  if (typeof value !== 'string' && value !== null) return value

  // facts: SGT field_types/text: stripped, and empty is null
  const text = value?.trim() || null
  if (text === null && name === type.identity && type.emptyIdentity === 'refused') {
    throw identifierEmpty(operation, type.name)
  }
  const codes = Object.keys(field.validValues)
  if (text !== null && codes.length > 0 && !codes.includes(text)) {
    const kind = field.dataType === 'status_list' ? 'status' : 'list value'
    const plural = field.dataType === 'status_list' ? 'statuses' : 'list values'
    const known = codes.map((code) => `'${code}'`).join(', ')
    throw refuse(`'${text}' is not a valid ${kind}. Valid ${plural}: ${known}.`)
  }
  return text
}

/** Throws when another live row holds that value already. */
export function checkUnique(context: WriteContext, name: string, field: Field, value: Value): void {
  if (!field.unique || value === null) return
  const { operation, tables, type, row } = context
  const taken = tables.live(type.name).some((other) => other.id !== row?.id && other.values.get(name) === value)
  if (taken) throw valueNotUnique(operation, type.name, name, field.displayName)
}

/** A wrong type and a missing row are refused with the same words. facts: SGT field_types/entity */
function judgeLinkTarget(context: WriteContext, field: Field, name: string, link: Link): Link {
  const refuse = (why: string) => valueRefused(context.operation, context.type.name, name, why)
  const [expected] = field.validTypes
  if (field.bindsType && expected && link.type !== expected) throw refuse(`${expected} expected, got ${link.type}`)
  if (!context.view.row(link)) throw refuse('Value is not legal.')
  return link
}

/** The links a row points to, or that point to it, as they are. */
export function heldLinks({ view, row }: Pick<WriteContext, 'view' | 'row'>, name: string, field: Field): Link[] {
  if (!row) return []
  return linksIn(field.reverseOf ? view.value(row, name, field) : row.values.get(name))
}

/** A set of links comes as a list, or as one with the way to change it. facts: SGT field_types/multi_entity */
function unwrapped(operation: WriteContext['operation'], write: FieldWrite): Pick<FieldWrite, 'value' | 'mode'> {
  const { value, mode } = write
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { value, mode }
  if (!('multi_entity_update_mode' in value)) throw missingUpdateMode(operation)
  if (!('value' in value) || !Array.isArray(value.value)) throw missingLinkList(operation)
  return { value: value.value, mode: value.multi_entity_update_mode }
}

function judgeLinkSet(context: WriteContext, field: Field, write: FieldWrite): Value {
  const { operation, type } = context
  const { name } = write
  const { value, mode } = unwrapped(operation, write)
  const given = judgeLinks(operation, `${type.name}.${name}`, value)
  for (const link of given) {
    const legal = field.validTypes.length === 1 ? field.validTypes.includes(link.type) : true
    if (!legal || !context.view.row(link)) throw valueRefused(operation, type.name, name, 'Value is not legal.')
  }
  const held = heldLinks(context, name, field)
  const isGiven = (link: Link) => given.some((other) => sameLink(link, other))
  switch (mode ?? 'set') {
    case 'set':
      return given
    case 'add':
      return [...held.filter((link) => !isGiven(link)), ...given]
    case 'remove':
      return held.filter((link) => !isGiven(link))
    default:
      throw new Refusal(
        faultCode.badRequest,
        `API ${operation}() invalid/missing string 'multi_entity_update_mode': ${inspectValue(mode)}`,
      )
  }
}
