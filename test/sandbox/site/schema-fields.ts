import type { DataType, Field, TypeDefinition } from './schema.ts'

type FieldOptions = Partial<Omit<Field, 'dataType' | 'displayName'>>
type Fields = TypeDefinition['fields']

export function field(dataType: DataType, displayName: string, options: FieldOptions = {}): Field {
  return {
    dataType,
    displayName,
    editable: 'always',
    mandatory: false,
    unique: false,
    defaultValue: dataType === 'checkbox' ? false : null,
    validTypes: [],
    bindsType: false,
    validValues: {},
    reverseOf: undefined,
    ...options,
  }
}

export const readOnly = { editable: 'never' } as const
export const onCreate = { editable: 'on create' } as const

export const text = (displayName: string, options?: FieldOptions) => field('text', displayName, options)
export const number = (displayName: string, options?: FieldOptions) => field('number', displayName, options)
export const float = (displayName: string) => field('float', displayName)
export const date = (displayName: string) => field('date', displayName)
export const dateTime = (displayName: string, options?: FieldOptions) => field('date_time', displayName, options)
export const url = (displayName: string, options?: FieldOptions) => field('url', displayName, options)
export const checkbox = (displayName: string, options?: FieldOptions) => field('checkbox', displayName, options)
export const identity = (displayName: string, options?: FieldOptions) =>
  text(displayName, { mandatory: true, ...options })
export const link = (displayName: string, validTypes: readonly string[], options?: FieldOptions) =>
  field('entity', displayName, { validTypes, ...options })
export const links = (displayName: string, validTypes: readonly string[], options?: FieldOptions) =>
  field('multi_entity', displayName, { validTypes, defaultValue: [], ...options })

/**
 * The other end of a link: the rows of `type` whose field `by` points here. Editable, and a write goes through to
 * those rows. facts: SGT entity_types/Sequence, Asset, Playlist
 */
export const linkedFrom = (displayName: string, type: string, by: string, options?: FieldOptions) =>
  links(displayName, [type], { reverseOf: { type, field: by, retiresUnlinked: false }, ...options })

export const status = (validValues: Record<string, string>, defaultValue: string) =>
  field('status_list', 'Status', { validValues, defaultValue })
export const list = (displayName: string, values: readonly string[], defaultValue: string | null = null) =>
  field('list', displayName, { validValues: Object.fromEntries(values.map((value) => [value, value])), defaultValue })

export const accounts = ['HumanUser', 'ApiUser']
export const assignable = ['Group', 'HumanUser']
/** What work hangs off. */
export const workable = ['Asset', 'Sequence', 'Shot']
export const workStatuses = {
  wtg: 'Waiting to Start',
  rdy: 'Ready to Start',
  ip: 'In Progress',
  fin: 'Final',
  omt: 'Omit',
}

/** What every row has but a Reply. facts: SGT field_types/date_time, 070 (the stamps are editable on create only) */
export const everywhere: Fields = {
  id: number('Id', readOnly),
  cached_display_name: text('Cached Display Name'),
  created_at: dateTime('Date Created', onCreate),
  created_by: link('Created by', accounts, onCreate),
  updated_at: dateTime('Date Updated', onCreate),
  updated_by: link('Updated by', accounts, onCreate),
}

/** A thumbnail, and for most types a filmstrip beside it. facts: SGT field_types/image (which types have one alone) */
export const thumbnailed: Fields = { image: field('image', 'Thumbnail') }
export const pictured: Fields = { ...thumbnailed, filmstrip_image: field('image', 'Filmstrip') }

export const tagged: Fields = { tags: links('Tags', ['Tag']) }

/** What the types people work with have. */
export const onSite: Fields = { ...everywhere, ...pictured, ...tagged }

export const projectLink = link('Project', ['Project'], { bindsType: true })

export const inProject: Fields = { ...onSite, project: projectLink }
