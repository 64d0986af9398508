import { faultCode, Refusal } from './refusals.ts'
import { classNameOf, inspectValue } from './ruby-text.ts'

/** The word in `API read() …`. */
export type Operation = 'read' | 'summarize' | 'create' | 'update' | 'delete' | 'revive' | 'batch' | (string & {})

const badRequest = (message: string, source?: unknown) => new Refusal(faultCode.badRequest, message, { source })

// facts: SGT 028: `API read() Version.sg_not_a_field doesn't exist.`
export function fieldDoesNotExist(operation: Operation, type: string, path: string, condition?: unknown): Refusal {
  const source = condition
    ? { [`${type}.${path}`]: ` does not exist. Value: ${inspectValue(condition)}` }
    : { [`${type}.${path}`]: ' does not exist.' }
  return badRequest(`API ${operation}() ${type}.${path} doesn't exist.`, source)
}

// seen in tk scripts that look for this text: `API read() invalid/missing string entity 'type'`
export const invalidEntityType = (operation: Operation, params: unknown, validTypes: readonly string[]) =>
  badRequest(
    `API ${operation}() invalid/missing string entity 'type':\n${inspectValue(params)}\nValid entity types:\n${inspectValue(validTypes)}`,
  )

// facts: SGT endpoints/get_entity_type
export const entityTypeDoesNotExist = (name: string) =>
  new Refusal(faultCode.badRequest, `Entity type '${name}' does not exist.`, { status: 404 })

// seen in public code: `API read() invalid/missing integer 'paging' 'entities_per_page':`
export const invalidParameter = (
  operation: Operation,
  expected: string,
  path: readonly PropertyKey[],
  params: unknown,
) =>
  badRequest(
    `API ${operation}() invalid/missing ${expected} ${path.map((key) => `'${String(key)}'`).join(' ')}:\n${inspectValue(params)}`,
  )

// facts: SGT 017, with and without a list of relations
export function relationNotSupported(
  owner: string,
  dataType: string,
  condition: { path: string; relation: string; values: unknown },
  validRelations: readonly string[] | undefined,
  operation: Operation,
): Refusal {
  const value = inspectValue(condition)
  if (!validRelations) {
    return badRequest(`API ${operation}() ${owner}'s '${dataType}' data type cannot be used in a filter.`, {
      [owner]: ` data type cannot be used in a filter. Value: ${value}`,
    })
  }
  const problem = `data type doesn't support '${condition.relation}' 'relation'`
  return badRequest(`API ${operation}() ${owner}'s '${dataType}' ${problem}`, {
    [owner]: ` ${problem}. Value: ${value} Valid relations: ${inspectValue(validRelations)}`,
  })
}

// facts: SGT field_types/number, multi_entity: `'between' 'relation' expects a 2-element array: [1001]`
export const relationExpects = (operation: Operation, relation: string, expected: string, values: unknown) =>
  badRequest(`API ${operation}() '${relation}' 'relation' expects ${expected}: ${inspectValue(values)}`)

// facts: SGT field_types/date_time
export const unknownTimeUnit = (operation: Operation, relation: string, unit: unknown, values: unknown) =>
  badRequest(
    `API ${operation}() '${relation}' 'relation' doesn't support the '${String(unit)}' time unit: ${inspectValue(values)}  Valid time units: ["HOUR", "DAY", "WEEK", "MONTH", "YEAR"]`,
  )

// facts: SGT field_types/text: `expected [String, NilClass] data type(s) but got Integer: 12345`
export const wrongClass = (operation: Operation, owner: string, expected: readonly string[], value: unknown) =>
  badRequest(
    `API ${operation}() ${owner} expected [${expected.join(', ')}] data type(s) but got ${classNameOf(value)}: ${inspectValue(value)}`,
  )

// facts: SGT field_types/number, checkbox
export const invalidData = (field: string, dataType: string, value: unknown) =>
  badRequest(`Invalid data for '${dataType}' data type`, {
    [field]: `Invalid data for '${dataType}' data type. Value: ${String(value)}`,
  })

// facts: SGT field_types/date, date_time
export const invalidDate = (value: string) => badRequest(`Invalid date format: ${value}. Correct format is: 2011-01-21`)
export const invalidDateTime = (value: string) =>
  badRequest(
    `Invalid date time format: ${value}. Correct format is 2011-01-21T13:26:09Z (UTC), 2011-01-21T13:26:09-07:00 (UTC Offset) or any ISO8601 compatible string.`,
  )

