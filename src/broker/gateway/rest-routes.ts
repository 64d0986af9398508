import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AgentError, errorTable } from '../../errors.ts'
import { Secret } from '../../secrets/secret.ts'
import { RateLimited } from '../operation/limits.ts'
import { refuseSlowBodies } from '../operation/slow-bodies.ts'
import type { Gateway } from './gateway.ts'
import { bearerLifeS } from './gateway-bearers.ts'
import type { GatewayCaller } from './gateway-callers.ts'
import { isPassedOn, type RestAddress, readRestAddress } from './rest-address.ts'
import { foreignGrantParameter, judgeSessionGrant } from './rest-grant.ts'
import { SiteBearers } from './site-bearers.ts'
import { callSite, discard, passOn, redirectElsewhere } from './site-calls.ts'
import { streamBody } from './stream-body.ts'

const formBytes = 64 * 1024
const bodyLimitMs = 10_000
const form = 'application/x-www-form-urlencoded'

/** `/api/v1` and `/api/v1.1`: the site's REST API. */
export async function serveRest(app: FastifyInstance, gateway: Gateway): Promise<void> {
  const { fetch, clock } = gateway.parts.ports
  const siteBearers = new SiteBearers(clock)

  type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
  const refusing = (handle: Handler): Handler => {
    return async (request, reply) => {
      if (gateway.sitesOf(request).length === 0) return reply.callNotFound()
      try {
        return await handle(request, reply)
      } catch (thrown) {
        const error = await gateway.judgeThrown(thrown, request)
        gateway.endWhenIdle(request)
        await gateway.untilSent(request)
        return sendError(reply, error)
      }
    }
  }

  app.removeAllContentTypeParsers()
  for (const prefix of ['/api/v1', '/api/v1.1']) {
    await app.register(async (scope) => {
      refuseSlowBodies(scope, bodyLimitMs)
      scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: formBytes }, (_request, body, done) =>
        done(null, body),
      )
      scope.post(`${prefix}/auth/access_token`, refusing(grant))
    })
    await app.register(async (scope) => {
      // The body stays where it is, to be streamed.
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
      const method = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
      scope.route({ method: ['GET'], url: prefix, handler: refusing(forward) })
      scope.route({ method, url: `${prefix}/*`, handler: refusing(forward) })
    })
  }

  /** A bearer of the broker's own for a session of the broker's own; no refresh token: the session is asked each time. */
  async function grant(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    gateway.calls.note(request, 'POST auth/access_token')
    const type = (request.headers['content-type'] ?? form).split(';', 1)[0]?.trim().toLowerCase()
    if (type !== form) throw new AgentError('invalid_request', `Unsupported Content-Type, must be '${form}'`)
    // From the query too, where two official clients put them.
    const cut = request.url.indexOf('?')
    const given = new URLSearchParams(cut < 0 ? '' : request.url.slice(cut + 1))
    for (const [name, value] of new URLSearchParams(String(request.body ?? ''))) given.append(name, value)
    const foreign = foreignGrantParameter(given)
    if (foreign !== undefined && given.get('grant_type') === 'session_token') {
      const token = given.get('session_token')
      return gateway.refuseForeign(foreign, token ? new Secret(token) : undefined, request)
    }
    const { sessionToken } = judgeSessionGrant(given)
    const { gatewayCallers, gatewayBearers } = gateway.parts
    let caller: GatewayCaller
    try {
      caller = await gatewayCallers.ofSession(sessionToken, gateway.sitesOf(request))
    } catch (thrown) {
      const isOver = thrown instanceof AgentError && errorTable[thrown.code].http < 429
      if (!isOver) throw thrown
      throw new RefusedGrant(sessionToken, await gateway.judgeThrown(thrown, request))
    }
    gateway.calls.note(request, 'POST auth/access_token', caller)
    const bearer = await gatewayBearers.make(caller.session, caller.site.policy)
    return reply.type('application/json; charset=utf-8').send(
      JSON.stringify({
        token_type: 'Bearer',
        access_token: bearer.reveal(),
        expires_in: bearerLifeS,
      }),
    )
  }

  async function forward(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const address = readRestAddress(request.url)
    gateway.calls.note(request, `${request.method} ${address.route || '/'}`)
    const token = bearerOf(request)
    if (address.foreign !== undefined) return gateway.refuseForeign(address.foreign, undefined, request)
    const gone = gateway.goneSignal(reply)
    if (address.route === '' && request.method === 'GET') {
      const site = await gateway.siteForStranger(request)
      const headers = headersOf(request)
      const response = await callSite(fetch, site, { method: 'GET', path: address.path, headers, gone })
      return passOnRest(reply, response, site.url, [])
    }
    if (!isPassedOn(address)) throw new NotFound()
    if (!token) throw new AgentError('session_ended', 'Unauthorized')
    const caller = await gateway.parts.gatewayCallers.ofBearer(token, gateway.sitesOf(request))
    gateway.calls.note(request, `${request.method} ${address.route}`, caller)
    return forwardAs(caller, address, request, reply, gone)
  }

  async function forwardAs(
    caller: GatewayCaller,
    { path }: RestAddress,
    request: FastifyRequest,
    reply: FastifyReply,
    gone: AbortSignal,
  ): Promise<FastifyReply> {
    const { accessToken } = await siteBearers.get(caller)
    gateway.endWhenIdle(request)
    const streamed = hasBody(request) ? streamBody(request.raw) : undefined
    const response = await callSite(fetch, caller.site, {
      method: request.method,
      path,
      headers: { ...headersOf(request), authorization: `Bearer ${accessToken.reveal()}` },
      ...(streamed ? { body: streamed.body } : {}),
      gone,
    }).finally(() => streamed?.letGo())
    await gateway.untilSent(request)
    if (response.status === 401) {
      siteBearers.forget(caller)
      await discard(response)
      return gateway.parts.gatewayCallers.explainRefusal(caller)
    }
    return passOnRest(reply, response, caller.site.url, [accessToken.reveal()])
  }
}

