import type { FastifyInstance } from 'fastify'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
const allowedHeaders = [
  'authorization',
  'content-type',
  'accept',
  'accept-language',
  'content-language',
  'range',
  'origin',
]

/**
 * Every path under `/api/v1` echoes whatever origin asks, with credentials; no other path sends a CORS header.
 * Preflights are answered in front of the routes. facts: SGT 062
 */
export function serveCors(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!/^\/api\/v1(\.1)?([/?]|$)/.test(request.url)) {
      if (request.method === 'OPTIONS') return reply.code(200).send()
      return undefined
    }
    reply.header('vary', 'Origin, Access-Control-Request-Method')
    const { origin } = request.headers
    if (request.method !== 'OPTIONS') {
      if (origin !== undefined) allowOrigin(reply, origin)
      return undefined
    }
    const askedMethod = String(request.headers['access-control-request-method'] ?? '').toUpperCase()
    const askedHeaders = String(request.headers['access-control-request-headers'] ?? '')
    const areAllowed = askedHeaders.split(',').every((name) => {
      return name.trim() === '' || allowedHeaders.includes(name.trim().toLowerCase())
    })
    if (origin !== undefined && methods.includes(askedMethod) && areAllowed) {
      allowOrigin(reply, origin)
      reply.header('access-control-allow-methods', methods.join(', '))
      reply.header('access-control-max-age', '3600')
      if (askedHeaders) reply.header('access-control-allow-headers', askedHeaders)
    }
    return reply.code(200).send()
  })
}

function allowOrigin(reply: { header(name: string, value: string): unknown }, origin: string): void {
  reply.header('access-control-allow-origin', origin)
  reply.header('access-control-allow-credentials', 'true')
}
