import type { FastifyInstance } from 'fastify'

const requestLimitMs = 60_000

/**
 * Ends connections that take longer than a minute to send a request. Not a setting of the whole server: an upload through the
 * gateway takes as long as it takes.
 */
export function limitRequestTime(scope: FastifyInstance): void {
  scope.addHook('onRequest', async ({ raw }) => {
    if (raw.complete) return
    const timer = setTimeout(() => raw.destroy(), requestLimitMs)
    const stop = (): void => clearTimeout(timer)
    raw.once('end', stop).once('close', stop)
  })
}
