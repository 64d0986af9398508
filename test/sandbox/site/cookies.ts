import type { FastifyRequest } from 'fastify'
import type { Session } from './sessions.ts'
import type { SiteState } from './site-state.ts'

/** The cookie is the session token itself. facts: PY 1.9, SGT get_internal_api_session */
const name = '_session_id'

/** The good session behind a request's cookie. */
export function sessionOfCookie(
  { sessions }: Pick<SiteState, 'sessions'>,
  request: FastifyRequest,
): Session | undefined {
  return sessions.find(cookieOf(request))
}

/** Whether a request comes with a session cookie at all, good or not. */
export function sendsSessionCookie(request: FastifyRequest): boolean {
  return cookieOf(request) !== undefined
}

/** `Set-Cookie` for a browser that signed in; dies with the browser. */
export function sessionCookie({ url }: Pick<SiteState, 'url'>, token: string): string {
  return `${name}=${token}; Path=/; HttpOnly; SameSite=Lax${url.startsWith('https:') ? '; Secure' : ''}`
}

function cookieOf(request: FastifyRequest): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim())
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}
