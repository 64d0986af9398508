import type { IdentitySwitches } from './switches.ts'

/** An error of the token, revoke, introspect or UserInfo call, in OAuth's words. */
export interface Refusal {
  readonly status: number
  readonly error: string
  readonly description: string
}

/** Autodesk's published codes; those it does not publish for an OAuth error are the nearest (facts/identity §1.8). */
const gatewayCodes: Readonly<Record<string, string>> = {
  invalid_client: 'AUTH-001',
  unauthorized_client: 'AUTH-001',
  invalid_scope: 'AUTH-004',
  invalid_token: 'AUTH-006',
  invalid_request: 'AUTH-008',
  invalid_grant: 'AUTH-008',
  unsupported_grant_type: 'AUTH-009',
  insufficient_scope: 'AUTH-010',
  missing_token: 'AUTH-012',
  unsupported_token_type: 'AUTH-013',
  server_error: 'ERR-003',
}

/** The JSON body of a refusal in the style that is switched on. */
export function refusalBody(
  { error, description }: Pick<Refusal, 'error' | 'description'>,
  issuer: string,
  style: IdentitySwitches['errorStyle'],
): Record<string, string> {
  if (style === 'oauth') return { error, error_description: description }
  return gatewayBody(gatewayCodes[error] ?? 'ERR-003', description, issuer)
}

/** The gateway's answer above the rate limit; it is the same in both styles (facts/identity §1.7). */
export function throttledAnswer(issuer: string): { status: 429; headers: Record<string, string>; body: string } {
  return {
    status: 429,
    headers: { 'retry-after': '2', 'content-type': 'application/json' },
    body: JSON.stringify(gatewayBody('ERR-001', 'Too many calls in a minute.', issuer)),
  }
}

function gatewayBody(code: string, message: string, issuer: string): Record<string, string> {
  return {
    developerMessage: message,
    userMessage: '',
    errorCode: code,
    'more info': `${issuer}/documentation/v2/errors/${code}`,
  }
}
