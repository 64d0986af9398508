import { randomBytes, randomUUID } from 'node:crypto'
import { principalLink } from './accounts.ts'
import type { Caller } from './callers.ts'
import {
  editableOnCreateOnly,
  fieldDoesNotExist,
  identifierEmpty,
  missingProject,
  readOnly,
  rowDoesNotExist,
  wrongClass,
} from './data-refusals.ts'
import { type Change, recordChanges, recordCreation, recordRetirement, recordRevival } from './events.ts'
import { judgeValue } from './field-values.ts'
import { checkMayActivate, checkMayCreate, checkMayDelete, checkMayEdit } from './permissions.ts'
import { type Row, sameLink, type Value } from './rows.ts'
import { defaultValues, type EntityType, entityTypeNamed, type Field, fieldOf } from './schema.ts'
import { type SiteState, timestamp } from './site-state.ts'
import { storeValue } from './stored-values.ts'
import { linksIn, View } from './view.ts'
import { checkUnique, type FieldWrite, heldLinks, judgeWrittenValue, type WriteContext } from './written-values.ts'

/** Accepted at 200 and thrown away: it mirrors the identity field. facts: SGT field_types/text */
const discarded = 'cached_display_name'
const stamps = ['created_at', 'created_by', 'updated_at', 'updated_by']

/** Types whose author is whoever writes, unless somebody else is named. facts: SGT entity_types/Note, Reply */
const authored = ['Note', 'Reply', 'Version']

/**
 * Makes a row. Unknown fields and a missing project are refused first, then what the caller may not do, then values:
 * the order a real site has. facts: SGT 094
 */
export function createRow(state: SiteState, caller: Caller, type: EntityType, sent: readonly FieldWrite[]): Row {
  const view = new View(state, caller.acting)
  const context: WriteContext = { operation: 'create', view, tables: state.tables, type, row: undefined }
  const writes = knownFields('create', type, sent)
  if (type.projectScope === 'required' && !writes.some(({ write }) => write.name === 'project')) {
    throw missingProject(Object.fromEntries(sent.map(({ name, value }) => [name, value])))
  }
  for (const { write, field } of writes) {
    checkMayEdit(caller, type, undefined, write.name)
    if (field.editable === 'never') throw readOnly('create', `${type.name}.${write.name}`)
  }
  checkMayCreate(caller, type, (id) => view.seesProject(id), projectOf(type, writes))
  if (type.name === 'HumanUser' && statusAfterCreate(writes) === 'act') checkMayActivate(caller, state.switches)

  const given = writes.map(({ write, field }): Change => {
    const to = judgeWrittenValue(context, field, write)
    checkUnique(context, write.name, field, to)
    return { name: write.name, field, from: field.defaultValue, to }
  })
  const row = state.tables.insert(type.name, defaultsFor(state, caller, type))
  const retired = given.flatMap((change) => storeValue(state, caller, type, row, change).retired)
  if (type.identity && !row.values.get(type.identity))
    row.values.set(type.identity, `New ${type.displayName} ${row.id}`)
  if (type.name === 'HumanUser') addUser(state, row, given)
  recordCreation(state, caller, type, row, filledFields(type, row))
  recordRetirements(state, caller, retired)
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
    const from = field.reverseOf ? heldLinks(context, write.name, field) : (row.values.get(write.name) ?? null)
    return { name: write.name, field, from, to }
  })
  const real = changes.filter(({ from, to }) => JSON.stringify(from) !== JSON.stringify(to))
  const activates = real.some(({ name, to }) => name === 'sg_status_list' && to === 'act')
  if (type.name === 'HumanUser' && activates) checkMayActivate(caller, state.switches)

  const stored = real.map((change) => ({ change, ...storeValue(state, caller, type, row, change) }))
  if (real.length > 0) stampUpdate(state, caller, row)
  recordChanges(
    state,
    caller,
    type,
    row,
    stored.map(({ change, value }) => ({ ...change, to: value })),
  )
  recordRetirements(
    state,
    caller,
    stored.flatMap(({ retired }) => retired),
  )
  return row
}

/**
 * Retires a row, and what goes with it: the Versions of a Shot. False when it was retired already. What went with it
 * stays retired when it comes back, which nobody measured. facts: PY docstring of `delete`, SGT 060
 */
