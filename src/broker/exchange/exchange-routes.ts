import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AgentError } from '../../errors.ts'
import { grantType, metadataPath, restTokenType, sessionTokenType } from '../../token-exchange.ts'
import { version } from '../../version.ts'
import { anySignal } from '../../waiting/any-signal.ts'
import { countedAs } from '../operation/limits.ts'
import { refuseSlowBodies } from '../operation/slow-bodies.ts'
import type { Parts } from '../parts.ts'
import { challengeLifeS } from './challenges.ts'
import { openToWebApps } from './cors.ts'
import { TokenExchange } from './exchange.ts'
import { judgeExchangeForm } from './exchange-form.ts'

const bodyBytes = 64 * 1024
const bodyLimitMs = 10_000
/** Shorter than agents wait, so that no session is made that nobody waits for any more. */
const exchangeLimitMs = 35_000
/** What a web app's page may read; the session itself goes to its server. */
const openRoutes = new Map([
  [metadataPath, 'GET'],
  ['/challenge', 'POST'],
] as const)

/** Agent ↔ broker: the metadata (RFC 8414), challenges, and the token endpoint (RFC 8693). */
export async function serveExchange(app: FastifyInstance, parts: Parts): Promise<void> {
  const { config, challenges, limits, metrics, underWay } = parts
  const tokenEndpoint = `${config.issuer}/token`
  const exchange = new TokenExchange({ ...parts, ...parts.ports, tokenEndpoint, mostPeople: config.limits.people })

  refuseSlowBodies(app, bodyLimitMs)
  await app.register(formbody, { bodyLimit: bodyBytes })
  // Nothing here takes JSON: one grammar, and no cross-site form can send what a script may not.
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addHook('onSend', async (_request, reply) => {
    // RFC 6749 §5.1
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff')
  })
  const webAppOrigins = config.webApps.map(({ origin }) => origin)
  await openToWebApps(app, webAppOrigins, openRoutes)
  const countAddress = {
    onRequest: (request: FastifyRequest) => limits.count('requestsPerAddress', countedAs(request.ip)),
  }

  app.get(metadataPath, async () => ({
    issuer: config.issuer,
    token_endpoint: tokenEndpoint,
    challenge_endpoint: `${config.issuer}/challenge`,
    sites_supported: config.sites.map(({ url }) => url),
    grant_types_supported: [grantType],
    response_types_supported: [],
    token_endpoint_auth_methods_supported: ['none'],
    dpop_signing_alg_values_supported: ['ES256'],
    requested_token_types_supported: [sessionTokenType, restTokenType],
    gateway_urls_supported: parts.gatewayAddresses.list(),
    sg_session_identity: { issuer: config.identity.issuer, client_id: config.identity.clientId },
    service_version: version,
  }))

  app.post('/challenge', countAddress, async () => ({
    challenge: await challenges.make(),
    expires_in: challengeLifeS,
  }))

  app.post('/token', { ...countAddress, preParsing: demandPlainForm }, async (request, reply) => {
    const proof = request.headers['dpop']
    const gone = new AbortController()
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) gone.abort()
    })
    const judge = async () =>
      exchange.exchange({
        form: judgeExchangeForm(request.body),
        proof: typeof proof === 'string' ? proof : undefined,
        requestId: request.id,
        clientAddress: request.ip,
        signal: anySignal([gone.signal, AbortSignal.timeout(exchangeLimitMs)]),
      })
    return underWay.run(() => metrics.exchange(audienceOf(request.body), judge))
  })
}

function audienceOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'audience' in body ? body.audience : undefined
}

/** One place for parameters, one encoding: what another parser on the way would read otherwise is not read at all. */
async function demandPlainForm({ raw, headers }: FastifyRequest): Promise<void> {
  if (raw.url?.includes('?'))
    throw new AgentError('invalid_request', 'parameters belong in the form, not in the address')
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    throw new AgentError('invalid_request', '"content-encoding" must be left out')
  }
  const [, charset] = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(headers['content-type'] ?? '') ?? []
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8') {
    throw new AgentError('invalid_request', 'the form must be UTF-8')
  }
}
