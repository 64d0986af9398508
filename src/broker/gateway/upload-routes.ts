import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AgentError, errorTable } from '../../errors.ts'
import { SiteFault } from '../../shotgrid/faults.ts'
import { authParams, readEntities, type ScriptCaller } from '../../shotgrid/json-rpc.ts'
import { refuseSlowBodies } from '../operation/slow-bodies.ts'
import { readFormParts } from './form-parts.ts'
import type { Gateway } from './gateway.ts'
import type { GatewayCaller } from './gateway-callers.ts'
import { callSite, discard, passOn } from './site-calls.ts'
import { type FormHead, readFormHead, readUrlencodedHead, writeMultipart } from './upload-form.ts'

/** facts: shotgrid §1.9 */
const names = [
  'api_get_upload_link_info',
  'api_link_file',
  'api_get_upload_link_for_part',
  'api_complete_multipart_upload',
  'upload_file',
  'publish_thumbnail',
  'share_thumbnail',
]

const formBytes = 1024 * 1024
const siteLimitMs = 30_000
/** Until a form has said who sends it. */
const headLimitMs = 60_000

/** `/upload/…`: forms with files, whose credentials stand among their fields. */
export async function serveUploads(app: FastifyInstance, gateway: Gateway): Promise<void> {
  refuseSlowBodies(app, headLimitMs, (request) => !isMultipart(request))
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null))
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: formBytes },
    (_request, body, done) => done(null, body),
  )
  for (const name of names) {
    app.post(`/upload/${name}`, async (request, reply) => {
      if (gateway.sitesOf(request).length === 0) return reply.callNotFound()
      gateway.calls.note(request, `upload/${name}`)
      gateway.endWhenIdle(request)
      try {
        const { response, script } = await upload(name, request, gateway.goneSignal(reply))
        await gateway.untilSent(request)
        return passOn(reply, response, [script.key.reveal()])
      } catch (thrown) {
        const error = await gateway.judgeThrown(thrown, request)
        await gateway.untilSent(request)
        return sendRefusal(reply, error)
      }
    })
  }

  async function upload(
    name: string,
    request: FastifyRequest,
    gone: AbortSignal,
  ): Promise<{ response: Response; script: ScriptCaller }> {
    if (!isMultipart(request)) {
      const head = readUrlencodedHead(String(request.body ?? ''))
      const { caller, script } = await identify(head, name, request)
      const fields: [string, string][] = [...credentialsOf(script), ...head.fields]
      const body = new URLSearchParams(fields).toString()
      const form = { contentType: 'application/x-www-form-urlencoded', body }
      return { response: await send(name, caller, form, gone), script }
    }
    const over = new AbortController()
    const parts = readFormParts(request.raw, over.signal)
    try {
      const tooLate = setTimeout(() => request.raw.destroy(), headLimitMs)
      const head = await readFormHead(parts).finally(() => clearTimeout(tooLate))
      const { caller, script } = await identify(head, name, request)
      const form = writeMultipart(credentialsOf(script), head, parts)
      return { response: await send(name, caller, form, gone), script }
    } finally {
      over.abort()
      await parts.return(undefined)
    }
  }

  /** Who sends the form, and the script that the site takes: a form that has gone out cannot be sent again. */
  async function identify(
    { sessionToken, foreign }: FormHead,
    name: string,
    request: FastifyRequest,
  ): Promise<{ caller: GatewayCaller; script: ScriptCaller }> {
    const { gatewayCallers, ports } = gateway.parts
    if (foreign !== undefined) return gateway.refuseForeign(foreign, sessionToken, request)
    if (!sessionToken) throw new AgentError('session_ended', 'the form has no session token before its first file')
    const caller = await gatewayCallers.ofSession(sessionToken, gateway.sitesOf(request))
    gateway.calls.note(request, `upload/${name}`, caller)
    const { site, acting, session } = caller
    try {
      const script = await site.asScript(acting, async (candidate) => {
        const signal = AbortSignal.timeout(siteLimitMs)
        const query = { type: 'HumanUser', filters: [['id', 'is', session.user_id]], fields: ['id'], limit: 1 } as const
        await readEntities(ports.fetch, site.url, candidate, { ...query, signal })
        return candidate
      })
      return { caller, script }
    } catch (cause) {
      if (!(cause instanceof SiteFault)) throw cause
      return gatewayCallers.explainRefusal(caller, cause)
    }
  }

  async function send(
    name: string,
    { site }: GatewayCaller,
    { contentType, body }: { readonly contentType: string; readonly body: string | AsyncIterable<Uint8Array> },
    gone: AbortSignal,
  ): Promise<Response> {
    const headers = { 'content-type': contentType }
    const path = `/upload/${name}`
    const response = await callSite(gateway.parts.ports.fetch, site, { method: 'POST', path, headers, body, gone })
    if (response.status >= 300 && response.status < 400) {
      await discard(response)
      throw new AgentError('site_unreachable', `"${site.url}" answered an upload with a redirect`)
    }
    return response
  }
}

function isMultipart({ headers }: FastifyRequest): boolean {
  return /^multipart\/form-data\b/i.test(headers['content-type'] ?? '')
}

/** They stand flat among the fields. */
function credentialsOf(script: ScriptCaller): [name: string, value: string][] {
  return Object.entries(authParams(script)).map(([name, value]) => [name, String(value)])
}

/** The site's way to refuse a form: the client takes any other status for a broken line. facts: shotgrid §1.9 */
function sendRefusal(reply: FastifyReply, error: AgentError): FastifyReply {
  const message = error.code === 'internal_error' ? errorTable.internal_error.sentence : error.message
  return reply.code(200).type('text/plain; charset=utf-8').send(`0\n${message}\n`)
}
