import * as jose from 'jose'
import * as client from 'openid-client'
import { beforeAll, describe, expect, test } from 'vitest'
import { HeadlessBrowser } from '../sandbox/identity/headless-browser.ts'
import { type Identity, startIdentity } from '../sandbox/identity/identity.ts'
import { personNamed } from '../sandbox/people.ts'
import { discoverAsNativeClient, keepFaultless, prepareAttempt } from './native-client.ts'

const redirectUri = 'http://localhost:14285/callback'
const artist = { email: personNamed('artist').email, password: 'autodesk-password' }

let identity: Identity

beforeAll(async () => {
  identity = await startIdentity()
})
keepFaultless(() => identity)

const discover = () => discoverAsNativeClient(identity.issuer)
const attempt = (config: client.Configuration, changed?: Record<string, string | undefined>) =>
  prepareAttempt(config, redirectUri, changed)

async function signIn(config: client.Configuration, changed: Record<string, string | undefined> = {}) {
  const { url, checks } = await attempt(config, changed)
  const callback = await new HeadlessBrowser().signIn(url, artist, redirectUri)
  return client.authorizationCodeGrant(config, callback, { ...checks, idTokenExpected: true })
}

async function tokenCall(form: Record<string, string>, headers: Record<string, string> = {}) {
  const response = await fetch(`${identity.issuer}/authentication/v2/token`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({ client_id: 'sg-session-tray', redirect_uri: redirectUri, ...form }),
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}

async function codeFor(changed: Record<string, string | undefined> = {}): Promise<{ code: string; verifier: string }> {
  const { url, checks } = await attempt(await discover(), changed)
  const callback = await new HeadlessBrowser().signIn(url, artist, redirectUri)
  return { code: callback.searchParams.get('code') ?? '', verifier: checks.pkceCodeVerifier }
}

describe('the code flow', () => {
  test('openid-client signs in with PKCE and gets a refresh token without asking', async () => {
    const tokens = await signIn(await discover())
    expect(Object.keys(tokens).toSorted()).toEqual([
      'access_token',
      'expires_in',
      'id_token',
      'refresh_token',
      'token_type',
    ])
    expect(tokens.expires_in).toBe(3599)
    expect(tokens.token_type).toBe('bearer')
    expect(tokens.claims()).toMatchObject({
      iss: identity.issuer,
      aud: 'sg-session-tray',
      sub: 'ARTIST000001',
      email: 'artist@studio.example',
      email_verified: true,
      name: 'Plain Artist',
      given_name: 'Plain',
      family_name: 'Artist',
    })
    expect(Object.fromEntries(identity.calls)).toEqual({ authorize: 1, 'token:authorization_code': 1 })
  })

  test('access tokens are RS256 JWTs of more than a kilobyte that the published keys verify', async () => {
    const { access_token: accessToken } = await signIn(await discover())
    const keys = jose.createRemoteJWKSet(new URL(`${identity.issuer}/authentication/v2/keys`))
    const { payload } = await jose.jwtVerify(accessToken, keys, {
      algorithms: ['RS256'],
      issuer: identity.issuer,
      audience: 'https://autodesk.com',
    })
    expect(payload).toMatchObject({
      client_id: 'sg-session-tray',
      userid: 'ARTIST000001',
      scope: ['openid', 'user-profile:read'],
    })
    expect(accessToken.length).toBeGreaterThan(1280)
  })

  test('the callback carries code and state, and no iss', async () => {
    const { url, checks } = await attempt(await discover())
    const callback = await new HeadlessBrowser().signIn(url, artist, redirectUri)
    expect([...callback.searchParams.keys()].toSorted()).toEqual(['code', 'state'])
    expect(callback.searchParams.get('state')).toBe(checks.expectedState)
  })

  test('response_mode=fragment carries the same in the fragment', async () => {
    const { url } = await attempt(await discover(), { response_mode: 'fragment' })
    const callback = await new HeadlessBrowser().signIn(url, artist, redirectUri)
    expect([...new URLSearchParams(callback.hash.slice(1)).keys()].toSorted()).toEqual(['code', 'state'])
  })

  test('response_mode=form_post carries the same in a form', async () => {
    const config = await discover()
    const browser = new HeadlessBrowser()
    await browser.signIn((await attempt(config)).url, artist, redirectUri)
    const { body } = await browser.send((await attempt(config, { response_mode: 'form_post' })).url)
    expect(body).toContain(`action="${redirectUri}"`)
    expect([...body.matchAll(/name="(\w+)"/g)].map(([, name]) => name)).toEqual(['code', 'state'])
  })

  test('ID and access tokens live as long as the switches say', async () => {
    Object.assign(identity.switches, { idTokenS: 120, accessTokenS: 60 })
    const tokens = await signIn(await discover())
    const claims = tokens.claims()
    expect(tokens.expires_in).toBe(60)
    expect((claims?.exp ?? 0) - (claims?.iat ?? 0)).toBe(120)
  })

  test.each([
    ['email', ['email', 'email_verified', 'family_name', 'given_name', 'name', 'sub']],
    ['user_email', ['analytics_id', 'first_name', 'last_name', 'sub', 'user_email', 'user_name', 'userid']],
    ['none', ['sub']],
  ] as const)(
    'idTokenClaims "%s" puts exactly these claims about the person into the ID token: %s',
    async (variant, names) => {
      identity.switches.idTokenClaims = variant
      const claims = (await signIn(await discover())).claims() ?? {}
      const ofProtocol = ['iss', 'aud', 'exp', 'iat', 'nonce']
      expect(
        Object.keys(claims)
          .filter((name) => !ofProtocol.includes(name))
          .toSorted(),
      ).toEqual(names)
    },
  )

  test.each([
    ['artist', 'boolean', true],
    ['unverified', 'boolean', false],
    ['artist', 'string', 'true'],
    ['unverified', 'string', 'false'],
  ] as const)('email_verified of "%s" as %s is %j', async (person, emailVerifiedAs, expected) => {
    identity.switches.emailVerifiedAs = emailVerifiedAs
    const { idToken } = await identity.signIn(person, { nonce: 'n' })
    expect(jose.decodeJwt(idToken)['email_verified']).toBe(expected)
  })

  test('setAccount changes what the next ID token says, and the address that signs in', async () => {
    identity.setAccount('artist', { email: 'renamed@studio.example', emailVerified: false })
    const { idToken } = await identity.signIn('artist', { nonce: 'n' })
    expect(jose.decodeJwt(idToken)).toMatchObject({
      sub: 'ARTIST000001',
      email: 'renamed@studio.example',
      email_verified: false,
    })
  })

  test('without the scope openid there is no ID token, and a nonce is tolerated', async () => {
    const { idToken, accessToken } = await identity.signIn('artist', { nonce: 'n', scope: 'user-profile:read' })
    expect(idToken).toBe('')
    expect(jose.decodeJwt(accessToken)['scope']).toEqual(['user-profile:read'])
  })
})

describe('the code at the token call', () => {
  const grantType = 'authorization_code'

  test('it works once; the second use is refused and ends what the first one brought', async () => {
    const { code, verifier } = await codeFor()
    const form = { grant_type: grantType, code, code_verifier: verifier }
    const first = await tokenCall(form)
    expect(first.status).toBe(200)
    expect(await tokenCall(form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    const userinfo = await fetch(identity.userinfoUrl, {
      headers: { authorization: `Bearer ${String(first.body['access_token'])}` },
    })
    expect(userinfo.status).toBe(401)
  })

  test('of two simultaneous uses exactly one succeeds', async () => {
    const { code, verifier } = await codeFor()
    const form = { grant_type: grantType, code, code_verifier: verifier }
    const answers = await Promise.all([tokenCall(form), tokenCall(form)])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400])
  })

  test('a code from a request without code_challenge is refused, with a verifier and without', async () => {
    const withoutPkce = { code_challenge: undefined, code_challenge_method: undefined }
    const first = await codeFor(withoutPkce)
    const second = await codeFor(withoutPkce)
    const refused = { status: 400, body: { error: 'invalid_grant' } }
    expect(await tokenCall({ grant_type: grantType, code: first.code, code_verifier: first.verifier })).toMatchObject(
      refused,
    )
    expect(await tokenCall({ grant_type: grantType, code: second.code })).toMatchObject(refused)
  })

  test.each([
    ['a wrong verifier', { code_verifier: 'x'.repeat(43) }, 400, 'invalid_grant'],
    ['another redirect URI', { redirect_uri: 'http://localhost:21842/callback' }, 400, 'invalid_grant'],
    ['another client', { client_id: 'other-app' }, 400, 'invalid_grant'],
    ['an unknown client', { client_id: 'nobody' }, 401, 'invalid_client'],
    ['an unknown grant type', { grant_type: 'device_code' }, 400, 'unsupported_grant_type'],
  ])('%s is refused', async (_what, changed, status, error) => {
    const { code, verifier } = await codeFor()
    const answer = await tokenCall({ grant_type: grantType, code, code_verifier: verifier, ...changed })
    expect(answer).toMatchObject({ status, body: { error } })
  })

  test('client credentials in header and body together are a 400, and the code stays good', async () => {
    const { code, verifier } = await codeFor()
    const form = { grant_type: grantType, code, code_verifier: verifier }
    const basic = `Basic ${Buffer.from('sg-session-tray:secret').toString('base64')}`
    const refused = await tokenCall(form, { authorization: basic })
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    expect(refused.headers.get('www-authenticate')).toBeNull()
    expect((await tokenCall(form)).status).toBe(200)
  })
})

test('errors of the token call are JSON, also for a caller that prefers HTML', async () => {
  const answer = await tokenCall({ grant_type: 'refresh_token', refresh_token: 'x' }, { accept: 'text/html' })
  expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant', error_description: expect.any(String) } })
})
