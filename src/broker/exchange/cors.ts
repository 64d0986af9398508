import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'

/** How long a browser may remember the answer to a preflight. */
const preflightLifeS = 300

/**
 * Lets the pages of the studio's web apps read the routes named (Fetch Standard §3.2), and no others: `methodOf` maps a
 * route's path to its method. An origin is compared letter for letter with `Origin`, and no cookie ever counts. Must be
 * called before the routes are added. The token endpoint is never among them: a session is handed to a web app's server.
 */
export async function openToWebApps(
  app: FastifyInstance,
  origins: readonly string[],
  methodOf: ReadonlyMap<string, 'GET' | 'POST'>,
): Promise<void> {
  if (origins.length === 0) return
  await app.register(cors, {
    delegator: (request, decide) => {
      const method = methodOf.get(request.url.split('?', 1)[0] ?? '')
      const { origin } = request.headers
      const isAllowed = method !== undefined && origin !== undefined && origins.includes(origin)
      decide(null, {
        origin: isAllowed ? origin : false,
        methods: method ?? [],
        allowedHeaders: [],
        credentials: false,
        maxAge: preflightLifeS,
      })
    },
  })
}
