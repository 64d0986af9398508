import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AgentError, errorTable } from '../../errors.ts'
import { Secret } from '../../secrets/secret.ts'
import { SiteFault } from '../../shotgrid/faults.ts'
import type { ScriptedSite } from '../scripted-site.ts'
import type { Gateway } from './gateway.ts'
import type { GatewayCaller } from './gateway-callers.ts'
import { headersOf } from './rest-routes.ts'
import { ScriptSessions } from './script-session.ts'
import { callSite, discard, passOn, redirectElsewhere } from './site-calls.ts'

type ById = { Params: { id: string } }

const siteLimitMs = 30_000

/** `/file_serve/…`: files on their way back. */
export async function serveFiles(app: FastifyInstance, gateway: Gateway): Promise<void> {
  const { fetch } = gateway.parts.ports
  const scriptSessions = new ScriptSessions()

  app.get<ById>('/file_serve/attachment/:id', async (request, reply) => {
    if (gateway.sitesOf(request).length === 0 || !/^[1-9]\d{0,14}$/.test(request.params.id)) return reply.callNotFound()
    gateway.calls.note(request, 'file_serve/attachment')
    try {
      return await serve(Number(request.params.id), request, reply)
    } catch (thrown) {
      return sendMessage(reply, await gateway.judgeThrown(thrown, request))
    }
  })

  app.get('/file_serve/thumbnail/*', async (request, reply) => {
    if (gateway.sitesOf(request).length === 0) return reply.callNotFound()
    const message = 'Thumbnails are not served through the gateway: nothing tells whose they are. Read "image" instead.'
    return reply.code(404).send({ message })
  })

  async function serve(id: number, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const token = sessionCookieOf(request)
    if (!token) throw new AgentError('session_ended', 'a cookie "_session_id" with the session token is needed')
    const caller = await gateway.parts.gatewayCallers.ofSession(token, gateway.sitesOf(request))
    gateway.calls.note(request, 'file_serve/attachment', caller)
    if (!(await maySee(caller, id))) throw new AgentError('invalid_request', `there is no Attachment ${id}`)
    const gone = gateway.goneSignal(reply)
    const { site } = caller
    const session = await scriptSessions.get(site)
    const first = await fetchFile(site, session, id, request, gone)
    if (!isRefused(first, site)) return passOnFile(reply, first, site, session)
    await discard(first)
    const renewed = await scriptSessions.get(site, session)
    return passOnFile(reply, await fetchFile(site, renewed, id, request, gone), site, renewed)
  }

  /** The file comes with the script's rights: so the person must be able to see its row. */
  async function maySee(caller: GatewayCaller, id: number): Promise<boolean> {
    const { site, acting } = caller
    const signal = AbortSignal.timeout(siteLimitMs)
    const query = { type: 'Attachment', filters: [['id', 'is', id]], fields: ['id'], limit: 2, signal } as const
    try {
      return (await site.readEntities(query, acting)).some((row) => row['id'] === id)
    } catch (cause) {
      if (!(cause instanceof SiteFault)) throw cause
      return gateway.parts.gatewayCallers.explainRefusal(caller, cause)
    }
  }

  function fetchFile(
    site: ScriptedSite,
    session: Secret,
    id: number,
    request: FastifyRequest,
    gone: AbortSignal,
  ): Promise<Response> {
    const headers = { ...headersOf(request), cookie: `_session_id=${session.reveal()}` }
    return callSite(fetch, site, { method: 'GET', path: `/file_serve/attachment/${id}`, headers, gone })
  }
}

/** Sites that do not know a session any more say so, or lead to their sign-in page. */
function isRefused(response: Response, site: ScriptedSite): boolean {
  const isRedirect = response.status >= 300 && response.status < 400 && response.status !== 304
  return response.status === 401 || response.status === 403 || (isRedirect && !redirectElsewhere(response, site, []))
}

async function passOnFile(
  reply: FastifyReply,
  response: Response,
  site: ScriptedSite,
  session: Secret,
): Promise<FastifyReply> {
  const { status } = response
  if (isRefused(response, site) || status >= 500) {
    await discard(response)
    throw new AgentError('site_unreachable', `"${site.url}" answered ${status} instead of the file`)
  }
  if (status >= 300 && status < 400 && status !== 304) {
    const location = redirectElsewhere(response, site, [session.reveal()])
    if (location === undefined) {
      await discard(response)
      throw new AgentError('site_unreachable', `"${site.url}" answered with a redirect that is not passed on`)
    }
    reply.header('location', location)
  }
  return passOn(reply, response, [session.reveal()])
}

function sessionCookieOf({ headers }: FastifyRequest): Secret | undefined {
  const values = (headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith('_session_id='))
    .map((pair) => pair.slice('_session_id='.length))
  const [value, another] = values
  return value && another === undefined && value.length <= 500 ? new Secret(value) : undefined
}

function sendMessage(reply: FastifyReply, error: AgentError): FastifyReply {
  const { http } = errorTable[error.code]
  // The status clients read as "there is no such file".
  const status = error.code === 'invalid_request' ? 404 : http
  const message = error.code === 'internal_error' ? errorTable.internal_error.sentence : error.message
  return reply.code(status).send({ message })
}
