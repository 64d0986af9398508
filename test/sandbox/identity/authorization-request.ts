import { scopes } from './metadata.ts'

/** An authorization error as the redirect carries it. */
export interface AuthorizationRefusal {
  readonly error: string
  readonly description: string
}

type Query = Readonly<Record<string, string | string[] | undefined>>

const statePattern = /^[A-Za-z0-9,._-]+$/
const offeredScopes: ReadonlySet<string> = new Set(scopes)

/**
 * Autodesk's own demands on an authorization request whose client and redirect URI are in order; undefined: it passes.
 * That the answer to a breach is a redirect with `error` is assumed from RFC 6749 §4.1.2.1.
 */
export function judgeAuthorizationRequest(query: Query): AuthorizationRefusal | undefined {
  const { state, nonce, scope } = query
  if (typeof state !== 'string' || !state) return invalid('"state" is required')
  // facts/identity §1.3: alphanumerics, comma, period, underscore, hyphen
  if (!statePattern.test(state)) return invalid('"state" may hold only letters, digits, comma, period, "_" and "-"')
  const asked = requestedScopes(scope)
  if (asked.length === 0) return { error: 'invalid_scope', description: '"scope" is required' }
  const unknown = asked.find((one) => !offeredScopes.has(one))
  if (unknown !== undefined) return { error: 'invalid_scope', description: `there is no scope "${unknown}"` }
  if (asked.includes('openid') && !nonce) return invalid('"nonce" is required with the scope "openid"')
  return undefined
}

export function asksForOpenid(query: Query): boolean {
  return requestedScopes(query['scope']).includes('openid')
}

function requestedScopes(scope: Query[string]): string[] {
  return typeof scope === 'string' ? scope.split(' ').filter(Boolean) : []
}

function invalid(description: string): AuthorizationRefusal {
  return { error: 'invalid_request', description }
}
