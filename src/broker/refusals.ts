import type { FastifyInstance, FastifyReply } from 'fastify'
import { AgentError, asAgentError, type ErrorCode, errorTable } from '../errors.ts'
import type { Log } from '../ports.ts'
import { RateLimited } from './operation/limits.ts'

/** Turns whatever is thrown into an answer: RFC 6749 §5.2 and RFC 8693 §2.2.2, with our own code beside OAuth's coarser one. */
export function refuseWithOAuthErrors(app: FastifyInstance, log: Log): void {
  app.setNotFoundHandler((_request, reply) =>
    refuse(reply, new AgentError('invalid_request', 'there is nothing at this address'), 404),
  )
  app.setErrorHandler((thrown, request, reply) => {
    const status = httpStatusOf(thrown)
    if (status !== undefined)
      return refuse(reply, new AgentError('invalid_request', 'the request is not of a form this broker takes'), status)
    const error = asAgentError(thrown)
    const level = error.code === 'internal_error' ? 'error' : 'info'
    log[level]({ requestId: request.id, route: request.url.split('?', 1)[0], err: error }, 'request refused')
    return refuse(reply, error)
  })
}

/** An address that is not even one: Fastify answers it before any hook. */
export function refuseAddress(_error: unknown, _request: unknown, reply: FastifyReply): void {
  void refuse(reply, new AgentError('invalid_request', 'this is no address'))
}

/** Fastify's own refusals: body too large, unknown media type, malformed form. */
function httpStatusOf(thrown: unknown): number | undefined {
  if (thrown instanceof AgentError || !(thrown instanceof Error) || !('statusCode' in thrown)) return undefined
  return typeof thrown.statusCode === 'number' && thrown.statusCode < 500 ? thrown.statusCode : undefined
}

/** How long clients wait before they ask again what does not work right now. */
const pauseS = 2

function refuse(reply: FastifyReply, error: AgentError, status: number = errorTable[error.code].http): FastifyReply {
  const description = error.code === 'internal_error' ? errorTable.internal_error.sentence : error.message
  if (error instanceof RateLimited) reply.header('retry-after', error.retryAfterS)
  else if (status === 503) reply.header('retry-after', pauseS)
  // Also where no route is, and no route's hook: a refusal is nobody else's later.
  reply.header('cache-control', 'no-store')
  return reply.code(status).send({ error: oauthError(error.code), error_description: description, code: error.code })
}

/** RFC 8693 §2.2.2: a subject token that is no good, or not good enough for the policy, is `invalid_request` too. */
function oauthError(code: ErrorCode): string {
  switch (code) {
    case 'site_unknown':
      return 'invalid_target'
    case 'proof_rejected':
      return 'invalid_dpop_proof'
    default:
      return errorTable[code].http >= 500 || code === 'rate_limited' ? 'temporarily_unavailable' : 'invalid_request'
  }
}
