import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client'
import { describe, expect, test } from 'vitest'
import { AgentError } from '../../../src/errors.ts'
import { isOutcomeUnknown, translateIdentityError } from '../../../src/identity/errors.ts'

const clientError = (code: string, cause?: unknown): ClientError =>
  Object.assign(new ClientError('x', { cause }), { code })
const systemError = (code: string): TypeError =>
  new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code }) })
const gateway = (status: number, body: unknown = {}): ClientError =>
  clientError('OAUTH_RESPONSE_IS_NOT_CONFORM', new Response(JSON.stringify(body), { status }))
const bodyError = (error: string, status: number): ResponseBodyError =>
  new ResponseBodyError('x', { cause: { error }, response: new Response('{}', { status }) } as never)
const callbackError = (error: string): AuthorizationResponseError =>
  new AuthorizationResponseError('x', { cause: new URLSearchParams({ error }) })

describe('every failure of the talk with Autodesk has one of our codes', () => {
  test.each<[string, unknown, string]>([
    ['a denied sign-in', callbackError('access_denied'), 'access_denied'],
    ['a silent sign-in that needs the person', callbackError('login_required'), 'interaction_required'],
    ['Autodesk in trouble at the redirect', callbackError('temporarily_unavailable'), 'identity_unreachable'],
    ['an unknown redirect error', callbackError('<script>'), 'identity_rejected'],
    ['a used refresh token', bodyError('invalid_grant', 400), 'identity_rejected'],
    ['an OAuth error with 503', bodyError('temporarily_unavailable', 503), 'identity_unreachable'],
    ['throttling in OAuth’s family', bodyError('slow_down', 429), 'rate_limited'],
    ['throttling in the gateway’s family', gateway(429, { errorCode: 'ERR-001' }), 'rate_limited'],
    ['the gateway’s refusal', gateway(403, { errorCode: 'AUTH-001' }), 'identity_rejected'],
    ['a proxy’s refusal', gateway(407), 'identity_unreachable'],
    ['a portal’s refusal', gateway(403, '<html>'), 'identity_unreachable'],
    ['the gateway’s trouble', gateway(500, { errorCode: 'ERR-003' }), 'identity_unreachable'],
    ['a redirect where a token was due', gateway(302), 'identity_unreachable'],
    ['a web page', clientError('OAUTH_RESPONSE_IS_NOT_JSON'), 'identity_unreachable'],
    ['half an answer', clientError('OAUTH_PARSE_ERROR'), 'identity_unreachable'],
    ['silence', clientError('OAUTH_TIMEOUT'), 'identity_unreachable'],
    ['a wrong nonce, issuer or audience', clientError('OAUTH_JWT_CLAIM_COMPARISON_FAILED'), 'identity_rejected'],
    ['a wrong signature', clientError('OAUTH_INVALID_RESPONSE'), 'identity_rejected'],
    ['a wrong clock', clientError('OAUTH_JWT_TIMESTAMP_CHECK_FAILED'), 'identity_rejected'],
    ['an http address', clientError('OAUTH_HTTP_REQUEST_FORBIDDEN'), 'config_invalid'],
    ['no network', systemError('ENOTFOUND'), 'identity_unreachable'],
    ['an untrusted certificate', systemError('SELF_SIGNED_CERT_IN_CHAIN'), 'identity_unreachable'],
    [
      'our own error inside openid-client’s',
      clientError('OAUTH_ABORT', new AgentError('sign_in_cancelled')),
      'sign_in_cancelled',
    ],
    ['our own error', new AgentError('redirect_ports_busy'), 'redirect_ports_busy'],
  ])('%s', async (_name, thrown, code) => {
    const error = await translateIdentityError(thrown, 'a step')
    expect(error.code).toBe(code)
    expect(error.message).not.toContain('<')
  })

  test('and names the gateway’s code, which is what Autodesk’s support asks for', async () => {
    expect((await translateIdentityError(gateway(403, { errorCode: 'AUTH-001' }), 'the token call')).message).toBe(
      'the token call: Autodesk answered 403 (AUTH-001)',
    )
  })
})

describe('whether a lost refresh may have used up its token', () => {
  test.each<[string, unknown, boolean]>([
    ['an answer, even a refusal', bodyError('invalid_grant', 400), false],
    ['a gateway that says it is overloaded', gateway(503), false],
    ['a gateway that lost the answer', gateway(504), true],
    ['no name', systemError('ENOTFOUND'), false],
    ['no connection', systemError('ECONNREFUSED'), false],
    ['an untrusted certificate', systemError('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), false],
    ['Chromium’s no name', new Error('net::ERR_NAME_NOT_RESOLVED'), false],
    ['a reset connection', systemError('ECONNRESET'), true],
    ['Chromium’s reset connection', new Error('net::ERR_CONNECTION_RESET'), true],
    ['silence', clientError('OAUTH_TIMEOUT', new DOMException('x', 'TimeoutError')), true],
    ['half an answer', clientError('OAUTH_PARSE_ERROR', new SyntaxError('x')), true],
  ])('%s: %s', (_name, thrown, unknown) => expect(isOutcomeUnknown(thrown)).toBe(unknown))
})
