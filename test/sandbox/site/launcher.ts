import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { SiteUser } from './accounts.ts'
import { sessionOfCookie } from './cookies.ts'
import { sendMessage } from './internal-session.ts'
import type { Launch } from './launches.ts'
import { answeredPage, approvalPage, forgottenPage, sendPage } from './pages.ts'
import { mediaTypeOf } from './rest-errors.ts'
import type { Session } from './sessions.ts'
import { countCall, type SiteState } from './site-state.ts'

type ById = { Params: { id: string } }

/**
 * The App Session Launcher: an app asks, a person answers in a browser, the app polls until it has the token.
 * facts: TK 3.1, SGT 052, app_session_request cards
 */
export function serveLauncher(app: FastifyInstance, state: SiteState): void {
  app.post('/internal_api/app_session_request', (request, reply) => {
    // tk-core reads a 403 with JSON as "not enabled on this site"
    if (!state.switches.launcher) return sendMessage(reply, 403, 'App Session Launcher is not enabled')
    const params = readParams(request)
    const missing = ['appName', 'machineId'].filter((name) => !params.get(name))
    if (missing.length > 0) return sendMessage(reply, 400, `Missing params: ${missing.join(', ')}`)
    const launch = state.launches.create(params.get('appName') ?? '', params.get('machineId') ?? '')
    countCall(state, 'asl:create')
    const url = `${state.url}/app_session_request/${launch.id}?sticky_id=${launch.id}`
    return sendJson(reply, { sessionRequestId: launch.id, url })
  })

  app.put<ById>('/internal_api/app_session_request/:id', (request, reply) => {
    const found = state.launches.poll(request.params.id)
    if (!found) return sendMessage(reply, 404, 'Not Found')
    countCall(state, 'asl:poll')
    if (found === 'waiting') return sendJson(reply, { approved: false })
    return sendJson(reply, { approved: true, sessionToken: found.token, userLogin: found.user.login })
  })

  app.get<ById>('/app_session_request/:id', (request, reply) => {
    const { id } = request.params
    const signedIn = signedInPerson(state, request)
    if (!signedIn) return reply.redirect(`/user/login?return_path=/app_session_request/${encodeURIComponent(id)}`, 302)
    const launch = state.launches.pending(id)
    if (!launch) return sendPage(reply, 404, forgottenPage(state))
    return sendPage(reply, 200, approvalPage(state, launch, signedIn.user))
  })

  app.post<ById>('/app_session_request/:id', (request, reply) => {
    const signedIn = signedInPerson(state, request)
    if (!signedIn) return reply.redirect('/user/login?return_path=/', 303)
    const launch = state.launches.pending(request.params.id)
    if (!launch) return sendPage(reply, 404, forgottenPage(state))
    const approved = new URLSearchParams(String(request.body ?? '')).get('decision') === 'approve'
    if (approved) approveLaunch(state, launch, signedIn.user, signedIn.session)
    else denyLaunch(state, launch)
    return sendPage(reply, 200, answeredPage(state, launch, approved))
  })
}

/** Approves, which makes a session of the app's own. facts: SGT 052 (its licence lease is the browser login's) */
export function approveLaunch(state: SiteState, launch: Launch, user: SiteUser, browser?: Session): void {
  const session = state.sessions.create({ kind: 'person', user }, 'launcher', browser?.licenceFromMs)
  state.launches.approve(launch, user, session.token)
  countCall(state, 'asl:approve')
}

export function denyLaunch(state: SiteState, launch: Launch): void {
  state.launches.deny(launch)
  countCall(state, 'asl:deny')
}

function signedInPerson(state: SiteState, request: FastifyRequest): { session: Session; user: SiteUser } | undefined {
  const session = sessionOfCookie(state, request)
  return session?.owner.kind === 'person' ? { session, user: session.owner.user } : undefined
}

const jsonParams = z.record(z.string(), z.unknown())

/** Form (tk-core) or JSON; what is neither has no parameters. */
function readParams(request: FastifyRequest): URLSearchParams {
  const body = String(request.body ?? '')
  if (mediaTypeOf(request.headers['content-type']) !== 'application/json') return new URLSearchParams(body)
  try {
    const parsed = jsonParams.parse(JSON.parse(body))
    return new URLSearchParams(Object.entries(parsed).map(([name, value]) => [name, String(value ?? '')]))
  } catch {
    return new URLSearchParams()
  }
}

function sendJson(reply: FastifyReply, body: unknown): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(body))
}
