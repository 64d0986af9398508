import { isIP } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AgentError } from '../../errors.ts'
import type { Log } from '../../ports.ts'
import type { BrokerConfig } from '../config.ts'

/** The id of each request in its answer and its log line, headers that keep browsers careful, and a look at the address asked for. */
export function watchEveryRequest(app: FastifyInstance, config: BrokerConfig, log: Log): void {
  const isOurs = hostsOf(config)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    if (!isOurs(request.host)) {
      throw new AgentError('invalid_request', 'the "Host" header names no address of this broker')
    }
  })
  app.addHook('onSend', async (_request, reply) => {
    headUnlessSet(reply, 'x-content-type-options', 'nosniff')
    headUnlessSet(reply, 'referrer-policy', 'no-referrer')
    headUnlessSet(reply, 'content-security-policy', "default-src 'none'; frame-ancestors 'none'; sandbox")
    // RFC 6797 §7.2: not to be sent over plain HTTP; behind a proxy it is the proxy's to say.
    if (config.listen.tls) headUnlessSet(reply, 'strict-transport-security', 'max-age=31536000')
  })
  app.addHook('onResponse', async (request, reply) => {
    const level = request.url.startsWith('/health/') || request.url.startsWith('/metrics') ? 'debug' : 'info'
    log[level](lineOf(request, reply), 'request')
  })
}

function lineOf(request: FastifyRequest, reply: FastifyReply) {
  return {
    requestId: request.id,
    method: request.method,
    // As the route is written: an address may hold what nobody should read in a log.
    route: request.routeOptions.url ?? 'none',
    status: reply.raw.statusCode,
    ms: Math.round(reply.elapsedTime),
    clientAddress: request.ip,
  }
}

function headUnlessSet(reply: FastifyReply, name: string, value: string): void {
  if (!reply.hasHeader(name)) reply.header(name, value)
}

/**
 * Names are ours when they are configured; bare addresses always are, since nobody can make a browser take a name for one. So a
 * page whose name was rebound to this machine gets nothing.
 */
function hostsOf({ issuer, sites }: BrokerConfig): (host: string) => boolean {
  const names = new Set([issuer, ...sites.map(({ gatewayUrl }) => gatewayUrl)].map((url) => new URL(url).hostname))
  names.add('localhost')
  return (host) => {
    if (!URL.canParse(`http://${host}`)) return false
    const { hostname } = new URL(`http://${host}`)
    return names.has(hostname) || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0
  }
}
