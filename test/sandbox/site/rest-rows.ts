import { type ShownValue, shownAt } from './read.ts'
import type { Row } from './rows.ts'
import { type EntityType, entityTypeNamed, type Field, fieldOf } from './schema.ts'
import { type NamedLink, parsePath, type View } from './view.ts'

/** A row as REST shows it: links under `relationships`, never under `attributes`. facts: SGT 003, 004 */
export function restRow(
  { view, type, prefix }: { view: View; type: EntityType; prefix: string },
  row: Row,
  names: readonly string[],
): unknown {
  const attributes: Record<string, unknown> = {}
  const relationships: Record<string, unknown> = {}
  const self = `${prefix}/entity/${type.plural}/${row.id}`
  for (const name of names) {
    const value = asRest(shownAt(view, row, type, name), parsePath(type, name)?.leaf)
    if (value === undefined || name === 'type' || name === 'id') continue
    const isLinkField = fieldOf(type, name)?.dataType.endsWith('entity') === true
    if (!isLinkField) attributes[name] = value
    else relationships[name] = { data: value, links: linksOf(value, `${self}/relationships/${name}`, prefix) }
  }
  return { type: type.name, attributes, relationships, id: row.id, links: { self } }
}

/** REST writes a float as a string with a decimal point; JSON-RPC as a number. facts: SGT field_types/float, PY tests/test_api.py */
function asRest(value: ShownValue | undefined, field: Field | undefined): ShownValue | undefined {
  if (field?.dataType !== 'float' || typeof value !== 'number') return value
  return Number.isInteger(value) ? value.toFixed(1) : String(value)
}

function linksOf(value: ShownValue, self: string, prefix: string): Record<string, string> {
  const target = isNamedLink(value) ? entityTypeNamed(value.type) : undefined
  return isNamedLink(value) && target ? { self, related: `${prefix}/entity/${target.plural}/${value.id}` } : { self }
}

function isNamedLink(value: ShownValue): value is NamedLink {
  return typeof value === 'object' && value !== null && 'type' in value && 'id' in value
}
