import { principalLink } from './accounts.ts'
import type { Caller } from './callers.ts'
import { isLink, type Link, linkTo, type Row, type Value } from './rows.ts'
import type { EntityType, Field } from './schema.ts'
import { type SiteState, timestamp } from './site-state.ts'
import { displayName } from './view.ts'

/** One line of the event log, as tests read it. */
export interface EventLogEntryRow {
  readonly id: number
  /** `Shotgun_Note_New` */
  readonly event_type: string
  readonly attribute_name: string | null
  readonly description: string
  readonly meta: Readonly<Record<string, unknown>>
  readonly entity: Link | null
  readonly project: Link | null
  /** The person under whose name it happened; the script, where nobody was impersonated. */
  readonly user: Link | null
  readonly session_uuid: string | null
  readonly created_at: string
}

export interface Change {
  readonly name: string
  readonly field: Field
  readonly from: Value
  readonly to: Value
}

/** A created row: one entry per filled field, then the row itself. facts: SGT 049 */
export function recordCreation(
  state: SiteState,
  caller: Caller,
  type: EntityType,
  row: Row,
  filled: readonly Change[],
): void {
  recordChanges(state, caller, type, row, filled, true)
  record(state, caller, type, row, 'New', null, `created new ${type.displayName} ${displayName(row)}`, {
    type: 'new_entity',
  })
}

/** One entry per changed field, with what it was and what it is. facts: SGT 025 */
export function recordChanges(
  state: SiteState,
  caller: Caller,
  type: EntityType,
  row: Row,
  changes: readonly Change[],
  inCreate = false,
): void {
  for (const { name, field, from, to } of changes) {
    const description = `changed "${field.displayName}" on ${type.displayName} ${displayName(row)}`
    record(state, caller, type, row, 'Change', name, description, {
      type: 'attribute_change',
      attribute_name: name,
      ...(inCreate ? { in_create: true } : {}),
      field_data_type: field.dataType,
      old_value: from,
      new_value: to,
    })
  }
}

/** A deleted row: its retirement, and the date of it. facts: SGT 049 */
export function recordRetirement(state: SiteState, caller: Caller, type: EntityType, row: Row): void {
  const retirementDate = `${timestamp(state.clock.now()).replace('T', ' ').slice(0, 19)} UTC`
  record(state, caller, type, row, 'Retirement', null, `deleted ${type.displayName} ${displayName(row)}`, {
    type: 'entity_retirement',
    class_name: type.name,
    display_name: displayName(row),
    id: row.id,
    retirement_date: retirementDate,
  })
  const description = `changed "Retirement Date" on ${type.displayName} ${displayName(row)}`
  record(state, caller, type, row, 'Change', 'retirement_date', description, {
    type: 'attribute_change',
    attribute_name: 'retirement_date',
    old_value: null,
    new_value: retirementDate,
  })
}

export function recordRevival(state: SiteState, caller: Caller, type: EntityType, row: Row): void {
  record(state, caller, type, row, 'Revival', null, `revived ${type.displayName} ${displayName(row)}`, {
    type: 'entity_revival',
  })
}

/** The whole log, oldest first. */
export function eventLog({ tables }: Pick<SiteState, 'tables'>): EventLogEntryRow[] {
  return tables.live('EventLogEntry').map((row) => ({
    id: row.id,
    event_type: textOf(row, 'event_type') ?? '',
    attribute_name: textOf(row, 'attribute_name'),
    description: textOf(row, 'description') ?? '',
    meta: metaOf(row),
    entity: linkOf(row, 'entity'),
    project: linkOf(row, 'project'),
    user: linkOf(row, 'user'),
    session_uuid: textOf(row, 'session_uuid'),
    created_at: textOf(row, 'created_at') ?? '',
  }))
}

function record(
  state: SiteState,
  caller: Caller,
  type: EntityType,
  row: Row,
  action: 'New' | 'Change' | 'Retirement' | 'Revival',
  attribute: string | null,
  description: string,
  meta: Record<string, unknown>,
): void {
  if (!leavesTrace(caller) || type.name === 'EventLogEntry') return
  const project = type.name === 'Project' ? linkTo(row) : row.values.get('project')
  state.tables.insert('EventLogEntry', [
    ['event_type', `Shotgun_${type.name}_${action}`],
    ['attribute_name', attribute],
    ['description', description],
    ['entity', linkTo(row)],
    ['project', isLink(project) ? project : null],
    ['user', principalLink(caller.acting)],
    ['session_uuid', caller.sessionUuid],
    ['created_at', timestamp(state.clock.now())],
    ['meta', { ...meta, entity_type: type.name, entity_id: row.id, ...sudoMeta(state, caller) }],
  ])
}

/**
 * People always leave a trace, and so does whoever is impersonated; a script on its own account only while its
 * `generate_event_log_entries` is on. facts: SGT 049; that sudo bypasses the flag is seen in public code
 */
function leavesTrace({ actual, acting }: Caller): boolean {
  return acting.kind === 'person' || (actual.kind === 'script' && actual.script.generatesEvents)
}

/** Who really called, under somebody else's name. facts: PY docstring of `sudo_as_login` */
function sudoMeta({ tables }: SiteState, { actual, acting }: Caller): Record<string, unknown> {
  if (actual.kind !== 'script' || acting.kind !== 'person') return {}
  const link = actual.script.link
  const row = tables.get(link)
  return { sudo_actual_user: { ...link, name: row ? displayName(row) : actual.script.name } }
}

function textOf(row: Row, field: string): string | null {
  const value = row.values.get(field)
  return typeof value === 'string' ? value : null
}

function linkOf(row: Row, field: string): Link | null {
  const value = row.values.get(field)
  return isLink(value) ? value : null
}

function metaOf(row: Row): Readonly<Record<string, unknown>> {
  const value = row.values.get('meta')
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
