import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import { z } from 'zod'
import { exchangeForSession, signInSchema } from './exchange.ts'
import { createNote, listProjects, noteSchema } from './notes.ts'
import { Refusal, signedOut } from './refusal.ts'
import { demandSameOrigin } from './same-origin.ts'
import type { Fetch, ShotgridSession } from './shotgrid-session.ts'
import { WebSessions } from './web-sessions.ts'

export interface WebAppOptions {
  /** `http://localhost:<port>`: as in the broker's `webApps`, and with a slash behind the redirect URI at Autodesk. */
  readonly origin: string
  /** Where it listens on 127.0.0.1, if that is not the origin's port: behind a proxy that ends TLS and hands `Host` on. */
  readonly port?: number
  readonly broker: string
  readonly site: string
  readonly identity: { readonly issuer: string; readonly clientId: string }
  /** What speaks to Autodesk, broker and ShotGrid. */
  readonly fetch?: Fetch
}

export interface WebApp {
  readonly origin: string
  close(): Promise<void>
}

const bodyBytes = 48 * 1024
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/**
 * A web app of the studio, as small as one can be: its page signs the person in at Autodesk, this server exchanges that for
 * their own ShotGrid session at the broker and writes notes with it. docs/web-apps.md walks through it.
 */
export async function startWebApp(options: WebAppOptions): Promise<WebApp> {
  const { origin, broker, site, identity, fetch: send = (url, init) => fetch(url, init) } = options
  const endpoints = await discover(send, identity.issuer)
  const sessions = new WebSessions(origin)
  const app = fastify({ bodyLimit: bodyBytes, logger: false })
  // A form or plain text is what other sites' pages can send without asking.
  app.removeContentTypeParser('text/plain')
  demandSameOrigin(app, origin)
  answerRefusals(app, sessions)
  addHeaders(app, [broker, endpoints.token_endpoint])
  await servePage(app)

  const demandSession = (cookie: string | undefined): ShotgridSession => {
    const session = sessions.find(cookie)
    if (!session) throw signedOut()
    return session
  }

  app.get('/api/configuration', async () => ({
    site,
    broker,
    clientId: identity.clientId,
    redirectUri: `${origin}/`,
    scope: 'openid user-profile:read',
    authorizationEndpoint: endpoints.authorization_endpoint,
    tokenEndpoint: endpoints.token_endpoint,
  }))
  app.get('/api/session', async ({ headers }) => ({ person: sessions.find(headers.cookie)?.person ?? null }))
  app.post('/api/session', async ({ headers, body }, reply) => {
    const session = await exchangeForSession(send, { broker, site }, parse(signInSchema, body))
    sessions.end(headers.cookie)
    return reply.header('set-cookie', sessions.begin(session)).send({ person: session.person })
  })
  app.delete('/api/session', async ({ headers }, reply) => {
    return reply.header('set-cookie', sessions.end(headers.cookie)).send({ person: null })
  })
  app.get('/api/projects', async ({ headers }) => ({ projects: await listProjects(demandSession(headers.cookie)) }))
  app.post('/api/notes', async ({ headers, body }) => {
    return createNote(demandSession(headers.cookie), parse(noteSchema, body))
  })

  await app.listen({ host: '127.0.0.1', port: options.port ?? Number(new URL(origin).port) })
  return { origin, close: () => app.close() }
}

const endpointsSchema = z.object({ issuer: z.string(), authorization_endpoint: z.url(), token_endpoint: z.url() })

/** Autodesk's addresses (RFC 8414), believed of the issuer that is configured only. */
async function discover(send: Fetch, issuer: string): Promise<z.output<typeof endpointsSchema>> {
  const answer = await send(`${issuer}/.well-known/openid-configuration`)
  const endpoints = endpointsSchema.parse(await answer.json())
  if (endpoints.issuer !== issuer) throw new Error(`"${issuer}" says it is "${endpoints.issuer}"`)
  return endpoints
}

/** The page may run our own scripts and speak to us, the broker and Autodesk; nobody may frame it. */
function addHeaders(app: FastifyInstance, alsoSpeaksTo: readonly string[]): void {
  const others = alsoSpeaksTo.map((address) => new URL(address).origin)
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${others.join(' ')}`,
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ')
  app.addHook('onSend', async (_request, reply) => {
    reply
      .header('content-security-policy', policy)
      .header('cache-control', 'no-store')
      .header('referrer-policy', 'no-referrer')
      .header('cross-origin-opener-policy', 'same-origin')
      .header('cross-origin-resource-policy', 'same-origin')
      .header('x-content-type-options', 'nosniff')
  })
}

/** Serves the files of the folder `page`, read once: no path of a request ever reaches the disk. */
async function servePage(app: FastifyInstance): Promise<void> {
  const folder = join(import.meta.dirname, 'page')
  for (const name of await readdir(folder)) {
    const content = await readFile(join(folder, name))
    const path = name === 'index.html' ? '/' : `/${name}`
    app.get(path, (_request, reply) => reply.type(types[extname(name)] ?? 'application/octet-stream').send(content))
  }
}

function answerRefusals(app: FastifyInstance, sessions: WebSessions): void {
  app.setNotFoundHandler(async () => {
    throw new Refusal(404, 'not_found', 'There is nothing at this address.')
  })
  app.setErrorHandler((thrown, request, reply) => {
    const { status, code, message } = thrown instanceof Refusal ? thrown : asRefusal(thrown)
    if (code === 'signed_out') reply.header('set-cookie', sessions.end(request.headers.cookie))
    return reply.code(status).send({ code, message })
  })
}

/** Fastify's own refusals keep their status; what is our fault is not explained to strangers. */
function asRefusal(thrown: unknown): Refusal {
  const status = thrown instanceof Error && 'statusCode' in thrown ? Number(thrown.statusCode) : 500
  return status < 500
    ? new Refusal(status, 'invalid_request', 'The request is not of a form this server takes.')
    : new Refusal(500, 'server_error', 'Something went wrong on the server.')
}

function parse<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  throw new Refusal(400, 'invalid_request', `"${parsed.error.issues[0]?.path.join('.')}" is missing or wrong.`)
}
