import type { FastifyInstance } from 'fastify'

/** Hangs up on who takes longer than `limitMs` to send a body. For routes whose bodies are small. */
export function refuseSlowBodies(app: FastifyInstance, limitMs: number): void {
  app.addHook('onRequest', async ({ raw }) => {
    if (raw.complete) return
    const giveUp = setTimeout(() => raw.socket.destroy(), limitMs)
    for (const event of ['end', 'close'] as const) raw.once(event, () => clearTimeout(giveUp))
  })
}
