import { z } from 'zod'
import type { Caller } from './callers.ts'
import { rowDoesNotExist } from './data-refusals.ts'
import { type EventLogEntryRow, eventLog } from './events.ts'
import { shownAt } from './read.ts'
import { faultCode, Refusal } from './refusals.ts'
import { type Link, linkTo, type Row, sameLink } from './rows.ts'
import { parseParams, typeIn } from './rpc-params.ts'
import { rpcEntity } from './rpc-read.ts'
import type { SiteState } from './site-state.ts'
import { linksIn, type NamedLink, View } from './view.ts'

const streamParams = z.looseObject({
  type: z.string(),
  id: z.int(),
  max_id: z.int().nullish(),
  min_id: z.int().nullish(),
  limit: z.int().nullish(),
  entity_fields: z.record(z.string(), z.array(z.string())).default({}),
})

const defaultLimit = 25
const largestLimit = 500

const updateTypes: Readonly<Record<string, string>> = {
  new_entity: 'create',
  attribute_change: 'update',
  entity_retirement: 'delete',
  entity_revival: 'revive',
}

/** The links by which what happens to one row shows in the stream of another. */
const streamLinks = ['entity', 'note_links', 'sg_task', 'tasks', 'project']

/**
 * `activity_stream`: what happened to a row and to what hangs off it, newest first, taken from the event log. A real
 * site keeps a store of its own with ids of its own; nothing here depends on the difference.
 * facts: PY docstring, tests/test_api.py, SGT get_entity_type_id_activity_stream
 */
export function rpcActivityStream(state: SiteState, caller: Caller, rawParams: unknown): unknown {
  const params = parseParams('activity_stream', streamParams, rawParams)
  const type = typeIn('activity_stream', params.type, rawParams)
  const view = new View(state, caller.acting)
  const row = view.row({ type: type.name, id: params.id })
  if (!row) throw rowDoesNotExist(type.name, params.id)
  const limit = judgeLimit(params.limit ?? defaultLimit)
  const log = eventLog(state)
  // both bounds are exclusive
  const inWindow = log.filter(({ id }) => id < (params.max_id ?? Number.POSITIVE_INFINITY) && id > (params.min_id ?? 0))
  const concerning = inWindow.filter((entry) => isTold(entry) && concerns(view, entry, linkTo(row)))
  const updates = concerning.slice(-limit).reverse()
  const hasMore = concerning.length > updates.length
  return {
    entity_type: type.name,
    entity_id: row.id,
    latest_update_id: params.max_id ? params.max_id - 1 : (log.at(-1)?.id ?? 0),
    earliest_update_id: hasMore ? (updates.at(-1)?.id ?? 0) : (params.min_id ?? -1) + 1,
    updates: updates.map((entry) => describeUpdate(view, entry, params.entity_fields)),
  }
}

function judgeLimit(limit: number): number {
  const refuse = (why: string) => new Refusal(faultCode.badRequest, `API activity_stream() limit must be ${why}`)
  if (limit <= 0) throw refuse('greater than 0')
  if (limit > largestLimit) throw refuse(`less than or equal to ${largestLimit}`)
  return limit
}

/** A new row is one update, however many fields it came with. facts: PY tests/test_api.py */
function isTold({ meta, attribute_name: attribute }: EventLogEntryRow): boolean {
  return (
    updateTypes[String(meta['type'])] !== undefined && meta['in_create'] !== true && attribute !== 'retirement_date'
  )
}

function concerns(view: View, entry: EventLogEntryRow, link: Link): boolean {
  const subject = entry.entity && view.row(entry.entity)
  if (!subject) return false
  if (sameLink(subject, link)) return true
  return streamLinks.some((field) => linksIn(subject.values.get(field)).some((held) => sameLink(held, link)))
}

function describeUpdate(view: View, entry: EventLogEntryRow, asked: Readonly<Record<string, string[]>>): unknown {
  const subject = entry.entity && view.row(entry.entity)
  const author = entry.user && view.row(entry.user)
  return {
    id: entry.id,
    update_type: updateTypes[String(entry.meta['type'])],
    meta: entry.meta,
    created_at: entry.created_at,
    read: false,
    primary_entity: subject && {
      ...rpcEntity(view, subject, typeIn('activity_stream', subject.type, entry), asked[subject.type] ?? []),
      ...briefly(view, subject),
    },
    created_by: author && { ...briefly(view, author), image: author.values.get('image') ?? null },
  }
}

function briefly(view: View, row: Row): NamedLink & { readonly status: unknown } {
  const status = shownAt(view, row, typeIn('activity_stream', row.type, row.type), 'sg_status_list')
  return { ...view.named(linkTo(row)), status: status ?? null }
}
