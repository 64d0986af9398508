import { z } from 'zod'
import type { Caller } from './callers.ts'
import { rowDoesNotExist } from './data-refusals.ts'
import { faultCode, Refusal } from './refusals.ts'
import { parseParams, typeIn } from './rpc-params.ts'
import { rpcEntity } from './rpc-read.ts'
import { type SiteState, timestamp } from './site-state.ts'
import { View } from './view.ts'
import { createRow, deleteRow, reviveRow, updateRow } from './write.ts'
import type { FieldWrite } from './written-values.ts'

const fieldsSchema = z
  .array(
    z.looseObject({
      field_name: z.string(),
      value: z.unknown().optional(),
      multi_entity_update_mode: z.unknown().optional(),
    }),
  )
  .transform((fields) =>
    fields.map(({ field_name, value, multi_entity_update_mode }): FieldWrite => {
      return { name: field_name, value: value ?? null, mode: multi_entity_update_mode }
    }),
  )

const createParams = z.looseObject({
  type: z.string(),
  fields: fieldsSchema,
  return_fields: z.array(z.string()).default(['id']),
})
const updateParams = z.looseObject({ type: z.string(), id: z.int(), fields: fieldsSchema })
const rowParams = z.looseObject({ type: z.string(), id: z.int() })

/** `create`: answers the fields that were sent and the ones that were asked for. facts: PY docstring */
export function rpcCreate(state: SiteState, caller: Caller, rawParams: unknown): unknown {
  const params = parseParams('create', createParams, rawParams)
  const type = typeIn('create', params.type, rawParams)
  const row = createRow(state, caller, type, params.fields)
  const shown = [...params.fields.map(({ name }) => name), ...params.return_fields]
  return rpcEntity(new View(state, caller.acting), row, type, shown)
}

/** `update`: answers the fields that were sent. */
export function rpcUpdate(state: SiteState, caller: Caller, rawParams: unknown): unknown {
  const params = parseParams('update', updateParams, rawParams)
  const type = typeIn('update', params.type, rawParams)
  const row = updateRow(state, caller, type, params.id, params.fields)
  const shown = params.fields.map(({ name }) => name)
  return rpcEntity(new View(state, caller.acting), row, type, shown)
}

export function rpcDelete(state: SiteState, caller: Caller, rawParams: unknown): boolean {
  const params = parseParams('delete', rowParams, rawParams)
  return deleteRow(state, caller, typeIn('delete', params.type, rawParams), params.id)
}

export function rpcRevive(state: SiteState, caller: Caller, rawParams: unknown): boolean {
  const params = parseParams('revive', rowParams, rawParams)
  return reviveRow(state, caller, typeIn('revive', params.type, rawParams), params.id)
}

const batchParams = z.array(z.looseObject({ request_type: z.enum(['create', 'update', 'delete']) }))
const batched = { create: rpcCreate, update: rpcUpdate, delete: rpcDelete }

/** `batch`: all of it, or none. facts: PY docstring; the message is seen in a public forum thread */
export function rpcBatch(state: SiteState, caller: Caller, rawParams: unknown): unknown {
  const requests = parseParams('batch', batchParams, rawParams)
  const rollBack = state.tables.snapshot()
  return requests.map((request, index) => {
    try {
      return batched[request.request_type](state, caller, request)
    } catch (error) {
      rollBack()
      if (!(error instanceof Refusal)) throw error
      const why = faultText(error, request.request_type)
      throw new Refusal(
        error.code,
        `API batch() request with index ${index} failed.  All requests rolled back.\n${why}`,
      )
    }
  })
}

const visitParams = z.looseObject({ project_id: z.int(), user_id: z.int().optional() })

/** `update_project_last_accessed_by_current_user`: for the person named, or the one calling. facts: PY 1.4 */
export function rpcUpdateLastAccessed(state: SiteState, caller: Caller, rawParams: unknown): unknown {
  const params = parseParams('update_project_last_accessed_by_current_user', visitParams, rawParams)
  if (!new View(state, caller.acting).row({ type: 'Project', id: params.project_id })) {
    throw rowDoesNotExist('Project', params.project_id)
  }
  const userId = params.user_id ?? (caller.acting.kind === 'person' ? caller.acting.user.id : undefined)
  if (userId === undefined) throw new Refusal(faultCode.badRequest, "API invalid/missing integer 'user_id'")
  state.visits.set(`${userId}/${params.project_id}`, timestamp(state.clock.now()))
  return { type: 'Project', id: params.project_id }
}

/** A refusal as JSON-RPC words it. */
export function faultText(refusal: Refusal, method: string): string {
  return refusal.crudError ? `API ${method}() CRUD ERROR #${refusal.crudError}: ${refusal.message}` : refusal.message
}
