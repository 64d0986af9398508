import { randomUUID } from 'node:crypto'
import formbody from '@fastify/formbody'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { AgentError, asAgentError, type ErrorCode, errorTable } from '../errors.ts'
import type { Ports } from '../ports.ts'
import { grantType, metadataPath } from '../token-exchange.ts'
import { version } from '../version.ts'
import { AuditLog } from './audit-log.ts'
import { AutodeskIdentity } from './autodesk.ts'
import { Challenges, challengeLifeS } from './challenges.ts'
import type { BrokerConfig } from './config.ts'
import type { Database } from './database.ts'
import { TokenExchange } from './exchange.ts'
import { judgeExchangeForm } from './exchange-form.ts'

const bodyBytes = 64 * 1024
const requestLimitMs = 60_000
/** Shorter than agents wait, so that no session is made that nobody waits for any more. */
const exchangeLimitMs = 35_000

/** The broker's HTTP face. It does not listen yet; `close()` of the result also closes the database. */
export async function makeBrokerServer(
  config: BrokerConfig,
  database: Database,
  ports: Pick<Ports, 'fetch' | 'clock' | 'log'>,
  rules: { readonly insecureLoopback: boolean },
): Promise<FastifyInstance> {
  const tokenEndpoint = `${config.issuer}/token`
  const challenges = new Challenges(database, ports.clock)
  const identity = new AutodeskIdentity({ ...config.identity, ...rules }, ports.fetch)
  const auditLog = new AuditLog(database, ports.clock, ports.log)
  const { sites } = config
  const exchange = new TokenExchange({ ...ports, tokenEndpoint, sites, identity, database, challenges, auditLog })

  const { tls } = config.listen
  const settings = {
    bodyLimit: bodyBytes,
    requestTimeout: requestLimitMs,
    logger: false,
    exposeHeadRoutes: false,
    genReqId: () => randomUUID(),
    trustProxy: config.listen.trustedProxies.length > 0 ? [...config.listen.trustedProxies] : false,
  } as const
  const server: FastifyInstance = tls
    ? (fastify({ ...settings, https: { ...tls, minVersion: 'TLSv1.2' } }) as unknown as FastifyInstance)
    : fastify(settings)
  await server.register(formbody, { bodyLimit: bodyBytes })
  // Nothing here takes JSON: one grammar, and no cross-site form can send what a script may not.
  server.removeContentTypeParser(['application/json', 'text/plain'])

  server.addHook('onSend', async (_request, reply) => {
    // RFC 6749 §5.1
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff')
  })

  server.get(metadataPath, async () => ({
    issuer: config.issuer,
    token_endpoint: tokenEndpoint,
    challenge_endpoint: `${config.issuer}/challenge`,
    sites_supported: config.sites.map((site) => site.url),
    grant_types_supported: [grantType],
    response_types_supported: [],
    token_endpoint_auth_methods_supported: ['none'],
    dpop_signing_alg_values_supported: ['ES256'],
    sg_session_identity: { issuer: config.identity.issuer, client_id: config.identity.clientId },
    service_version: version,
  }))

  server.post('/challenge', async () => ({ challenge: await challenges.make(), expires_in: challengeLifeS }))

  server.post('/token', async (request, reply) => {
    const proof = request.headers['dpop']
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    return exchange.exchange({
      form: judgeExchangeForm(request.body),
      proof: typeof proof === 'string' ? proof : undefined,
      requestId: request.id,
      clientAddress: request.ip,
      signal: AbortSignal.any([gone.signal, AbortSignal.timeout(exchangeLimitMs)]),
    })
  })

  server.get('/health/live', async () => ({ status: 'ok' }))
  server.get('/health/ready', async () => {
    await database.selectFrom('challenge').select('hash').limit(1).execute()
    return { status: 'ok' }
  })

  server.setNotFoundHandler((_request, reply) =>
    refuse(reply, new AgentError('invalid_request', 'there is nothing at this address'), 404),
  )
  server.setErrorHandler((thrown, request, reply) => {
    const status = httpStatusOf(thrown)
    if (status !== undefined)
      return refuse(reply, new AgentError('invalid_request', 'the request is not of a form this broker takes'), status)
    const error = asAgentError(thrown)
    const level = error.code === 'internal_error' ? 'error' : 'info'
    ports.log[level]({ requestId: request.id, route: request.url.split('?', 1)[0], err: error }, 'request refused')
    return refuse(reply, error)
  })
  server.addHook('onClose', () => database.destroy())
  return server
}

/** Fastify's own refusals: body too large, unknown media type, malformed form. */
function httpStatusOf(thrown: unknown): number | undefined {
  if (thrown instanceof AgentError || !(thrown instanceof Error) || !('statusCode' in thrown)) return undefined
  return typeof thrown.statusCode === 'number' && thrown.statusCode < 500 ? thrown.statusCode : undefined
}

/** RFC 6749 §5.2 and RFC 8693 §2.2.2, with our own code beside OAuth's coarser one. */
function refuse(reply: FastifyReply, error: AgentError, status: number = errorTable[error.code].http): FastifyReply {
  const description = error.code === 'internal_error' ? errorTable.internal_error.sentence : error.message
  return reply.code(status).send({ error: oauthError(error.code), error_description: description, code: error.code })
}

function oauthError(code: ErrorCode): string {
  switch (code) {
    case 'invalid_request':
      return 'invalid_request'
    case 'site_unknown':
      return 'invalid_target'
    case 'proof_rejected':
      return 'invalid_dpop_proof'
    case 'subject_token_rejected':
      return 'invalid_grant'
    case 'account_not_mapped':
    case 'account_ambiguous':
    case 'account_disabled':
    case 'privileged_account':
      return 'access_denied'
    default:
      return errorTable[code].http >= 500 ? 'temporarily_unavailable' : 'invalid_request'
  }
}
