import { setTimeout as sleep } from 'node:timers/promises'
import * as jose from 'jose'
import * as client from 'openid-client'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Identity, startIdentity } from '../sandbox/identity/identity.ts'
import { discoverAsNativeClient, keepFaultless } from './native-client.ts'

let identity: Identity
let config: client.Configuration

beforeAll(async () => {
  identity = await startIdentity()
  config = await discoverAsNativeClient(identity.issuer)
})
keepFaultless(() => identity)

const signIn = (clientId = 'sg-session-tray') => identity.signIn('artist', { clientId, nonce: 'n' })
const refresh = (refreshToken: string) => client.refreshTokenGrant(config, refreshToken)
const userinfoStatus = async (accessToken: string) =>
  (await fetch(identity.userinfoUrl, { headers: { authorization: `Bearer ${accessToken}` } })).status
const refused = { name: 'ResponseBodyError', status: 400, error: 'invalid_grant' }

/** A call as the wire carries it: what openid-client would not send, and what it would not show. */
async function call(
  name: 'token' | 'revoke' | 'introspect',
  form: Record<string, string>,
  headers: Record<string, string> = {},
) {
  const url = `${identity.issuer}/authentication/v2/${name}`
  const response = await fetch(url, { method: 'POST', headers, body: new URLSearchParams(form) })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: (text ? JSON.parse(text) : {}) as Record<string, unknown>,
  }
}

describe('UserInfo', () => {
  test('it answers on its own origin with the documented fields and a boolean email_verified', async () => {
    Object.assign(identity.switches, { idTokenClaims: 'none', emailVerifiedAs: 'string' })
    const { accessToken } = await signIn()
    expect(await client.fetchUserInfo(config, accessToken, 'ARTIST000001')).toEqual({
      sub: 'ARTIST000001',
      email: 'artist@studio.example',
      email_verified: true,
      name: 'Plain Artist',
      given_name: 'Plain',
      family_name: 'Artist',
      preferred_username: 'artist',
      locale: 'en-US',
      updated_at: expect.any(Number),
      is_2fa_enabled: false,
    })
    expect(identity.userinfoWeb.requests.map(({ path }) => path)).toEqual(['/userinfo'])
    expect(identity.calls.get('userinfo')).toBe(1)
  })

  test('it needs no scope but only the token, and says what setAccount made of the account', async () => {
    const { accessToken } = await identity.signIn('artist', { nonce: 'n', scope: 'data:read' })
    identity.setAccount('artist', { email: 'renamed@studio.example', emailVerified: false })
    expect(await client.fetchUserInfo(config, accessToken, 'ARTIST000001')).toMatchObject({
      email: 'renamed@studio.example',
      email_verified: false,
    })
  })

  test('a wrong token is a 401 with a challenge that openid-client understands', async () => {
    const wrong = client.fetchUserInfo(config, 'wrong', client.skipSubjectCheck)
    await expect(wrong).rejects.toMatchObject({ name: 'WWWAuthenticateChallengeError', status: 401 })
  })

  test('no token at all is a 401 whose challenge names no error', async () => {
    const response = await fetch(identity.userinfoUrl)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe(`Bearer realm="${identity.issuer}"`)
  })

  test('a token with a forged signature, an ID token and a refresh token are no access tokens', async () => {
    const { accessToken, idToken, refreshToken } = await signIn()
    const forged = accessToken.replace(/[^.]+$/, (signature) => signature.split('').toReversed().join(''))
    expect(await Promise.all([forged, idToken, refreshToken].map(userinfoStatus))).toEqual([401, 401, 401])
  })

  test('an access token ends when its time is over', async () => {
    identity.switches.accessTokenS = 1
    const { accessToken } = await signIn()
    await sleep(1100)
    expect(await userinfoStatus(accessToken)).toBe(401)
    expect(await client.tokenIntrospection(config, accessToken)).toEqual({ active: false })
  })
})

