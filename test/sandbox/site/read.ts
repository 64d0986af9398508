import { faultCode, Refusal } from './refusals.ts'
import { compare } from './relations.ts'
import { isLink, type Row, type Value } from './rows.ts'
import type { EntityType, Field } from './schema.ts'
import { fieldOf } from './schema.ts'
import { linksIn, type NamedLink, type Path, parsePath, type View, valuesAt } from './view.ts'

export interface Sort {
  readonly path: string
  readonly descending: boolean
}

export interface Query {
  readonly type: EntityType
  readonly matches: (row: Row) => boolean
  readonly sorts: readonly Sort[]
  readonly only: 'active' | 'retired'
  /** Whether rows of archived projects count. facts: PY tests/test_api.py */
  readonly archivedProjects: boolean
}

/** Every row a query finds, in order. */
export function findRows(view: View, query: Query): Row[] {
  refuseClosedType(view, query.type)
  const rows = view.rows(query.type.name, query.only).filter((row) => {
    return query.matches(row) && (query.archivedProjects || !isInArchivedProject(view, query.type, row))
  })
  return rows.sort(orderBy(view, query.type, query.sorts))
}

/** facts: SGT 027: a type a level may not read at all is a refusal, not an empty list */
export function refuseClosedType(view: View, type: EntityType): void {
  if (view.mayRead(type.name) || view.viewer.kind === 'script') return
  const role = view.viewer.user.role
  throw new Refusal(
    faultCode.refusedData,
    `Entity of type ${type.name} can not be accessed by this user. Rule: ${role[0]?.toUpperCase()}${role.slice(1)}`,
    { crudError: '4.1' },
  )
}

/** A field as answers show it: links carry the name of their target. */
export type ShownValue = null | string | number | boolean | NamedLink | readonly NamedLink[] | object

/**
 * The value of a field or a dotted path on one row. Undefined, and left out of the answer, when the path is unknown,
 * leads through a set of links, or through a type the field does not declare. facts: SGT 016, 059
 */
export function shownAt(view: View, row: Row, type: EntityType, text: string): ShownValue | undefined {
  const path = parsePath(type, text)
  if (!path || !isReadable(path)) return undefined
  if (path.hops.length === 0) return shown(view, path.leaf, view.value(row, path.leafName, path.leaf))
  const values = valuesAt(view, row, path)
  if (path.leaf.dataType === 'multi_entity') return linksIn(values).map((link) => view.named(link))
  return shown(view, path.leaf, values[0] ?? null)
}

export function shown(view: View, field: Field, value: Value): ShownValue {
  if (field.dataType === 'multi_entity') return linksIn(value).map((link) => view.named(link))
  return field.dataType === 'entity' && isLink(value) ? view.named(value) : value
}

function isReadable(path: Path): boolean {
  return path.hops.every(({ field, type }) => field.dataType === 'entity' && field.validTypes.includes(type.name))
}

function isInArchivedProject(view: View, type: EntityType, row: Row): boolean {
  const path = type.name === 'Project' ? 'archived' : 'project.Project.archived'
  return shownAt(view, row, type, path) === true
}

/** An unknown or unsortable field is ignored; ids break ties. facts: SGT 026 */
function orderBy(view: View, type: EntityType, sorts: readonly Sort[]): (a: Row, b: Row) => number {
  const keys = sorts.flatMap(({ path: text, descending }) => {
    const path = parsePath(type, text)
    return path && isSortable(path.leaf) ? [{ path, sign: descending ? -1 : 1 }] : []
  })
  return (a, b) => {
    for (const { path, sign } of keys) {
      const order = sign * compareNullsLast(sortKey(view, a, path), sortKey(view, b, path))
      if (order !== 0) return order
    }
    return a.id - b.id
  }
}

const isSortable = (field: Field) => !['serializable', 'password', 'url', 'uuid'].includes(field.dataType)

function sortKey(view: View, row: Row, path: Path): Value {
  const [value = null] = valuesAt(view, row, path)
  return isLink(value) ? view.named(value).name : value
}

function compareNullsLast(a: Value, b: Value): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  return compare(a, b)
}

/** The names of the fields a row of this type shows when none were asked for. */
export const allFields = (type: EntityType): string[] => Object.keys(type.fields).filter((name) => fieldOf(type, name))
