import type { FastifyInstance, FastifyRequest } from 'fastify'

/** Hangs up on who takes longer than `limitMs` to send a body. For routes, or those of their requests, whose bodies are small. */
export function refuseSlowBodies(
  app: FastifyInstance,
  limitMs: number,
  isSmall: (request: FastifyRequest) => boolean = () => true,
): void {
  app.addHook('onRequest', async (request) => {
    const { raw } = request
    if (raw.complete || !isSmall(request)) return
    const giveUp = setTimeout(() => raw.socket.destroy(), limitMs)
    for (const event of ['end', 'close'] as const) raw.once(event, () => clearTimeout(giveUp))
  })
}
