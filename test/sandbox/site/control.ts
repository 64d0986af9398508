import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type Faults, faultSchema } from '../faults.ts'
import type { WebServer } from '../web-server.ts'
import type { SiteUser } from './accounts.ts'
import { eventLog } from './events.ts'
import { approveLaunch, denyLaunch } from './launcher.ts'
import type { SiteState } from './site-state.ts'
import { switchesSchema } from './switches.ts'

/** What the control API works with besides the site itself. */
export interface ControlledSite {
  readonly state: SiteState
  readonly faults: Faults
  readonly web: WebServer
  reset(): void
  expireSessions(which: { login?: string | undefined }): number
  mintSession(personKey: string): string
}

const routes: Readonly<Record<string, string>> = {
  'GET /sandbox': 'this list',
  'GET /sandbox/switches': 'what kind of site this is',
  'PATCH /sandbox/switches': 'change some of it: {"mode": "saml2"}',
  'GET /sandbox/faults': 'the faults that wait for a request',
  'POST /sandbox/faults': 'add one: {"path": "/api3/json", "times": 1, "does": {"kind": "status", "status": 502}}',
  'DELETE /sandbox/faults': 'clear them all',
  'GET /sandbox/clock': 'the time on the site',
  'POST /sandbox/clock': 'move it: {"advanceS": 300} or {"reset": true}',
  'GET /sandbox/requests': 'every request the site saw',
  'GET /sandbox/calls': 'how often each method took effect',
  'GET /sandbox/sessions': 'every session there ever was',
  'POST /sandbox/sessions': 'a session as a browser makes it: {"person": "artist"}',
  'POST /sandbox/sessions/expire':
    'end sessions now: {} or {"login": "supervisor"}; {"licence": true} ends the lease alone',
  'GET /sandbox/people': 'everybody with an account',
  'PATCH /sandbox/people/:key': 'change one of them: {"status": "dis"}',
  'PATCH /sandbox/scripts/:name': 'change a script as an administrator does: {"key": "another"} or {"maySudo": true}',
  'GET /sandbox/launches': 'the App Session Launcher requests that are remembered',
  'POST /sandbox/launches/:id': 'answer one without a browser: {"decision": "approve", "person": "artist"}',
  'GET /sandbox/events': 'the event log',
  'GET /sandbox/mishaps': 'what went wrong inside the site itself: callers got a fault that says nothing of it',
  'POST /sandbox/reset': 'seed again; faults, clock, switches, sessions and counts as at the start',
}

const clockChange = z.union([z.strictObject({ advanceS: z.number() }), z.strictObject({ reset: z.literal(true) })])
const expiry = z.strictObject({ login: z.string().optional(), licence: z.boolean().default(false) })
const decision = z.discriminatedUnion('decision', [
  z.strictObject({ decision: z.literal('approve'), person: z.string() }),
  z.strictObject({ decision: z.literal('deny') }),
])
const scriptChange = z.strictObject({ key: z.string().min(1).optional(), maySudo: z.boolean().optional() })
const personChange = z.strictObject({
  login: z.string().min(1).optional(),
  email: z.string().optional(),
  firstname: z.string().optional(),
  lastname: z.string().optional(),
  status: z.enum(['act', 'dis']).optional(),
  role: z.enum(['admin', 'manager', 'artist', 'vendor']).optional(),
  canImpersonate: z.boolean().optional(),
  retired: z.boolean().optional(),
  lockedUntil: z.iso.datetime().nullable().optional(),
  passphrase: z.string().nullable().optional(),
  pat: z.enum(['bound', 'deleted', 'none']).optional(),
  twoFactorCode: z.string().nullable().optional(),
  seesProjects: z.union([z.literal('all'), z.int().nonnegative()]).optional(),
})

/**
 * The site's control API, for a person with curl and for tests in other processes. Deliberately without credentials;
 * it answers this machine only.
 */
