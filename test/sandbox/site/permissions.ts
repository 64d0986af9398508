import type { Caller } from './callers.ts'
import { onlyIdentityUsersPromote } from './data-refusals.ts'
import { faultCode, Refusal } from './refusals.ts'
import { isLink, type Row, type Value } from './rows.ts'
import type { EntityType } from './schema.ts'
import type { SiteSwitches } from './switches.ts'

const refused = (message: string) => new Refusal(faultCode.refusedData, message, { crudError: '4.1' })

/** What people may change on their own row; everything else there is for scripts and admins. */
const ownFields = ['firstname', 'lastname', 'name', 'image', 'filmstrip_image']

/** Types without a project that everybody works with: Toolkit writes the last two as the artist. facts: TK publish_creation */
const openTypes = ['Reply', 'Tag', 'PublishedFileType', 'PublishedFileDependency']

/** Types only scripts and admins write. facts: SGT HumanUser, LocalStorage */
const administeredTypes = ['HumanUser', 'LocalStorage']

/** The fields no API caller changes, and the rule the site names. facts: SGT 025, 027, HumanUser */
const deniedFields: Readonly<Record<string, number>> = {
  'HumanUser.can_impersonate_this_user': 2027,
  'HumanUser.permission_rule_set': 2028,
  'ApiUser.permission_rule_set': 2029,
}

/** Throws unless the caller may create a row of this type there. facts: SGT 094 */
export function checkMayCreate(
  caller: Caller,
  type: EntityType,
  seesProject: (id: number) => boolean,
  project: Value,
): void {
  const closed = type.name === 'ApiUser' || type.name === 'PermissionRuleSet'
  const allowed = isLink(project)
    ? seesProject(project.id)
    : type.projectScope !== 'required' && mayWriteSiteWide(caller, type)
  if (closed || !allowed) throw refused(`Entity of type ${type.name} cannot be created by this user.`)
}

/** Throws unless the caller may delete and revive rows of this type; which rows they can see was settled before. */
export function checkMayDelete(caller: Caller, type: EntityType, row: Row): void {
  if (type.name === 'EventLogEntry') {
    const rule = 'Rule: API Admin -- PermissionRule 297: DENY retire_entity FOR entity_type => EventLogEntry'
    throw refused(`Entity of type EventLogEntry can not be deleted by this user. ${rule}`)
  }
  const closed = type.name === 'ApiUser' || type.name === 'PermissionRuleSet'
  const allowed = isInProject(type, row) || mayWriteSiteWide(caller, type)
  if (closed || !allowed) throw refused(`Entity of type ${type.name} can not be deleted by this user.`)
}

/**
 * Throws unless the caller may change this field of this row (of a row to be made, when there is none yet).
 * Only scripts and admins write other people's rows.
 */
export function checkMayEdit(caller: Caller, type: EntityType, row: Row | undefined, field: string): void {
  const owner = `${type.name}.${field}`
  const notEditable = `The field is not editable for this user: [${owner}].`
  const rule = deniedFields[owner]
  if (rule !== undefined) {
    throw refused(
      `${notEditable} Rule: API Admin -- PermissionRule ${rule}: DENY update_field FOR entity_type => ${type.name}, field_name => ${field}, field_value => `,
    )
  }
  if (type.name === 'EventLogEntry' && row) {
    throw refused(
      `${notEditable} Rule: API Admin -- PermissionRule 306: DENY update_field FOR entity_type => EventLogEntry, field_name => ${field}`,
    )
  }
  if (isInProject(type, row)) return
  if (type.name === 'HumanUser' && row && isOwnRow(caller, row) && ownFields.includes(field)) return
  if (type.name !== 'ApiUser' ? mayWriteSiteWide(caller, type) : isAdminOrScript(caller)) return
  throw refused(notEditable)
}

/**
 * Throws unless the caller may make a person active. On an Identity site that takes an admin in person, with a
 * Personal Access Token; neither a script nor a script's sudo will do. facts: 5 (FORUM t/14281), SGT HumanUser
 */
export function checkMayActivate(caller: Caller, { mode }: Pick<SiteSwitches, 'mode'>): void {
  if (mode !== 'oxygen') return
  const { actual } = caller
  if (actual.kind === 'person' && actual.user.role === 'admin' && actual.user.pat === 'bound') return
  throw onlyIdentityUsersPromote()
}

/** Whether a row's project decides about it; of a row to be made the project is judged with the creation. */
function isInProject(type: EntityType, row: Row | undefined): boolean {
  if (type.projectScope === 'optional') return !row || isLink(row.values.get('project'))
  return type.projectScope === 'required'
}

function mayWriteSiteWide(caller: Caller, type: EntityType): boolean {
  if (isAdminOrScript(caller) || openTypes.includes(type.name)) return true
  return isManager(caller) && !administeredTypes.includes(type.name)
}

export function isAdminOrScript({ acting }: Caller): boolean {
  return acting.kind === 'script' || acting.user.role === 'admin'
}

function isManager({ acting }: Caller): boolean {
  return acting.kind === 'person' && acting.user.role === 'manager'
}

function isOwnRow({ acting }: Caller, row: Row): boolean {
  return acting.kind === 'person' && acting.user.id === row.id
}
