import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { sendMessage } from './internal-session.ts'
import type { SiteState } from './site-state.ts'

/** The two calls tk-core makes beside the API. facts: TK 1.9 */
export function serveSideEndpoints(app: FastifyInstance, state: SiteState): void {
  // usage metrics: whatever is in them, the answer is 200
  app.post('/api3/track_metrics', (_request, reply) => {
    return reply.type('application/json; charset=utf-8').send('{}')
  })

  // a plain session fetches the script key of the Toolkit app store
  app.post('/api3/sgtk_install_script', (request, reply) => {
    const token = new URLSearchParams(String(request.body ?? '')).get('session_token')
    // tk-core asks for a new session on 403, and on nothing else (TK descriptor/io_descriptor/appstore.py)
    if (!state.sessions.find(token ?? undefined)) return sendMessage(reply, 403, 'Forbidden')
    const key = createHash('sha256').update(`sandbox app store ${state.siteName}`).digest('hex').slice(0, 32)
    return reply
      .type('application/json; charset=utf-8')
      .send(JSON.stringify({ script_name: 'sandbox-app-store', script_key: key }))
  })
}
