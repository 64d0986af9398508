import type { FastifyInstance, FastifyReply } from 'fastify'
import { sessionOfCookie } from './cookies.ts'
import type { Session } from './sessions.ts'
import type { SiteState } from './site-state.ts'

const notifyBeforeS = 900

/**
 * The web app's own session calls: the cookie is the credential, errors are `{message}`, and no answer carries a CORS
 * header. Reading never pushes the window back, renewing always does. facts: SGT get_internal_api_session, 052
 */
export function serveInternalSession(app: FastifyInstance, state: SiteState): void {
  app.get('/internal_api/session', (request, reply) => {
    if (!state.switches.sessionEndpoint) return sendMessage(reply, 404, 'Not Found')
    const session = sessionOfCookie(state, request)
    if (!session) return sendMessage(reply, 401, 'Unauthorized')
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(describeSession(state, session)))
  })

  app.post('/internal_api/session', (request, reply) => {
    if (!state.switches.sessionEndpoint) return sendMessage(reply, 404, 'Not Found')
    const session = sessionOfCookie(state, request)
    if (!session) return sendMessage(reply, 401, 'Unauthorized')
    state.sessions.renew(session)
    return sendMessage(reply, 200, 'OK')
  })

  app.post('/internal_api/autodesk_identity/license_renewal', (request, reply) => {
    const session = sessionOfCookie(state, request)
    if (!session) return sendMessage(reply, 401, 'Unauthorized')
    state.sessions.renewLicence(session)
    return sendMessage(reply, 200, 'OK')
  })
}

/** What every `/internal_api` call says when it says no. */
export function sendMessage(reply: FastifyReply, status: number, message: string): FastifyReply {
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify({ message }))
}

/**
 * Epoch seconds. The licence lease is reported beside the session; only once it has ended is it the reason.
 * What an ended lease does to API calls was not measured: here, nothing.
 */
function describeSession({ sessions, clock, url }: SiteState, session: Session): unknown {
  const forcedEndAtMs = sessions.forcedEndAtMs(session)
  const licenceEnded = clock.now() >= sessions.licenceEndsAtMs(session)
  const expiresAt = seconds(licenceEnded ? sessions.licenceEndsAtMs(session) : sessions.expiresAtMs(session))
  return {
    app: {
      createdAt: seconds(session.createdAtMs),
      expiresAt: seconds(sessions.expiresAtMs(session)),
      forceExpiresAt: forcedEndAtMs === undefined ? null : seconds(forcedEndAtMs),
    },
    license: { createdAt: seconds(session.licenceFromMs), expiresAt: seconds(sessions.licenceEndsAtMs(session)) },
    expirationReason: licenceEnded ? 'license' : 'session',
    expired: licenceEnded,
    expiresAt,
    notifyAt: expiresAt - notifyBeforeS,
    sessionInitUrl: `${url}/forge/init_auth`,
  }
}

const seconds = (ms: number) => Math.floor(ms / 1000)
