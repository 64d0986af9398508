import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { grantType, metadataPath, restTokenType, sessionTokenType } from '../../token-exchange.ts'
import { version } from '../../version.ts'
import type { Parts } from '../parts.ts'
import { challengeLifeS } from './challenges.ts'
import { TokenExchange } from './exchange.ts'
import { judgeExchangeForm } from './exchange-form.ts'

const bodyBytes = 64 * 1024
/** Shorter than agents wait, so that no session is made that nobody waits for any more. */
const exchangeLimitMs = 35_000

/** Agent ↔ broker: the metadata (RFC 8414), challenges, and the token endpoint (RFC 8693). */
export async function serveExchange(app: FastifyInstance, parts: Parts): Promise<void> {
  const { config, challenges, limits } = parts
  const tokenEndpoint = `${config.issuer}/token`
  const exchange = new TokenExchange({ ...parts, ...parts.ports, tokenEndpoint, mostPeople: config.limits.people })

  await app.register(formbody, { bodyLimit: bodyBytes })
  // Nothing here takes JSON: one grammar, and no cross-site form can send what a script may not.
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addHook('onSend', async (_request, reply) => {
    // RFC 6749 §5.1
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff')
  })
  const countAddress = { onRequest: (request: FastifyRequest) => limits.count('requestsPerAddress', request.ip) }

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

  app.post('/token', countAddress, async (request, reply) => {
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
}
