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
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim())
  const pair = pairs.find((candidate) => candidate.startsWith(`${name}=`))
  return sessions.find(pair?.slice(name.length + 1))
}

/** `Set-Cookie` for a browser that signed in; dies with the browser. */
export function sessionCookie({ url }: Pick<SiteState, 'url'>, token: string): string {
  return `${name}=${token}; Path=/; HttpOnly; SameSite=Lax${url.startsWith('https:') ? '; Secure' : ''}`
}