describe('revoke', () => {
  test('revoking the refresh token kills the access token too', async () => {
    const { accessToken, refreshToken } = await signIn()
    await client.tokenRevocation(config, refreshToken, { token_type_hint: 'refresh_token' })
    await expect(refresh(refreshToken)).rejects.toMatchObject(refused)
    expect(await userinfoStatus(accessToken)).toBe(401)
    expect(identity.calls.get('revoke')).toBe(1)
  })

  test('revoking the access token leaves the refresh token', async () => {
    const { accessToken, refreshToken } = await signIn()
    await client.tokenRevocation(config, accessToken, { token_type_hint: 'access_token' })
    expect(await userinfoStatus(accessToken)).toBe(401)
    expect((await refresh(refreshToken)).expires_in).toBe(3599)
  })

  test('without token_type_hint it is a 400 and the token lives', async () => {
    const { refreshToken } = await signIn()
    await expect(client.tokenRevocation(config, refreshToken)).rejects.toMatchObject({
      status: 400,
      error: 'invalid_request',
    })
    expect((await refresh(refreshToken)).expires_in).toBe(3599)
  })

  test('the answer is 200 and empty, also for a token nobody knows', async () => {
    const form = { client_id: 'sg-session-tray', token: 'unknown', token_type_hint: 'refresh_token' }
    expect(await call('revoke', form)).toMatchObject({ status: 200, text: '' })
  })

  test('the token of another client is not touched', async () => {
    const { refreshToken } = await signIn('other-app')
    await client.tokenRevocation(config, refreshToken, { token_type_hint: 'refresh_token' })
    const other = await discoverAsNativeClient(identity.issuer, 'other-app')
    expect((await client.refreshTokenGrant(other, refreshToken)).expires_in).toBe(3599)
  })
})

describe('introspect', () => {
  test('a public client sees its own access token by client_id alone', async () => {
    const { accessToken } = await signIn()
    expect(await client.tokenIntrospection(config, accessToken)).toEqual({
      active: true,
      scope: 'openid user-profile:read',
      client_id: 'sg-session-tray',
      exp: jose.decodeJwt(accessToken).exp,
      userid: 'ARTIST000001',
    })
    expect(identity.calls.get('introspect')).toBe(1)
  })

  test('it sees its own refresh token, until that is used', async () => {
    const { refreshToken } = await signIn()
    expect(await client.tokenIntrospection(config, refreshToken)).toMatchObject({ active: true })
    const { refresh_token: newest = '' } = await refresh(refreshToken)
    expect(await client.tokenIntrospection(config, refreshToken)).toEqual({ active: false })
    expect(await client.tokenIntrospection(config, newest)).toMatchObject({ active: true })
  })

  test('a token of another client, an unknown one and a revoked one are not active', async () => {
    const foreign = await identity.signIn('supervisor', { clientId: 'other-app', nonce: 'n' })
    const revoked = await signIn()
    await identity.revokeAll('artist')
    for (const token of [
      foreign.accessToken,
      foreign.refreshToken,
      'unknown',
      revoked.accessToken,
      revoked.refreshToken,
    ]) {
      expect(await client.tokenIntrospection(config, token)).toEqual({ active: false })
    }
  })
})

