import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from './callers.ts'
import { entityTypeDoesNotExist, rowDoesNotExist } from './data-refusals.ts'
import { compileFilter } from './filters.ts'
import { allFields, findRows, refuseClosedType } from './read.ts'
import { faultCode, Refusal } from './refusals.ts'
import { callerOfBearer } from './rest-auth.ts'
import { invalidJsonBody, mediaTypeOf, restErrorOf, sendRestError, unsupportedContentType } from './rest-errors.ts'
import {
  arrayMediaType,
  hashMediaType,
  InvalidQuery,
  onlyIn,
  parseFields,
  parseListing,
  parseSearch,
  type RestQuery,
} from './rest-queries.ts'
import { restRow } from './rest-rows.ts'
import type { Row } from './rows.ts'
import { type EntityType, entityTypeInPath, fieldOf } from './schema.ts'
import type { SiteState } from './site-state.ts'
import { View } from './view.ts'
import { createRow, deleteRow, updateRow } from './write.ts'
import type { FieldWrite } from './written-values.ts'

/** What every handler below works with. */
interface Asked {
  readonly caller: Caller
  readonly view: View
  readonly type: EntityType
  readonly params: URLSearchParams
  readonly body: string
  /** `/api/v1` or `/api/v1.1`: links echo it. facts: SGT 051 */
  readonly prefix: string
}

/** The entity routes under one version prefix. facts: SGT endpoints */
export function serveRestEntities(app: FastifyInstance, state: SiteState, prefix: string): void {
  const asked = async (request: FastifyRequest<{ Params: { type: string } }>): Promise<Asked> => {
    const caller = await callerOfBearer(state, request)
    const type = entityTypeInPath(request.params.type)
    if (!type) throw entityTypeDoesNotExist(request.params.type)
    const params = new URLSearchParams(request.url.split('?').slice(1).join('?'))
    return { caller, view: new View(state, caller.acting), type, params, body: String(request.body ?? ''), prefix }
  }

  app.get<{ Params: { type: string } }>(`${prefix}/entity/:type`, async (request, reply) => {
    const ask = await asked(request)
    return sendJson(reply, 200, listing(state, ask, parseListing(ask.params), request.url))
  })

  app.post<{ Params: { type: string } }>(`${prefix}/entity/:type/_search`, async (request, reply) => {
    const ask = await asked(request)
    const mediaType = mediaTypeOf(request.headers['content-type'])
    if (mediaType !== arrayMediaType && mediaType !== hashMediaType) {
      return sendRestError(reply, unsupportedContentType(mediaType, [arrayMediaType, hashMediaType]))
    }
    return sendJson(reply, 200, listing(state, ask, parseSearch(parseJson(ask.body), mediaType), request.url))
  })

  app.get<{ Params: { type: string; id: string } }>(`${prefix}/entity/:type/:id`, async (request, reply) => {
    const ask = await asked(request)
    refuseClosedType(ask.view, ask.type)
    const row = ask.view.row({ type: ask.type.name, id: Number(request.params.id) }, onlyIn(ask.params))
    if (!row) throw rowNotFound(ask.type, request.params.id)
    const fields = parseFields(ask.params.get('fields') ?? undefined)
    return sendJson(reply, 200, { data: shownRow(ask, row, fields) })
  })

  app.post<{ Params: { type: string } }>(`${prefix}/entity/:type`, async (request, reply) => {
    const ask = await asked(request)
    const writes = readWrites(ask.body)
    const row = createRow(state, ask.caller, ask.type, writes)
    return sendJson(reply, 201, { data: createdRow(ask, row, writes), links: { self: selfLink(ask, row.id) } })
  })

  app.put<{ Params: { type: string; id: string } }>(`${prefix}/entity/:type/:id`, async (request, reply) => {
    const ask = await asked(request)
    const row = updateRow(state, ask.caller, ask.type, Number(request.params.id), readWrites(ask.body))
    return sendJson(reply, 200, { data: shownRow(ask, row, undefined), links: { self: selfLink(ask, row.id) } })
  })

  // facts: SGT delete_entity_type_id: 204 without a body, and 404 the second time
  app.delete<{ Params: { type: string; id: string } }>(`${prefix}/entity/:type/:id`, async (request, reply) => {
    const ask = await asked(request)
    const wasLive = deleteRow(state, ask.caller, ask.type, Number(request.params.id))
    if (!wasLive) throw rowDoesNotExist(ask.type.name, request.params.id)
    return reply.code(204).send()
  })
}

/** Answers what the handlers throw; true when it did. */
export function answerRestRefusal(error: unknown, reply: FastifyReply): boolean {
  if (error instanceof Refusal) sendRestError(reply, restErrorOf(error))
  else if (error instanceof InvalidQuery) sendRestError(reply, error.error)
  else if (error instanceof InvalidJson) sendRestError(reply, invalidJsonBody)
  else return false
  return true
}

class InvalidJson extends Error {}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (cause) {
    throw new InvalidJson('the body is not JSON', { cause })
  }
}

/** One page of rows. `links.next` is there even behind the last one. facts: SGT 006 */
function listing(state: SiteState, ask: Asked, query: RestQuery, url: string): unknown {
  const { view, type } = ask
  const rows = findRows(view, {
    type,
    matches: compileFilter({ operation: 'read', view, nowMs: state.clock.now(), type }, query.filter),
    sorts: query.sorts,
    only: query.only,
    archivedProjects: true,
  })
  const { size, number } = query.page
  const page = rows.slice((number - 1) * size, number * size)
  const [path = ''] = url.split('?', 1)
  const linkTo = (at: number) =>
    `${path}?${new URLSearchParams({ 'page[number]': String(at), 'page[size]': String(size) })}`
  return {
    data: page.map((row) => shownRow(ask, row, query.fields)),
    links: { self: url, next: linkTo(number + 1), ...(number > 1 ? { prev: linkTo(number - 1) } : {}) },
  }
}

function shownRow(ask: Asked, row: Row, fields: readonly string[] | undefined): unknown {
  return restRow(ask, row, fields ?? allFields(ask.type).filter((name) => name !== 'id'))
}

/** A create answers what was sent, what the site set, and every link. facts: SGT 024 */
function createdRow(ask: Asked, row: Row, writes: readonly FieldWrite[]): unknown {
  const sent = writes.map(({ name }) => name)
  const set = ['created_at', 'updated_at', 'cached_display_name', 'sg_status_list', ask.type.identity ?? 'id']
  const links = allFields(ask.type).filter((name) => fieldOf(ask.type, name)?.dataType.endsWith('entity'))
  const names = [...new Set([...sent, ...set, ...links])].filter((name) => name !== 'id')
  return restRow(ask, row, names)
}

function selfLink({ prefix, type }: Asked, id: number): string {
  return `${prefix}/entity/${type.plural}/${id}`
}

/** facts: SGT get_entity_type_id: retired and never there are told with the same words */
function rowNotFound(type: EntityType, id: string): Refusal {
  return new Refusal(faultCode.refusedData, `${type.name}: ${id} not found`, { status: 404 })
}

/** A flat object of fields; how a set of links is changed stands inside its value. facts: SGT field_types/multi_entity */
function readWrites(text: string): FieldWrite[] {
  const body = parseJson(text)
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new InvalidJson('the body is no object')
  return Object.entries(body).map(([name, value]: [string, unknown]) => ({ name, value, mode: undefined }))
}

function sendJson(reply: FastifyReply, status: number, body: unknown): FastifyReply {
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(body))
}
