import type { FastifyInstance } from 'fastify'
import type { Parts } from '../parts.ts'

/** Supervisor ↔ broker: is it alive, and can it work. */
export async function serveOperation(app: FastifyInstance, { database }: Parts): Promise<void> {
  app.get('/health/live', async () => ({ status: 'ok' }))
  app.get('/health/ready', async () => {
    await database.selectFrom('audit_head').select('sequence').execute()
    return { status: 'ok' }
  })
}
