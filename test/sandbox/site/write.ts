import { randomBytes } from 'node:crypto'
import { principalLink } from './accounts.ts'
import type { Caller } from './callers.ts'
import { editableOnCreateOnly, fieldDoesNotExist, missingProject, readOnly, rowDoesNotExist } from './data-refusals.ts'
import { type Change, recordChanges, recordCreation, recordRetirement, recordRevival } from './events.ts'
import { judgeValue } from './field-values.ts'
import { checkMayActivate, checkMayCreate, checkMayDelete, checkMayEdit } from './permissions.ts'
import type { Row, Value } from './rows.ts'
import { type EntityType, type Field, fieldOf } from './schema.ts'
import { type SiteState, timestamp } from './site-state.ts'
import { View } from './view.ts'
import { checkUnique, type FieldWrite, judgeWrittenValue, type WriteContext } from './written-values.ts'

/** Accepted at 200 and thrown away: it mirrors the identity field. facts: SGT field_types/text */
const discarded = 'cached_display_name'
const stamps = ['created_at', 'created_by', 'updated_at', 'updated_by']

/**
 * Makes a row. Unknown fields and a missing project are refused first, then what the caller may not do, then values:
 * the order a real site has. facts: SGT 094
 */
export function createRow(state: SiteState, caller: Caller, type: EntityType, sent: readonly FieldWrite[]): Row {
  const view = new View(state, caller.acting)
  const context: WriteContext = { operation: 'create', view, tables: state.tables, type, row: undefined }
  const writes = knownFields('create', type, sent)
  if (type.projectScoped && !writes.some(({ write }) => write.name === 'project')) {
    throw missingProject(Object.fromEntries(sent.map(({ name, value }) => [name, value])))
  }
  for (const { write, field } of writes) {
    checkMayEdit(caller, type, undefined, write.name)
    if (field.editable === 'never') throw readOnly('create', `${type.name}.${write.name}`)
  }
  checkMayCreate(caller, type, (id) => view.seesProject(id), projectOf(type, writes))
  if (type.name === 'HumanUser' && statusAfterCreate(writes) === 'act') checkMayActivate(caller, state.switches)

  const values = new Map<string, Value>(defaultsFor(state, caller, type))
  for (const { write, field } of writes) {
    const value = judgeWrittenValue(context, field, write)
    checkUnique(context, write.name, field, value)
    values.set(write.name, value)
  }
  const row = state.tables.insert(type.name, values)
  if (type.identity && !row.values.get(type.identity))
    row.values.set(type.identity, `New ${type.displayName} ${row.id}`)
  if (type.name === 'HumanUser') state.accounts.addUser(row).role = 'artist'
  recordCreation(state, caller, type, row, filledFields(type, row))
  return row
}

/** Changes some fields of a row; the rest stay as they are. */
export function updateRow(
  state: SiteState,
  caller: Caller,
  type: EntityType,
  id: number,
  sent: readonly FieldWrite[],
): Row {
  const view = new View(state, caller.acting)
  const writes = knownFields('update', type, sent)
  const row = view.row({ type: type.name, id })
  if (!row) throw rowDoesNotExist(type.name, id)
  const context: WriteContext = { operation: 'update', view, tables: state.tables, type, row }
  for (const { write, field } of writes) {
    checkMayEdit(caller, type, row, write.name)
    if (field.editable === 'never') throw readOnly('update', `${type.name}.${write.name}`)
    if (field.editable === 'on create') throw editableOnCreateOnly(`${type.name}.${write.name}`)
  }
  const changes = writes.map(({ write, field }): Change => {
    const to = judgeWrittenValue(context, field, write)
    checkUnique(context, write.name, field, to)
    return { name: write.name, field, from: row.values.get(write.name) ?? null, to }
  })
  const real = changes.filter(({ from, to }) => JSON.stringify(from) !== JSON.stringify(to))
  const activates = real.some(({ name, to }) => name === 'sg_status_list' && to === 'act')
  if (type.name === 'HumanUser' && activates) checkMayActivate(caller, state.switches)

  for (const { name, to } of real) row.values.set(name, to)
  if (real.length > 0) stampUpdate(state, caller, row)
  recordChanges(state, caller, type, row, real)
  return row
}