export function deleteRow(state: SiteState, caller: Caller, type: EntityType, id: number): boolean {
  const view = new View(state, caller.acting)
  const row = view.row({ type: type.name, id })
  const known = row ?? view.row({ type: type.name, id }, 'retired')
  if (!known) throw rowDoesNotExist(type.name, id)
  checkMayDelete(caller, type, known)
  if (!row) return false
  recordRetirement(state, caller, type, row)
  row.retired = true
  const taken = type.retiresWith.flatMap(({ type: other, field }) => {
    return state.tables.live(other).filter((linked) => isLinkedBy(linked, field, row))
  })
  for (const linked of taken) linked.retired = true
  recordRetirements(state, caller, taken)
  return true
}

/** Brings a retired row back. False when it was not retired. */
export function reviveRow(state: SiteState, caller: Caller, type: EntityType, id: number): boolean {
  const view = new View(state, caller.acting)
  const row = view.row({ type: type.name, id }, 'retired')
  const known = row ?? view.row({ type: type.name, id })
  if (!known) throw rowDoesNotExist(type.name, id)
  checkMayDelete(caller, type, known)
  if (!row) return false
  if (type.name === 'HumanUser' && row.values.get('sg_status_list') === 'act') checkMayActivate(caller, state.switches)
  row.retired = false
  recordRevival(state, caller, type, row)
  return true
}

type KnownWrite = { readonly write: FieldWrite; readonly field: Field }

function knownFields(operation: 'create' | 'update', type: EntityType, sent: readonly FieldWrite[]): KnownWrite[] {
  return sent
    .flatMap((write) => (type.name === 'HumanUser' && write.name === 'name' ? splitName(operation, write) : [write]))
    .filter(({ name }) => name !== discarded)
    .map((write) => {
      const field = fieldOf(type, write.name)
      if (!field) throw fieldDoesNotExist(operation, type.name, write.name)
      return { write, field }
    })
}

/** A person's `name` is their first and last name: what comes before the first space, and the rest. */
function splitName(operation: 'create' | 'update', { value, mode }: FieldWrite): FieldWrite[] {
  if (typeof value !== 'string' && value !== null) {
    throw wrongClass(operation, 'HumanUser.name', ['String', 'NilClass'], value)
  }
  const [firstname = '', ...rest] = (value ?? '').trim().split(/\s+/)
  if (firstname === '') throw identifierEmpty(operation, 'HumanUser')
  return [
    { name: 'firstname', value: firstname, mode },
    { name: 'lastname', value: rest.join(' '), mode },
  ]
}

/** A person made over the API is an artist, with the passphrase they came with. facts: SGT HumanUser, PY tests/base.py */
function addUser(state: SiteState, row: Row, given: readonly Change[]): void {
  const user = state.accounts.addUser(row)
  user.role = 'artist'
  const passphrase = given.find(({ field }) => field.dataType === 'password')?.to
  if (typeof passphrase === 'string') user.passphrase = passphrase
}

function isLinkedBy(linked: Row, field: string, row: Row): boolean {
  return linksIn(linked.values.get(field)).some((link) => sameLink(link, row))
}

function recordRetirements(state: SiteState, caller: Caller, rows: readonly Row[]): void {
  for (const row of rows) {
    const type = entityTypeNamed(row.type)
    if (type) recordRetirement(state, caller, type, row)
  }
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
  const stamped: [string, Value][] = [
    ['created_at', now],
    ['updated_at', now],
    ['created_by', by],
    ['updated_by', by],
  ]
  // facts: SGT entity_types/Note: an unnamed author is whoever writes; HumanUser: unnamed people are called "New User …"
  const author: [string, Value][] = authored.includes(type.name) ? [['user', by]] : []
  const named: [string, Value][] =
    type.name === 'HumanUser'
      ? [
          ['firstname', 'New'],
          ['lastname', `User ${randomBytes(5).toString('hex')}`],
        ]
      : []
  const described: [string, Value][] = type.name === 'EventLogEntry' ? [['description', 'New Event']] : []
  const identified: [string, Value][] = type.fields['uuid'] ? [['uuid', randomUUID()]] : []
  return [...defaultValues(type.name), ...stamped, ...author, ...named, ...described, ...identified]
}

function filledFields(type: EntityType, row: Row): Change[] {
  return [...row.values].flatMap(([name, to]) => {
    const field = fieldOf(type, name)
    const isEmpty = to === null || to === false || (Array.isArray(to) && to.length === 0)
    return !field || isEmpty || name === 'project' || stamps.includes(name) ? [] : [{ name, field, from: null, to }]
  })
}

/** Notes who changed a row, and when. */
export function stampUpdate(state: SiteState, caller: Caller, row: Row): void {
  row.values.set('updated_at', timestamp(state.clock.now()))
  row.values.set('updated_by', principalLink(caller.acting))
}