// facts: SGT field_types/entity
export const missingLinkType = (operation: Operation, value: unknown, validTypes: readonly string[]) =>
  badRequest(
    `API ${operation}() invalid/missing entity hash string 'type': ${inspectValue(value)} Valid entity types: ${inspectValue(validTypes)}`,
  )
export const missingLinkId = (operation: Operation, value: unknown) =>
  badRequest(`API ${operation}() invalid/missing entity hash integer 'id': ${inspectValue(value)}`)
export const missingLink = (operation: Operation, value: unknown) =>
  badRequest(`API ${operation}() invalid/missing entity hash: ${inspectValue(value)}`)

// facts: SGT field_types/multi_entity: what stands where the links should be is no list and no list with a mode
export const missingUpdateMode = (operation: Operation) =>
  badRequest(`API ${operation}() invalid/missing string 'multi_entity_update_mode'`)
export const missingLinkList = (operation: Operation) =>
  badRequest(`API ${operation}() invalid/missing array of entity hashes 'value'`)

// facts: SGT field_types/url, recipes/004
export const missingUrl = (operation: Operation, value: unknown) =>
  badRequest(`API ${operation}() invalid/missing url hash string 'url': ${inspectValue(value)}`)
export const invalidRelativePath = (operation: Operation, value: unknown) =>
  badRequest(`API ${operation}() invalid/missing relative_path hash string 'relative_path': ${inspectValue(value)}`)
export const noStorageForPath = (path: string) =>
  new Refusal(
    faultCode.refusedData,
    `Create failed for [Attachment]: Path ${path} doesn't match any defined Local Storage.`,
    { crudError: '6' },
  )

// facts: SGT endpoints/get_entity_type_id_followers, get_entity_human_users_id_following
export const notFoundById = (type: string, id: unknown) =>
  new Refusal(faultCode.refusedData, `Couldn't find ${type} with id=${String(id)}`, { status: 404 })

// facts: SGT endpoints/put_entity_type_id, and a public fixture for the CRUD number
export const rowDoesNotExist = (type: string, id: unknown) =>
  new Refusal(faultCode.refusedData, `Entity of type [${type}] with id=${String(id)} does not exist.`, {
    status: 404,
    crudError: '3',
  })

// facts: SGT field_types/date_time, uuid
export const editableOnCreateOnly = (owner: string) => badRequest(`API update() ${owner} is editable on create only.`)
export const readOnly = (operation: Operation, owner: string) => badRequest(`API ${operation}() ${owner} is read only.`)

// facts: SGT endpoints/post_entity_type
export const missingProject = (sent: unknown) =>
  badRequest(`API create() missing 'project' attribute: ${inspectValue(sent)}`)

/** A value the site understands and refuses. facts: SGT field_types/status_list, entity; CRUD numbers from public fixtures */
export const valueRefused = (operation: Operation, type: string, field: string, why: string) =>
  operation === 'create'
    ? new Refusal(
        faultCode.refusedData,
        `Invalid field value, update failed [5 - Update failed for [${type}.${field}]: ${why}]`,
        { crudError: '6' },
      )
    : new Refusal(faultCode.refusedData, `Update failed for [${type}.${field}]: ${why}`, { crudError: '5' })

// facts: SGT HumanUser: the trailing break is the site's
export const valueNotUnique = (operation: Operation, type: string, field: string, displayName: string) => {
  const why = `The value for the ${displayName} field is required to be unique. <br> `
  return operation === 'create'
    ? new Refusal(faultCode.refusedData, `Create failed for [${type}]: ${why}`, { crudError: '61' })
    : new Refusal(faultCode.refusedData, `Update failed for [${type}.${field}]: ${why}`, { crudError: '51' })
}

// facts: SGT entity_types/Shot
export const identifierEmpty = (operation: Operation, type: string) =>
  new Refusal(
    faultCode.refusedData,
    `${operation === 'create' ? 'Create' : 'Update'} failed for [${type}]: Cannot set identifier field to empty. (${type})`,
    { crudError: operation === 'create' ? '6' : '5' },
  )

// facts: SGT HumanUser: 401 with code 110, unlike every other refused write
export const onlyIdentityUsersPromote = () =>
  new Refusal(faultCode.identityOnly, 'User promotion to active is permitted only for Identity Users', { status: 401 })
