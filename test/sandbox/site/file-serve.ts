import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendsSessionCookie, sessionOfCookie } from './cookies.ts'
import { sendMessage } from './internal-session.ts'
import type { SiteState } from './site-state.ts'
import type { StoredFile } from './stored-files.ts'
import { View } from './view.ts'

type ById = { Params: { id: string } }

/**
 * Uploads on their way back. No cookie is asked for: Python's cookie jar never sends one to `host:port`. One that is
 * sent must be good. facts: PY `download_attachment`, `get_auth_cookie_handler`
 */
export function serveFiles(app: FastifyInstance, state: SiteState): void {
  app.get<ById>('/file_serve/attachment/:id', (request, reply) => {
    const id = Number(request.params.id)
    const row = state.tables.get({ type: 'Attachment', id })
    const file = row && !row.retired && maySee(state, request, row) ? state.files.get(id) : undefined
    if (!hasGoodCookie(state, request)) return sendMessage(reply, 401, 'Unauthorized')
    // the status the client reads as "may not exist or is a local file" (PY)
    if (!file) return sendMessage(reply, 400, `Attachment with id=${request.params.id} doesn't exist or has no file`)
    return sendFile(reply, file)
  })

  app.get<ById>('/file_serve/thumbnail/:id', (request, reply) => {
    if (!hasGoodCookie(state, request)) return sendMessage(reply, 401, 'Unauthorized')
    const file = state.files.get(Number(request.params.id))
    return file ? sendFile(reply, file) : sendMessage(reply, 404, 'Not Found')
  })
}

function hasGoodCookie(state: SiteState, request: FastifyRequest): boolean {
  return !sendsSessionCookie(request) || sessionOfCookie(state, request) !== undefined
}

function maySee(state: SiteState, request: FastifyRequest, row: Parameters<View['canSee']>[0]): boolean {
  const session = sessionOfCookie(state, request)
  return !session || new View(state, session.owner).canSee(row)
}

function sendFile(reply: FastifyReply, { name, contentType, bytes }: StoredFile): FastifyReply {
  return reply
    .type(contentType)
    .header('content-disposition', `inline; filename*=UTF-8''${encodeURIComponent(name)}`)
    .header('x-content-type-options', 'nosniff')
    .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
}
