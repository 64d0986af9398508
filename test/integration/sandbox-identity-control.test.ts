import * as client from 'openid-client'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { FaultInput } from '../sandbox/faults.ts'
import { type Identity, startIdentity } from '../sandbox/identity/identity.ts'

let identity: Identity

beforeAll(async () => {
  identity = await startIdentity({ switches: { accessTokenS: 1800 } })
})
afterEach(() => control('POST', '/reset'))
afterAll(() => identity.close())

async function control(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${identity.issuer}/sandbox${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text ? JSON.parse(text) : undefined }
}

describe('the control routes', () => {
  test('GET /sandbox says what this is and where', async () => {
    const { body } = await control('GET', '')
    expect(body).toMatchObject({ issuer: identity.issuer, userinfoUrl: identity.userinfoUrl, serverErrors: [] })
  })

  test('switches can be read and changed, and a change is the live one', async () => {
    expect(await control('PATCH', '/switches', { denies: true })).toMatchObject({ status: 200, body: { denies: true } })
    expect(identity.switches.denies).toBe(true)
    identity.switches.denies = false
    expect((await control('GET', '/switches')).body).toMatchObject({ denies: false, accessTokenS: 1800 })
  })

  test('accounts can be listed, changed and signed out everywhere', async () => {
    const { accessToken } = await identity.signIn('artist', { nonce: 'n' })
    const changed = await control('PATCH', '/accounts/artist', { emailVerified: false })
    expect(changed).toMatchObject({
      status: 200,
      body: { key: 'artist', email: 'artist@studio.example', emailVerified: false },
    })
    expect((await control('GET', '/accounts')).body).toContainEqual(changed.body)
    expect((await control('POST', '/accounts/artist/revoke')).status).toBe(204)
    const userinfo = await fetch(identity.userinfoUrl, { headers: { authorization: `Bearer ${accessToken}` } })
    expect(userinfo.status).toBe(401)
  })

  test('requests of both origins and successful calls are shown, control calls are not', async () => {
    const { accessToken } = await identity.signIn('artist', { nonce: 'n' })
    await fetch(identity.userinfoUrl, { headers: { authorization: `Bearer ${accessToken}` } })
    const { body } = await control('GET', '/requests')
    expect(body).toMatchObject({ userinfo: [{ method: 'GET', path: '/userinfo' }] })
    const paths = identity.web.requests.map(({ path }) => path)
    expect(paths).toContain('/authentication/v2/token')
    expect(paths).not.toContain('/sandbox/requests')
    expect((await control('GET', '/calls')).body).toEqual({ authorize: 1, 'token:authorization_code': 1, userinfo: 1 })
  })

  test('reset brings back the switches it started with and forgets the rest', async () => {
    const { refreshToken } = await identity.signIn('artist', { nonce: 'n' })
    identity.switches.accessTokenS = 5
    identity.setAccount('artist', { email: 'renamed@studio.example' })
    identity.faults.inject({ path: '/', does: { kind: 'reset' } })
    expect((await control('POST', '/reset')).status).toBe(204)
    expect(identity.switches.accessTokenS).toBe(1800)
    expect(identity.faults.list()).toEqual([])
    expect(identity.calls.size).toBe(0)
    expect((await control('GET', '/accounts')).body).toContainEqual(
      expect.objectContaining({ email: 'artist@studio.example' }),
    )
    expect((await refresh(refreshToken)).status).toBe(400)
  })

  test.each([
    ['PATCH', '/switches', { throttled: 'yes' }, 400, '"throttled": Invalid input: expected boolean, received string.'],
    ['PATCH', '/switches', { unknown: 1 }, 400, 'Unrecognized key: "unknown".'],
    ['POST', '/faults', { path: '/', does: { kind: 'magic' } }, 400, /^"does.kind": /],
    ['POST', '/faults?on=elsewhere', { path: '/', does: { kind: 'reset' } }, 400, /^"on": /],
    ['PATCH', '/accounts/artist', { email: 'no address' }, 400, /^"email": /],
    ['PATCH', '/accounts/shared-b', {}, 404, /^Nobody of that key/],
    ['POST', '/accounts/nobody/revoke', undefined, 404, /^Nobody of that key/],
  ] as const)('%s %s %j is answered %i with a sentence', async (method, path, body, status, sentence) => {
    expect(await control(method, path, body)).toEqual({ status, body: { error: expect.stringMatching(sentence) } })
  })

  test('text that is not JSON is a 400 with a sentence', async () => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${identity.issuer}/sandbox/switches`, { method: 'PATCH', headers, body: '{' })
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ error: expect.any(String) })
  })
})

function refresh(refreshToken: string): Promise<Response> {
  const form = { grant_type: 'refresh_token', client_id: 'sg-session-tray', refresh_token: refreshToken }
  return fetch(`${identity.issuer}/authentication/v2/token`, { method: 'POST', body: new URLSearchParams(form) })
}

describe('faults', () => {
  const token = '/authentication/v2/token'

  /** Puts one fault on the token route, over HTTP, and refreshes into it. */
  async function refreshInto(does: FaultInput['does']): Promise<client.TokenEndpointResponse> {
    const { refreshToken } = await identity.signIn('artist', { nonce: 'n' })
    const config = await client.discovery(new URL(identity.issuer), 'sg-session-tray', undefined, client.None(), {
      execute: [client.allowInsecureRequests],
    })
    const fault: FaultInput = { method: 'POST', path: `${token}$`, times: 1, does }
    expect((await control('POST', '/faults', fault)).status).toBe(201)
    return client.refreshTokenGrant(config, refreshToken)
  }

  test('status: a 503 is an answer that does not conform', async () => {
    await expect(refreshInto({ kind: 'status', status: 503 })).rejects.toMatchObject({
      code: 'OAUTH_RESPONSE_IS_NOT_CONFORM',
    })
  })

  test('delay: the answer comes later', async () => {
    const startedAtMs = Date.now()
    expect((await refreshInto({ kind: 'delay', ms: 150 })).expires_in).toBe(1800)
    expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(150)
  })

  test('half-body: the answer breaks off', async () => {
    await expect(refreshInto({ kind: 'half-body' })).rejects.toMatchObject({ code: 'OAUTH_PARSE_ERROR' })
  })

  test('reset: the connection breaks before any byte', async () => {
    await expect(refreshInto({ kind: 'reset' })).rejects.toThrow('fetch failed')
  })

  test('html: a captive portal answers', async () => {
    await expect(refreshInto({ kind: 'html' })).rejects.toMatchObject({ code: 'OAUTH_RESPONSE_IS_NOT_JSON' })
  })

  test('lost-reply: the refresh token is spent although nobody heard of it', async () => {
    await expect(refreshInto({ kind: 'lost-reply' })).rejects.toThrow('fetch failed')
    expect(identity.calls.get('token:refresh_token')).toBe(1)
  })

  test.each([
    '/authentication/v2/revoke',
    '/authentication/v2/keys',
    '/.well-known/openid-configuration',
    '/authentication/v2/authorize',
  ])('they reach %s too', async (path) => {
    identity.faults.inject({ path, times: 1, does: { kind: 'status', status: 418 } })
    expect((await fetch(identity.issuer + path)).status).toBe(418)
  })

  test('the other origin has its own', async () => {
    const fault: FaultInput = {
      path: '/userinfo',
      times: 1,
      does: { kind: 'status', status: 502, body: 'bad gateway' },
    }
    await control('POST', '/faults?on=userinfo', fault)
    expect((await control('GET', '/faults')).body).toMatchObject({ main: [], userinfo: [{ path: '/userinfo' }] })
    expect((await fetch(identity.userinfoUrl)).status).toBe(502)
    expect((await fetch(identity.userinfoUrl)).status).toBe(401)
  })

  test('DELETE takes them away', async () => {
    identity.faults.inject({ path: '/', does: { kind: 'reset' } })
    expect((await control('DELETE', '/faults')).body).toEqual({ main: [], userinfo: [] })
    expect((await fetch(`${identity.issuer}/authentication/v2/keys`)).status).toBe(200)
  })
})
