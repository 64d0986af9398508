import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { AgentError, errorTable } from '../../errors.ts'
import { SiteFault } from '../../shotgrid/faults.ts'
import { authParams, type ScriptCaller } from '../../shotgrid/json-rpc.ts'
import { refuseSlowBodies } from '../operation/slow-bodies.ts'
import type { ScriptedSite } from '../scripted-site.ts'
import { ForeignCredential } from './foreign-credentials.ts'
import type { Gateway } from './gateway.ts'
import type { GatewayCaller } from './gateway-callers.ts'
import { mostRpcBytes, readRpcBody } from './rpc-body.ts'
import { activatesSomebody, type RpcCall, readRpcCall, writeRpcCall } from './rpc-envelope.ts'
import { callSite, discard, type Peeked, passOn, peek } from './site-calls.ts'

const path = '/api3/json'
/** For 32 MiB over a slow line. */
const bodyLimitMs = 60_000
/** Code of a fault, as clients know them. facts: shotgrid §1.5 */
const faultCode = { trouble: 100, authentication: 102, badRequest: 103 } as const

/** Asked-for row 15: what neither a script nor a person it acts for may do on a site with Autodesk Identity. */
const activationAdvice =
  'Making a HumanUser active takes an administrator in person, with passphrase and Personal Access Token; the broker’s script cannot do it for anybody.'

interface Answer extends Peeked {
  readonly response: Response
}

/** `/api3/json`: what `shotgun_api3` speaks. */
export async function serveRpc(app: FastifyInstance, gateway: Gateway): Promise<void> {
  refuseSlowBodies(app, bodyLimitMs)
  app.removeAllContentTypeParsers()
  // The body stays where it is: who may send how much is for `readRpcBody` to judge.
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.post(path, async (request, reply) => {
    if (gateway.sitesOf(request).length === 0) return reply.callNotFound()
    if (Number(request.headers['content-length'] ?? 0) > mostRpcBytes) throw new TooLarge()
    try {
      return await answer(request, reply)
    } catch (thrown) {
      const error = await gateway.judgeThrown(thrown, request)
      await gateway.untilSent(request)
      return sendFault(reply, error)
    }
  })

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { gatewayCallers } = gateway.parts
    const sites = gateway.sitesOf(request)
    const body = await readRpcBody(request.raw, (token) => gatewayCallers.demandLiving(token, sites))
    const call = readRpcCall(body)
    gateway.calls.note(request, call.method)
    if (call.foreign !== undefined) return gateway.refuseForeign(call.foreign, call.sessionToken, request)
    const gone = gateway.goneSignal(reply)
    if (call.method === 'info') {
      const site = await gateway.siteForStranger(request)
      const info = writeRpcCall({ method: 'info', params: undefined }, undefined)
      return passOnRpc(
        reply,
        site,
        await callSite(gateway.parts.ports.fetch, site, { ...post(request), body: info, gone }),
      )
    }
    if (!call.sessionToken) throw new AgentError('session_ended', 'the call has no session token')
    const caller = await gatewayCallers.ofSession(call.sessionToken, sites)
    gateway.calls.note(request, call.method, caller)
    // Never asked of the site: it would make the script's session.
    if (call.method === 'get_session_token') {
      return sendJson(reply, { results: { session_id: call.sessionToken.reveal() } })
    }
    const { response, whole, body: answered } = await askAsPerson(call, caller, request, gone)
    const fault = whole === undefined ? undefined : readFault(whole)
    if (fault && (fault.error_code === 104 || fault.error_code === 110) && activatesSomebody(call)) {
      await discard(response)
      return sendJson(reply, { ...fault, message: `${fault.message} ${activationAdvice}` })
    }
    return passOnRpc(reply, caller.site, response, answered)
  }

  /** Throws what `GatewayCallers` throws when the site does not act for the person any more. */
  async function askAsPerson(
    call: RpcCall,
    caller: GatewayCaller,
    request: FastifyRequest,
    gone: AbortSignal,
  ): Promise<Answer> {
    const { site, acting } = caller
    try {
      return await site.asScript(acting, (script) => askAs(script, call, caller, request, gone))
    } catch (cause) {
      if (!(cause instanceof SiteFault)) throw cause
      return gateway.parts.gatewayCallers.explainRefusal(caller, cause)
    }
  }

  async function askAs(
    script: ScriptCaller,
    call: RpcCall,
    { site }: GatewayCaller,
    request: FastifyRequest,
    gone: AbortSignal,
  ): Promise<Answer> {
    const body = writeRpcCall(call, authParams(script))
    const response = await callSite(gateway.parts.ports.fetch, site, { ...post(request), body, gone })
    const peeked = await peek(response)
    const fault = peeked.whole === undefined ? undefined : readFault(peeked.whole)
    if (fault?.error_code === faultCode.authentication) throw new SiteFault(fault.message, fault.error_code)
    return { response, ...peeked }
  }
}

/** Nothing of it is read: the connection is over. */
class TooLarge extends Error {
  readonly statusCode = 413
}

function post(request: FastifyRequest) {
  const agent = request.headers['user-agent']
  const headers = { 'content-type': 'application/json; charset=utf-8', ...(agent ? { 'user-agent': agent } : {}) }
  return { method: 'POST', path, headers } as const
}

const faultSchema = z.looseObject({
  exception: z.literal(true),
  message: z.string(),
  error_code: z.number().optional(),
})

function readFault(text: string): z.output<typeof faultSchema> | undefined {
  try {
    return faultSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

async function passOnRpc(
  reply: FastifyReply,
  { policy: { scripts } }: ScriptedSite,
  response: Response,
  body?: Peeked['body'],
): Promise<FastifyReply> {
  if (response.status >= 300 && response.status < 400) {
    await discard(response)
    throw new AgentError('site_unreachable', `the site answered ${response.status}, which leads away from it`)
  }
  return passOn(
    reply,
    response,
    scripts.map(({ key }) => key.reveal()),
    body,
  )
}

/** Always HTTP 200: that is how clients tell a refusal from a broken line, and nothing they try again. */
function sendFault(reply: FastifyReply, error: AgentError): FastifyReply {
  const message = error.code === 'internal_error' ? errorTable.internal_error.sentence : error.message
  return sendJson(reply, { exception: true, message, error_code: codeOf(error) })
}

function codeOf(error: AgentError): number {
  if (error instanceof ForeignCredential) return faultCode.authentication
  switch (error.code) {
    case 'session_ended':
    case 'account_not_mapped':
    case 'account_ambiguous':
    case 'account_disabled':
    case 'privileged_account':
      return faultCode.authentication
    case 'invalid_request':
    case 'unknown_method':
    case 'site_unknown':
      return faultCode.badRequest
    default:
      return faultCode.trouble
  }
}

function sendJson(reply: FastifyReply, body: object): FastifyReply {
  return reply.code(200).type('application/json; charset=utf-8').send(JSON.stringify(body))
}
