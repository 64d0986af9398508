import { randomBytes } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { faultCode, type Refusal } from './refusals.ts'

export interface RestError {
  readonly status: number
  readonly code: number
  readonly title: string
  readonly detail?: string | null
  readonly source?: unknown
}

/** The envelope of every REST refusal; `id` is new each time. facts: SGT 2.5 */
function restErrorBody(error: RestError): string {
  const { status, code, title, detail = null, source = null } = error
  return JSON.stringify({
    errors: [{ id: randomBytes(16).toString('hex'), status, code, title, source, detail, meta: null }],
  })
}

export function sendRestError(reply: FastifyReply, error: RestError): FastifyReply {
  return reply.code(error.status).type('application/json; charset=utf-8').send(restErrorBody(error))
}

/** A refusal in REST's words: what is missing says so in `detail`, everything else in `title`. facts: SGT get_entity_type_id */
export function restErrorOf(refusal: Refusal): RestError {
  const { status, code, message, source } = refusal
  return status === 404
    ? { status, code, title: 'Not Found', detail: message }
    : { status, code, title: message, source }
}

/** Any path nothing serves. facts: SGT 027, 051 */
export const notFound: RestError = { status: 404, code: faultCode.badRequest, title: 'Not Found' }

/** facts: SGT post_auth_access_token, post_entity_type_search: it names what it would have taken */
export function unsupportedContentType(sent: string, accepted: readonly string[]): RestError {
  return {
    status: 415,
    code: faultCode.badRequest,
    title: `Unsupported Content-Type '${sent}'`,
    source: { content_type: `Content-Type must be one of: ${accepted.map((type) => `'${type}'`).join(', ')}.` },
  }
}

/** facts: SGT 001 */
export const invalidJsonBody: RestError = {
  status: 400,
  code: faultCode.badRequest,
  title: 'Invalid JSON body',
  source: { body: 'Empty input (after ) at line 1, column 1 ' },
}

/** facts: SGT 006, 026 */
export function invalidParameters(source: unknown): RestError {
  return { status: 400, code: faultCode.badRequest, title: 'Request Parameters invalid.', source }
}

/** The media type of a Content-Type header, without its parameters. */
export function mediaTypeOf(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}
