import type { Value } from './rows.ts'
import { entityTypes } from './schema-table.ts'

export type DataType =
  | 'text'
  | 'number'
  | 'float'
  | 'percent'
  | 'duration'
  | 'checkbox'
  | 'date'
  | 'date_time'
  | 'entity'
  | 'multi_entity'
  | 'list'
  | 'status_list'
  | 'entity_type'
  | 'color'
  | 'serializable'
  | 'uuid'
  | 'password'
  | 'image'
  | 'url'

export interface Field {
  readonly dataType: DataType
  readonly displayName: string
  readonly editable: 'always' | 'on create' | 'never'
  readonly mandatory: boolean
  readonly unique: boolean
  readonly defaultValue: Value
  /** Link fields: the types the schema declares. */
  readonly validTypes: readonly string[]
  /** Whether a link to another type is refused; most fields only advise. facts: SGT field_types/entity */
  readonly bindsType: boolean
  /** Lists: code → label. Only the codes are accepted on write. facts: SGT field_types/status_list */
  readonly validValues: Readonly<Record<string, string>>
  /** A set of links kept at the other end. */
  readonly reverseOf: ReverseLink | undefined
}

/** Rows of `type` whose `field` points here. */
export interface ReverseLink {
  readonly type: string
  readonly field: string
  /** Whether a row that is taken out of the set is retired with it. */
  readonly retiresUnlinked: boolean
}

export interface EntityType {
  readonly name: string
  readonly displayName: string
  /** REST path segment: `human_users`. */
  readonly plural: string
  /** The field that names a row; undefined where nothing does. */
  readonly identity: string | undefined
  /** Whether that field may be emptied. */
  readonly emptyIdentity: 'refused' | 'allowed'
  /** Whether its rows belong to projects: each to one, some to one and the rest to the site, or none to any. */
  readonly projectScope: 'required' | 'optional' | 'none'
  /** The rows that are retired with one of these: those whose `field` points at it. */
  readonly retiresWith: readonly { readonly type: string; readonly field: string }[]
  readonly fields: Readonly<Record<string, Field>>
}

/** An entity type as the tables write it down: what is usual is left out. */
export type TypeDefinition = Omit<EntityType, 'projectScope' | 'emptyIdentity' | 'retiresWith'> &
  Partial<Pick<EntityType, 'emptyIdentity' | 'retiresWith'>> & {
    /** Rows without a project serve the whole site. */
    readonly hasSiteLevelRows?: boolean
  }

export const entityTypeNames: readonly string[] = Object.keys(entityTypes).sort()

export function entityTypeNamed(name: string): EntityType | undefined {
  return Object.hasOwn(entityTypes, name) ? entityTypes[name] : undefined
}

/**
 * REST matches the path segment loosely: `shots`, `shot`, `Shot`, `Shots`, `human_users`; a spelling that loses the
 * word boundary (`humanusers`) is unknown. facts: SGT entity_types/Project
 */
export function entityTypeInPath(segment: string): EntityType | undefined {
  return Object.values(entityTypes).find(({ name, plural }) =>
    [plural, snakeCase(name), name, `${name}s`].includes(segment),
  )
}

export function fieldOf(type: EntityType, name: string): Field | undefined {
  return Object.hasOwn(type.fields, name) ? type.fields[name] : undefined
}

/** What a new row of a type holds before anything is written to it. */
export function defaultValues(type: string): [string, Value][] {
  return Object.entries(entityTypeNamed(type)?.fields ?? {})
    .filter(([name, field]) => name !== 'id' && !field.reverseOf)
    .map(([name, field]) => [name, field.defaultValue])
}

/** One field as `schema_read` and `schema_field_read` describe it. facts: PY docstrings, SGT get_schema_type_fields */
export function describeField(type: EntityType, field: Field): Record<string, unknown> {
  const fixed = (value: unknown) => ({ value, editable: false })
  const settable = (value: unknown) => ({ value, editable: true })
  const codes = Object.keys(field.validValues)
  return {
    name: settable(field.displayName),
    description: settable(''),
    entity_type: fixed(type.name),
    data_type: fixed(field.dataType),
    editable: fixed(field.editable === 'always'),
    mandatory: fixed(field.mandatory),
    unique: fixed(field.unique),
    visible: fixed(true),
    properties: {
      default_value: fixed(field.defaultValue),
      summary_default: settable('none'),
      ...(field.validTypes.length > 0 ? { valid_types: settable(field.validTypes) } : {}),
      ...(codes.length > 0 ? { valid_values: settable(codes) } : {}),
      ...(field.dataType === 'status_list'
        ? { display_values: fixed(field.validValues), hidden_values: settable([]) }
        : {}),
    },
  }
}

function snakeCase(name: string): string {
  return name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toLowerCase()
}
