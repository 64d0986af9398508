import { z } from 'zod'
import type { Caller } from './callers.ts'
import { invalidParameter } from './data-refusals.ts'
import { compileFilter } from './filters.ts'
import { shownAt } from './read.ts'
import type { Row } from './rows.ts'
import { filterIn, parseParams, typeIn } from './rpc-params.ts'
import type { EntityType } from './schema.ts'
import type { SiteState } from './site-state.ts'
import { displayName, View } from './view.ts'

const textSearchParams = z.looseObject({
  text: z.string(),
  entity_types: z.record(z.string(), z.unknown()),
  project_ids: z.array(z.int()).default([]),
  max_results: z.int().positive().nullish(),
})

/** `query_display_name_cache`, behind `text_search`: rows whose name has every word. facts: PY docstring, tests/test_api.py */
export function rpcTextSearch(state: SiteState, caller: Caller, rawParams: unknown): unknown {
  const operation = 'query_display_name_cache'
  const params = parseParams(operation, textSearchParams, rawParams)
  if (params.text.trim().length < 3)
    throw invalidParameter(operation, 'string of at least 3 characters', ['text'], rawParams)
  const terms = params.text.toLowerCase().trim().split(/\s+/)
  const view = new View(state, caller.acting)
  const matches = Object.entries(params.entity_types).flatMap(([name, filters]) => {
    const type = typeIn(operation, name, rawParams)
    const test = compileFilter({ operation, view, nowMs: state.clock.now(), type }, filterIn(filters))
    return view.rows(name).flatMap((row) => {
      const projectId = shownAt(view, row, type, 'project.Project.id') ?? (name === 'Project' ? row.id : null)
      const isInScope = params.project_ids.length === 0 || params.project_ids.some((id) => id === projectId)
      const found = isInScope && test(row) && terms.every((term) => displayName(row).toLowerCase().includes(term))
      return found ? [textMatch(view, row, type, projectId)] : []
    })
  })
  return { terms, matches: matches.slice(0, params.max_results ?? matches.length) }
}

function textMatch(view: View, row: Row, type: EntityType, projectId: unknown): unknown {
  const linked = shownAt(view, row, type, 'entity')
  const links =
    linked && typeof linked === 'object' && 'name' in linked && 'type' in linked ? [linked.type, linked.name] : ['', '']
  const image = shownAt(view, row, type, 'image') ?? null
  const status = shownAt(view, row, type, 'sg_status_list') ?? null
  return { id: row.id, type: type.name, name: displayName(row), project_id: projectId, image, links, status }
}