/** Retires a row. False when it was retired already. facts: PY docstring of `delete` */
export function deleteRow(state: SiteState, caller: Caller, type: EntityType, id: number): boolean {
  const view = new View(state, caller.acting)
  const row = view.row({ type: type.name, id })
  if (!row && !view.row({ type: type.name, id }, 'retired')) throw rowDoesNotExist(type.name, id)
  checkMayDelete(caller, type)
  if (!row) return false
  recordRetirement(state, caller, type, row)
  row.retired = true
  return true
}

/** Brings a retired row back. False when it was not retired. */
export function reviveRow(state: SiteState, caller: Caller, type: EntityType, id: number): boolean {
  const view = new View(state, caller.acting)
  const row = view.row({ type: type.name, id }, 'retired')
  if (!row && !view.row({ type: type.name, id })) throw rowDoesNotExist(type.name, id)
  checkMayDelete(caller, type)
  if (!row) return false
  if (type.name === 'HumanUser' && row.values.get('sg_status_list') === 'act') checkMayActivate(caller, state.switches)
  row.retired = false
  recordRevival(state, caller, type, row)
  return true
}

type KnownWrite = { readonly write: FieldWrite; readonly field: Field }

function knownFields(operation: 'create' | 'update', type: EntityType, sent: readonly FieldWrite[]): KnownWrite[] {
  return sent
    .filter(({ name }) => name !== discarded)
    .map((write) => {
      const field = fieldOf(type, write.name)
      if (!field) throw fieldDoesNotExist(operation, type.name, write.name)
      return { write, field }
    })
}

function projectOf(type: EntityType, writes: readonly KnownWrite[]): Value {
  const project = writes.find(({ write }) => write.name === 'project')
  return project ? judgeValue('create', `${type.name}.project`, project.field, project.write.value) : null
}

function statusAfterCreate(writes: readonly KnownWrite[]): unknown {
  const status = writes.find(({ write }) => write.name === 'sg_status_list')
  return status ? status.write.value : 'act'
}

function defaultsFor(state: SiteState, caller: Caller, type: EntityType): [string, Value][] {
  const now = timestamp(state.clock.now())
  const by = principalLink(caller.acting)
  const defaults = Object.entries(type.fields)
    .filter(([name, field]) => name !== 'id' && !field.reverseOf)
    .map(([name, field]): [string, Value] => [name, field.defaultValue])
  const stamped: [string, Value][] = [
    ['created_at', now],
    ['updated_at', now],
    ['created_by', by],
    ['updated_by', by],
  ]
  // facts: SGT entity_types/Note: an unnamed author is whoever writes; HumanUser: unnamed people are called "New User …"
  const author: [string, Value][] = type.name === 'Note' || type.name === 'Version' ? [['user', by]] : []
  const named: [string, Value][] =
    type.name === 'HumanUser'
      ? [
          ['firstname', 'New'],
          ['lastname', `User ${randomBytes(5).toString('hex')}`],
        ]
      : []
  const described: [string, Value][] = type.name === 'EventLogEntry' ? [['description', 'New Event']] : []
  return [...defaults, ...stamped, ...author, ...named, ...described]
}

function filledFields(type: EntityType, row: Row): Change[] {
  return [...row.values].flatMap(([name, to]) => {
    const field = fieldOf(type, name)
    const isEmpty = to === null || to === false || (Array.isArray(to) && to.length === 0)
    return !field || isEmpty || name === 'project' || stamps.includes(name) ? [] : [{ name, field, from: null, to }]
  })
}

function stampUpdate(state: SiteState, caller: Caller, row: Row): void {
  row.values.set('updated_at', timestamp(state.clock.now()))
  row.values.set('updated_by', principalLink(caller.acting))
}
