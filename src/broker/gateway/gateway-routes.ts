import type { FastifyInstance } from 'fastify'
import type { Parts } from '../parts.ts'
import { serveFiles } from './file-routes.ts'
import { Gateway } from './gateway.ts'
import { serveRest } from './rest-routes.ts'
import { serveRpc } from './rpc-routes.ts'
import { serveUploads } from './upload-routes.ts'

/**
 * Tool ↔ broker ↔ site: the site's own API, for sessions of the broker's own. Served only at the addresses of sites with a
 * gateway; every call goes on with the script's key and the person's login, and with nothing the tool said about who it is.
 */
export async function serveGateway(app: FastifyInstance, parts: Parts): Promise<void> {
  const gateway = new Gateway(parts)
  app.addHook('onRequest', async (_request, reply) => {
    reply
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff')
      // What a site serves, a browser must not run here.
      .header('content-security-policy', "default-src 'none'; sandbox")
  })
  app.addHook('onResponse', async (request, reply) => gateway.calls.writeLine(request, reply))
  for (const serve of [serveRpc, serveRest, serveUploads, serveFiles]) {
    await app.register((scope) => serve(scope, gateway))
  }
}