export function serveControl(app: FastifyInstance, site: ControlledSite): void {
  const { state, faults, web } = site
  app.get(
    '/sandbox',
    fromHere(() => routes),
  )

  app.get(
    '/sandbox/switches',
    fromHere(() => state.switches),
  )
  app.patch(
    '/sandbox/switches',
    fromHere((request) => Object.assign(state.switches, read(switchesSchema.partial(), request))),
  )

  app.get(
    '/sandbox/faults',
    fromHere(() => faults.list()),
  )
  app.post(
    '/sandbox/faults',
    fromHere((request) => {
      faults.inject(read(faultSchema, request))
      return faults.list()
    }),
  )
  app.delete(
    '/sandbox/faults',
    fromHere(() => {
      faults.clear()
      return faults.list()
    }),
  )

  app.get(
    '/sandbox/clock',
    fromHere(() => ({ nowS: state.clock.nowS() })),
  )
  app.post(
    '/sandbox/clock',
    fromHere((request) => {
      const change = read(clockChange, request)
      if ('advanceS' in change) state.clock.advance(change.advanceS * 1000)
      else state.clock.reset()
      return { nowS: state.clock.nowS() }
    }),
  )

  app.get(
    '/sandbox/requests',
    fromHere(() => web.requests),
  )
  app.get(
    '/sandbox/calls',
    fromHere(() => Object.fromEntries(state.calls)),
  )

  app.get(
    '/sandbox/sessions',
    fromHere(() => state.sessions.list()),
  )
  app.post(
    '/sandbox/sessions',
    fromHere((request) => {
      const { person } = read(z.strictObject({ person: z.string() }), request)
      return { token: site.mintSession(activePerson(state, person).key) }
    }),
  )
  app.post(
    '/sandbox/sessions/expire',
    fromHere((request) => {
      const { login, licence } = read(expiry, request)
      const isTheirs = (owner: string) => login === undefined || owner === login
      if (!licence) return { ended: site.expireSessions({ login }) }
      return { ended: state.sessions.endLicences((session) => isTheirs(state.sessions.ownerLogin(session))) }
    }),
  )

  app.get(
    '/sandbox/people',
    fromHere(() => state.accounts.users().map(describePerson)),
  )
  app.patch<{ Params: { key: string } }>(
    '/sandbox/people/:key',
    fromHere((request: FastifyRequest<{ Params: { key: string } }>) => {
      const user = knownPerson(state, request.params.key)
      changePerson(user, read(personChange, request))
      return describePerson(user)
    }),
  )

  app.patch<{ Params: { name: string } }>(
    '/sandbox/scripts/:name',
    fromHere((request: FastifyRequest<{ Params: { name: string } }>) => {
      const change = read(scriptChange, request)
      const script = state.accounts.scripts().find(({ name }) => name === request.params.name)
      if (!script) throw new ControlError(404, `this site has no script "${request.params.name}"`)
      if (change.key !== undefined) script.key = change.key
      if (change.maySudo !== undefined) script.maySudo = change.maySudo
      return { name: script.name, maySudo: script.maySudo }
    }),
  )

  app.get(
    '/sandbox/launches',
    fromHere(() =>
      state.launches.list().map(({ answer, ...launch }) => ({ ...launch, answered: answer !== undefined })),
    ),
  )
  app.post<{ Params: { id: string } }>(
    '/sandbox/launches/:id',
    fromHere((request: FastifyRequest<{ Params: { id: string } }>) => {
      const answer = read(decision, request)
      const launch = state.launches.pending(request.params.id)
      if (!launch) throw new ControlError(404, `no launcher request "${request.params.id}" waits for an answer`)
      if (answer.decision === 'approve') approveLaunch(state, launch, activePerson(state, answer.person))
      else denyLaunch(state, launch)
      return { decision: answer.decision }
    }),
  )

  app.get(
    '/sandbox/events',
    fromHere(() => eventLog(state)),
  )
  app.get(
    '/sandbox/mishaps',
    fromHere(() => state.mishaps.list()),
  )
  app.post(
    '/sandbox/reset',
    fromHere(() => {
      site.reset()
      return { reset: true }
    }),
  )
}

class ControlError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const loopback = ['127.0.0.1', '::1', '::ffff:127.0.0.1']

/** A handler for callers on this machine; what it returns is sent as JSON, what it throws as a sentence. */
function fromHere<Request extends FastifyRequest>(answer: (request: Request) => unknown) {
  return (request: Request, reply: FastifyReply): FastifyReply => {
    const send = (status: number, body: unknown) => {
      return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(body))
    }
    if (!loopback.includes(request.ip)) return send(403, { message: 'the control API answers this machine only' })
    try {
      return send(200, answer(request))
    } catch (error) {
      if (error instanceof ControlError) return send(error.status, { message: error.message })
      throw error
    }
  }
}

function read<T extends z.ZodType>(schema: T, request: FastifyRequest): z.output<T> {
  const parsed = schema.safeParse(parseBody(String(request.body ?? '')))
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => `"${path.join('.') || 'body'}": ${message}`)
  throw new ControlError(400, problems.join('; '))
}

function parseBody(text: string): unknown {
  if (text === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    throw new ControlError(400, 'the body must be JSON')
  }
}

function knownPerson({ accounts }: SiteState, key: string): SiteUser {
  const user = accounts.users().find((candidate) => candidate.key === key)
  if (!user) throw new ControlError(404, `nobody called "${key}" has an account on this site`)
  return user
}

/** Somebody who could sign in. */
function activePerson(state: SiteState, key: string): SiteUser {
  const user = knownPerson(state, key)
  if (!user.isActive) throw new ControlError(400, `"${key}" cannot sign in: the account is disabled or retired`)
  return user
}

/** Assigns what was sent; null takes a passphrase or a second factor away. */
function changePerson(user: SiteUser, { passphrase, twoFactorCode, ...rest }: z.output<typeof personChange>): void {
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  Object.assign(user, given)
  if (passphrase !== undefined) user.passphrase = passphrase ?? undefined
  if (twoFactorCode !== undefined) user.twoFactorCode = twoFactorCode ?? undefined
}

function describePerson(user: SiteUser) {
  const { key, id, login, email, name, status, role, canImpersonate, retired, lockedUntil } = user
  const { passphrase = null, pat, twoFactorCode = null, seesProjects, autodesk = null } = user
  return {
    ...{ key, id, login, email, name, status, role, canImpersonate, retired, lockedUntil },
    ...{ passphrase, pat, twoFactorCode, seesProjects, autodesk },
  }
}