/** What of a request concerns the site. Cookies, credentials and whatever belongs to the connection do not. */
const sentOn = [
  'accept',
  'accept-language',
  'content-type',
  'if-modified-since',
  'if-none-match',
  'range',
  'user-agent',
]

export function headersOf({ headers }: FastifyRequest): Record<string, string> {
  return Object.fromEntries(
    sentOn.flatMap((name) => {
      const value = headers[name]
      return typeof value === 'string' ? [[name, value]] : []
    }),
  )
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function bearerOf({ headers }: FastifyRequest): Secret | undefined {
  const [, token] = /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(headers.authorization ?? '') ?? []
  return token === undefined ? undefined : new Secret(token)
}

async function passOnRest(
  reply: FastifyReply,
  response: Response,
  site: string,
  secrets: readonly string[],
): Promise<FastifyReply> {
  if (response.status >= 300 && response.status < 400 && response.status !== 304) {
    const location = redirectElsewhere(response, { url: site }, secrets)
    if (location === undefined) {
      await discard(response)
      throw new AgentError('site_unreachable', `"${site}" answered with a redirect that is not passed on`)
    }
    reply.header('location', location)
  }
  return passOn(reply, response, secrets)
}

/** The refusal of a grant, in the site's own words. facts: shotgrid §2.2 */
class RefusedGrant extends AgentError {
  constructor(token: Secret, cause: AgentError) {
    const said = `Can't authenticate session token ending with '${token.reveal().slice(-4)}'`
    super(cause.code, cause.code === 'session_ended' ? said : cause.message, { cause })
  }
}

class NotFound extends AgentError {
  constructor() {
    super('invalid_request', 'Not Found')
  }
}

/** Errors in the envelope of the site's. facts: shotgrid §2.5 */
function sendError(reply: FastifyReply, error: AgentError): FastifyReply {
  const status = statusOf(error)
  const title = error.code === 'internal_error' ? errorTable.internal_error.sentence : error.message
  if (error instanceof RateLimited) reply.header('retry-after', error.retryAfterS)
  const code = error.code === 'invalid_request' ? 103 : status < 429 ? 102 : 100
  const id = randomUUID().replaceAll('-', '')
  const errors = [{ id, status, code, title, source: null, detail: null, meta: null }]
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify({ errors }))
}

function statusOf(error: AgentError): number {
  if (error instanceof NotFound) return 404
  if (error instanceof RefusedGrant) return 400
  // A client that is not who it was must ask for another bearer; 403 would look like a lack of rights.
  const { http } = errorTable[error.code]
  return http === 403 ? 401 : http
}
