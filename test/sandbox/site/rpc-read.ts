import { z } from 'zod'
import type { Caller } from './callers.ts'
import { fieldDoesNotExist } from './data-refusals.ts'
import { compileFilter } from './filters.ts'
import { findRows, type Sort, shownAt } from './read.ts'
import { faultCode, Refusal } from './refusals.ts'
import type { Row } from './rows.ts'
import { filterIn, parseParams, typeIn } from './rpc-params.ts'
import type { EntityType } from './schema.ts'
import type { SiteState } from './site-state.ts'
import { View } from './view.ts'

const readParams = z.looseObject({
  type: z.string(),
  return_fields: z.array(z.string()).default(['id']),
  filters: z.unknown().optional(),
  return_only: z.enum(['active', 'retired']).default('active'),
  paging: z
    .looseObject({ entities_per_page: z.int().positive(), current_page: z.int().positive() })
    .default({ entities_per_page: 500, current_page: 1 }),
  sorts: z
    .array(z.looseObject({ field_name: z.string(), direction: z.enum(['asc', 'desc']).default('asc') }))
    .default([]),
  include_archived_projects: z.boolean().default(true),
  additional_filter_presets: z.unknown().optional(),
  return_paging_info: z.boolean().default(false),
  return_paging_info_without_counts: z.boolean().default(false),
})

/** `read`: behind `find` and `find_one`. facts: PY 1.4 */
export function rpcRead(state: SiteState, caller: Caller, rawParams: unknown): unknown {
  const params = parseParams('read', readParams, rawParams)
  const type = typeIn('read', params.type, rawParams)
  const view = new View(state, caller.acting)
  let rows = findRows(view, {
    type,
    matches: compileFilter({ operation: 'read', view, nowMs: state.clock.now(), type }, filterIn(params.filters)),
    sorts: params.sorts.map((sort): Sort => ({ path: sort.field_name, descending: sort.direction === 'desc' })),
    only: params.return_only,
    archivedProjects: params.include_archived_projects,
  })
  if (params.additional_filter_presets !== undefined) rows = keepLatest(rows, params.additional_filter_presets)

  const fields = readableFields(state, caller, type, params.return_fields)
  const { entities_per_page: size, current_page: number } = params.paging
  const page = rows.slice((number - 1) * size, number * size)
  const entities = page.map((row) => rpcEntity(view, row, type, fields))
  const paging = { current_page: number, entities_per_page: size }
  if (params.return_paging_info_without_counts) {
    return { entities, paging_info: { ...paging, has_next_page: rows.length > number * size } }
  }
  if (!params.return_paging_info) return { entities }
  const counts = { entity_count: rows.length, page_count: Math.ceil(rows.length / size) }
  return { entities, paging_info: { ...paging, ...counts } }
}

/** Without those that people may not read. Throws where the site is one that refuses them instead. */
function readableFields(
  { switches }: SiteState,
  caller: Caller,
  type: EntityType,
  fields: readonly string[],
): string[] {
  const isHidden = (name: string): boolean => switches.hiddenUserFields.includes(name)
  if (type.name !== 'HumanUser' || caller.acting.kind === 'script') return [...fields]
  const hidden = fields.find(isHidden)
  if (hidden !== undefined && switches.hiddenFieldAnswer === 'refused')
    throw fieldDoesNotExist('read', type.name, hidden)
  return fields.filter((name) => !isHidden(name))
}

/** A row as JSON-RPC shows it; unknown fields are left out. */
export function rpcEntity(view: View, row: Row, type: EntityType, fields: readonly string[]): Record<string, unknown> {
  const entity: Record<string, unknown> = { type: type.name, id: row.id }
  for (const name of fields) {
    const value = shownAt(view, row, type, name)
    if (value !== undefined) entity[name] = value
  }
  return entity
}

const latestPreset = z.tuple([z.looseObject({ preset_name: z.literal('LATEST'), latest_by: z.string() })])

/** The one preset there is: the newest row of each link. facts: PY tests/test_api.py (anything else is a fault) */
function keepLatest(rows: readonly Row[], presets: unknown): Row[] {
  const parsed = latestPreset.safeParse(presets)
  if (!parsed.success) {
    throw new Refusal(faultCode.badRequest, "API read() invalid 'additional_filter_presets'")
  }
  const newest = new Map<string, Row>()
  for (const row of [...rows].sort((a, b) => a.id - b.id)) {
    newest.set(JSON.stringify(row.values.get('entity') ?? null), row)
  }
  const kept = new Set(newest.values())
  return rows.filter((row) => kept.has(row))
}
