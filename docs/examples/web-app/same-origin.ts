import type { FastifyInstance } from 'fastify'
import { Refusal } from './refusal.ts'

/**
 * Serves our own page and nobody else's: the cookie goes along with whatever any page of the browser sends. `Origin` is the
 * boundary for everything that changes something; `Host` keeps away names that were made to point here (DNS rebinding), and
 * `SameSite=Strict`, JSON bodies and `Sec-Fetch-Site` are defence in depth.
 */
export function demandSameOrigin(app: FastifyInstance, origin: string): void {
  const { host } = new URL(origin)
  app.addHook('onRequest', async ({ method, headers, url }) => {
    if (headers.host !== host) throw new Refusal(421, 'wrong_host', 'This server has another name.')
    const isRead = method === 'GET'
    if (headers.origin !== undefined ? headers.origin !== origin : !isRead) throw crossOrigin()
    const from = headers['sec-fetch-site']
    const isApi = url.startsWith('/api/')
    if (isApi && from !== undefined && from !== 'same-origin' && !(isRead && from === 'none')) throw crossOrigin()
  })
}

function crossOrigin(): Refusal {
  return new Refusal(403, 'cross_origin', 'Only the page of this web app may ask for this.')
}