describe('what revoke and introspect refuse', () => {
  const good = { client_id: 'sg-session-tray', token: 'x', token_type_hint: 'access_token' }
  const basic = { authorization: `Basic ${Buffer.from('sg-session-tray:secret').toString('base64')}` }

  test.each(['revoke', 'introspect'] as const)(
    '%s: credentials twice, no client, an unknown client, no token',
    async (name) => {
      const { client_id: _client, ...withoutClient } = good
      const { token: _token, ...withoutToken } = good
      const answers = await Promise.all([
        call(name, good, basic),
        call(name, withoutClient, basic),
        call(name, withoutClient),
        call(name, { ...good, client_id: 'nobody' }),
        call(name, withoutToken),
      ])
      expect(answers.map(({ status, body }) => [status, body['error']])).toEqual([
        [400, 'invalid_request'],
        [401, 'invalid_client'],
        [400, 'invalid_request'],
        [401, 'invalid_client'],
        [400, 'invalid_request'],
      ])
    },
  )

  test('a hint that is neither of the two', async () => {
    expect(await call('revoke', { ...good, token_type_hint: 'id_token' })).toMatchObject({
      status: 400,
      body: { error: 'unsupported_token_type' },
    })
  })

  test('a parameter that comes twice', async () => {
    const body = new URLSearchParams([...Object.entries(good), ['token', 'y']])
    const response = await fetch(`${identity.issuer}/authentication/v2/introspect`, { method: 'POST', body })
    expect(response.status).toBe(400)
  })
})

describe('the gateway’s errors', () => {
  const gatewayError = (errorCode: string) => ({
    developerMessage: expect.any(String),
    userMessage: '',
    errorCode,
    'more info': `${identity.issuer}/documentation/v2/errors/${errorCode}`,
  })

  test('with errorStyle gateway openid-client sees no OAuth error but the response', async () => {
    identity.switches.errorStyle = 'gateway'
    const failure = refresh('unknown')
    await expect(failure).rejects.toMatchObject({ name: 'ClientError', code: 'OAUTH_RESPONSE_IS_NOT_CONFORM' })
    const response = await failure.catch((error: Error) => error.cause as Response)
    expect(response).toMatchObject({ status: 400 })
  })

  test.each([
    ['token', { client_id: 'nobody', grant_type: 'refresh_token', refresh_token: 'x' }, 401, 'AUTH-001'],
    ['token', { client_id: 'sg-session-tray', grant_type: 'refresh_token', refresh_token: 'x' }, 400, 'AUTH-008'],
    ['token', { client_id: 'sg-session-tray', grant_type: 'password' }, 400, 'AUTH-009'],
    ['revoke', { client_id: 'sg-session-tray', token: 'x' }, 400, 'AUTH-008'],
    ['revoke', { client_id: 'sg-session-tray', token: 'x', token_type_hint: 'y' }, 400, 'AUTH-013'],
    ['introspect', { client_id: 'nobody', token: 'x' }, 401, 'AUTH-001'],
  ] as const)('%s %j is answered %i with %s', async (name, form, status, errorCode) => {
    identity.switches.errorStyle = 'gateway'
    expect(await call(name, form)).toMatchObject({ status, body: gatewayError(errorCode) })
    identity.switches.errorStyle = 'oauth'
    expect(await call(name, form)).toMatchObject({ status, body: { error: expect.any(String) } })
  })

  test.each([
    [{ authorization: 'Bearer wrong' }, 'AUTH-006'],
    [{}, 'AUTH-012'],
  ])('UserInfo with %j is answered 401 with %s', async (headers, errorCode) => {
    identity.switches.errorStyle = 'gateway'
    const response = await fetch(identity.userinfoUrl, { headers })
    expect(response.status).toBe(401)
    expect(await response.json()).toEqual(gatewayError(errorCode))
  })

  test('throttled, every call is a 429 with Retry-After 2 and ERR-001, and nothing takes effect', async () => {
    const { accessToken, refreshToken } = await signIn()
    identity.switches.throttled = true
    const form = { client_id: 'sg-session-tray', token: refreshToken, token_type_hint: 'refresh_token' }
    const answers = await Promise.all([
      call('token', { client_id: 'sg-session-tray', grant_type: 'refresh_token', refresh_token: refreshToken }),
      call('revoke', form),
      call('introspect', form),
    ])
    for (const { status, headers, body } of answers) {
      expect([status, headers.get('retry-after'), body]).toEqual([429, '2', gatewayError('ERR-001')])
    }
    expect(await userinfoStatus(accessToken)).toBe(429)
    identity.switches.throttled = false
    expect((await refresh(refreshToken)).expires_in).toBe(3599)
  })
})
