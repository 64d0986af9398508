import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Site, startSite } from '../sandbox/site/site.ts'

let site: Site
beforeEach(async () => {
  site = await startSite()
})
afterEach(() => site.close())

const client = { grant_type: 'client_credentials', client_id: 'identity-broker', client_secret: 'script-key-with-sudo' }
const ask = (params: Record<string, string>, prefix = '/api/v1') =>
  fetch(`${site.url}${prefix}/auth/access_token`, { method: 'POST', body: new URLSearchParams(params) })
const granted = async (params: Record<string, string>) => {
  const answer = await ask(params)
  expect(answer.status).toBe(200)
  return (await answer.json()) as { access_token: string; refresh_token: string }
}
const titleOf = async (answer: Response) => (await answer.json()).errors[0].title as string

describe('the root document', () => {
  test.each([
    ['/api/v1', '1.0'],
    ['/api/v1/', '1.0'],
    ['/api/v1.1', '1.1'],
    ['/api/v1.1/', '1.1'],
  ])('%s needs no token and says version %s', async (path, version) => {
    const answer = await fetch(site.url + path)
    expect(await answer.json()).toEqual({
      data: {
        shotgun_version: expect.stringContaining('v8.89.0'),
        api_version: version,
        unified_login_flow_enabled: true,
        authentication_app_session_launcher_enabled: true,
        user_authentication_method: 'oxygen',
        site_id: expect.any(String),
        site_name: 'Studio Example',
        os: expect.any(String),
      },
    })
  })

  test.each(['/api/v1.2', '/api/v2', '/api', '/api/v1/me', '/api/v1/session', '/api/v1/users/me'])(
    '%s is 404 with code 103, and an id of its own each time',
    async (path) => {
      const ids = await Promise.all(
        [1, 2].map(async () => {
          const answer = await fetch(site.url + path)
          expect(answer.status).toBe(404)
          const body = await answer.json()
          expect(body).toMatchObject({
            errors: [{ status: 404, code: 103, title: 'Not Found', source: null, detail: null, meta: null }],
          })
          return body.errors[0].id as string
        }),
      )
      expect(ids[0]).not.toBe(ids[1])
    },
  )
})

describe('the token endpoint', () => {
  test('gives a 600 second bearer that says whose it is', async () => {
    const answer = await ask({ ...client, session_uuid: 'u-1' })
    const body = await answer.json()
    expect(body).toEqual({
      token_type: 'Bearer',
      access_token: expect.any(String),
      expires_in: 600,
      refresh_token: expect.any(String),
    })
    expect(decodeProtectedHeader(body.access_token)).toEqual({ alg: 'HS256' })
    const claims = decodeJwt(body.access_token)
    const host = new URL(site.url).host
    expect(claims).toEqual({
      iss: host,
      aud: host,
      iat: expect.any(Number),
      exp: (claims.iat ?? 0) + 600,
      jti: expect.any(String),
      user: { type: 'ApiUser', id: expect.any(Number) },
      sudo_as_login: null,
      auth_type: 'api_key',
      session_uuid: 'u-1',
    })
    expect(decodeJwt(body.refresh_token).exp).toBe((claims.iat ?? 0) + 24 * 3600)
    expect(site.calls.get('rest:client_credentials')).toBe(1)
  })

  test('takes its parameters from the query string too', async () => {
    const url = `${site.url}/api/v1.1/auth/access_token?${new URLSearchParams(client)}`
    expect((await fetch(url, { method: 'POST' })).status).toBe(200)
  })

  test.each([
    [undefined, 200],
    ['application/x-www-form-urlencoded', 200],
    ['application/x-www-form-urlencoded; charset=bogus', 200],
    ['text/plain', 415],
  ])('a Content-Type of %s is %i', async (type, status) => {
    const headers = type === undefined ? {} : { 'content-type': type }
    const body = new TextEncoder().encode(new URLSearchParams(client).toString())
    const answer = await fetch(`${site.url}/api/v1/auth/access_token`, { method: 'POST', headers, body })
    expect(answer.status).toBe(status)
    if (status === 200) return
    expect(await answer.json()).toMatchObject({
      errors: [
        {
          code: 103,
          title: "Unsupported Content-Type 'text/plain'",
          source: { content_type: "Content-Type must be one of: 'application/x-www-form-urlencoded'." },
        },
      ],
    })
  })

  test('JSON is read before it is refused', async () => {
    const send = (body: string) =>
      fetch(`${site.url}/api/v1/auth/access_token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
    const form = await send(new URLSearchParams(client).toString())
    expect([form.status, await titleOf(form)]).toEqual([400, 'Invalid JSON body'])
    const json = await send(JSON.stringify(client))
    expect([json.status, await titleOf(json)]).toEqual([415, "Unsupported Content-Type 'application/json'"])
  })

  test.each<[Record<string, string>, number, number, string]>([
    [{ ...client, client_secret: 'x' }, 400, 102, "Can't authenticate script 'identity-broker'"],
    [{ grant_type: 'password', username: 'ghost', password: 'x' }, 400, 102, "Can't authenticate user 'ghost'."],
    [
      { grant_type: 'session_token', session_token: 'fake-value' },
      400,
      102,
      "Can't authenticate session token ending with 'alue'",
    ],
    [{ grant_type: 'refresh_token', refresh_token: 'fake' }, 401, 102, 'Unauthorized'],
    [{ grant_type: 'refresh', refresh_token: 'fake' }, 401, 102, 'Unauthorized'],
    [{ grant_type: 'client_credentials', client_id: 'x' }, 400, 103, 'Missing or invalid authentication arguments'],
    [{ grant_type: 'password' }, 400, 103, 'Missing or invalid authentication arguments'],
    [{ grant_type: 'session_token' }, 400, 103, 'Missing or invalid authentication arguments'],
    [{ grant_type: 'authorization_code' }, 400, 103, 'Unsupported grant_type'],
    [{ grant_type: 'implicit' }, 400, 103, 'Unsupported grant_type'],
    [{ grant_type: 'urn:ietf:params:oauth:grant-type:device_code' }, 400, 103, 'Unsupported grant_type'],
    [{ grant_type: '' }, 400, 103, 'Unsupported grant_type'],
    [{}, 400, 103, 'Unsupported grant_type'],
  ])('%j is %i', async (params, status, code, title) => {
    const answer = await ask(params)
    expect(answer.status).toBe(status)
    expect(await answer.json()).toMatchObject({ errors: [{ status, code, title, detail: null }] })
  })

  test('a password signs in a person, by the rules of the site’s mode', async () => {
    const password = { grant_type: 'password', username: 'supervisor', password: 'legacy-passphrase' }
    const { access_token: bearer } = await granted(password)
    expect(decodeJwt(bearer)).toMatchObject({
      user: { type: 'HumanUser', id: site.person('supervisor').id },
      auth_type: 'password',
    })
    site.switches.oxygenPasswordFault = 110
    expect((await (await ask({ ...password, username: 'no-pat' })).json()).errors[0].code).toBe(110)
    site.switches.mode = 'saml2'
    expect((await (await ask(password)).json()).errors[0].code).toBe(108)
    site.switches.mode = 'default'
    const twoFactor = { ...password, username: 'two-factor' }
    expect((await (await ask(twoFactor)).json()).errors[0].code).toBe(106)
    expect((await (await ask({ ...twoFactor, auth_token: '000000' })).json()).errors[0].code).toBe(102)
    await granted({ ...twoFactor, auth_token: '246810' })
  })

  test('a session token mints again and again, as the person it belongs to', async () => {
    const session = { grant_type: 'session_token', session_token: site.mintSession('artist') }
    await granted(session)
    const { access_token: bearer } = await granted(session)
    expect(decodeJwt(bearer)).toMatchObject({
      user: { type: 'HumanUser', id: site.person('artist').id },
      auth_type: 'session_token',
      sudo_as_login: null,
    })
  })

  test.each(['refresh_token', 'refresh'])('a refresh token is good once, as grant_type=%s', async (grantType) => {
    const first = await granted(client)
    const second = await granted({ grant_type: grantType, refresh_token: first.refresh_token })
    expect(decodeJwt(second.access_token)).toMatchObject({ auth_type: 'api_key' })
    expect((await ask({ grant_type: grantType, refresh_token: first.refresh_token })).status).toBe(401)
    await granted({ grant_type: grantType, refresh_token: second.refresh_token })
  })

  test('a refresh token lives 24 hours, and no longer than its owner’s account', async () => {
    const old = await granted(client)
    site.clock.advance(24 * 3600_000)
    expect((await ask({ grant_type: 'refresh_token', refresh_token: old.refresh_token })).status).toBe(401)
    const theirs = await granted({ grant_type: 'session_token', session_token: site.mintSession('artist') })
    site.person('artist').status = 'dis'
    expect((await ask({ grant_type: 'refresh_token', refresh_token: theirs.refresh_token })).status).toBe(401)
  })
})

describe('sudo', () => {
  const scope = (login: string) => ({ ...client, scope: `sudo_as_login:${login}` })

  test('as a scope keeps the script as the user and carries the login', async () => {
    const { access_token: bearer } = await granted(scope('supervisor'))
    expect(decodeJwt(bearer)).toMatchObject({ user: { type: 'ApiUser' }, sudo_as_login: 'supervisor' })
  })

  test('as a body field is silently ignored', async () => {
    const { access_token: bearer } = await granted({ ...client, sudo_as_login: 'supervisor' })
    expect(decodeJwt(bearer)).toMatchObject({ sudo_as_login: null })
  })

  test.each([
    ['ghost', "Cannot 'sudo' - unknown or retired user: 'ghost'"],
    ['supervisor@studio.example', "Cannot 'sudo' - unknown or retired user: 'supervisor@studio.example'"],
    ['disabled@studio.example', "Cannot 'sudo' - inactive user account: 'disabled@studio.example'"],
    [
      'no-impersonation@studio.example',
      "Cannot 'sudo' - user account has 'can_impersonate_this_user' turned off: 'no-impersonation@studio.example'",
    ],
  ])('as %s is refused at the token endpoint', async (login, title) => {
    const answer = await ask(scope(login))
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ errors: [{ status: 400, code: 102, title }] })
  })

  test('is refused to scripts and people without the right', async () => {
    const session = {
      grant_type: 'session_token',
      session_token: site.mintSession('admin'),
      scope: 'sudo_as_login:supervisor',
    }
    const other = { ...scope('supervisor'), client_id: 'nightly-report', client_secret: 'script-key-without-sudo' }
    for (const params of [session, other]) {
      expect(await titleOf(await ask(params))).toMatch(/^The user does not have permission to 'sudo':/)
    }
  })
})

describe('bearers', () => {
  const get = (headers: Record<string, string> = {}) => fetch(`${site.url}/api/v1/entity/projects`, { headers })

  test('are good for 600 seconds of the site’s clock, under both prefixes', async () => {
    const { access_token: bearer } = await granted(client)
    const headers = { authorization: `Bearer ${bearer}` }
    expect((await get(headers)).status).toBe(200)
    expect((await fetch(`${site.url}/api/v1.1/entity/projects`, { headers })).status).toBe(200)
    site.clock.advance(601_000)
    const expired = await get(headers)
    expect(expired.status).toBe(401)
    expect(await expired.json()).toMatchObject({ errors: [{ status: 401, title: 'Unauthorized' }] })
  })

  test('are refused when missing, forged, of another site, or really refresh tokens', async () => {
    const { access_token: bearer, refresh_token: refresh } = await granted(client)
    const [head, body] = bearer.split('.')
    const other = await startSite()
    try {
      const forged = [
        `${head}.${body}.AAAA`,
        `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`,
        refresh,
      ]
      for (const token of forged) expect((await get({ authorization: `Bearer ${token}` })).status).toBe(401)
      expect((await get()).status).toBe(401)
      expect((await get({ authorization: 'Basic eDp5' })).status).toBe(401)
      const elsewhere = await fetch(`${other.url}/api/v1/entity/projects`, {
        headers: { authorization: `Bearer ${bearer}` },
      })
      expect(elsewhere.status).toBe(401)
    } finally {
      await other.close()
    }
  })

  test('stop working with the account they speak for', async () => {
    const { access_token: bearer } = await granted({
      grant_type: 'session_token',
      session_token: site.mintSession('artist'),
    })
    site.person('artist').status = 'dis'
    expect((await get({ authorization: `Bearer ${bearer}` })).status).toBe(401)
  })
})

describe('CORS', () => {
  test('the API echoes any origin with credentials, on answers and preflights', async () => {
    const answer = await fetch(`${site.url}/api/v1`, { headers: { origin: 'banana' } })
    expect(answer.headers.get('access-control-allow-origin')).toBe('banana')
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true')
    expect(answer.headers.get('vary')).toBe('Origin, Access-Control-Request-Method')
    const preflight = (method: string, headers: string) =>
      fetch(`${site.url}/api/v1/no/such/route`, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://example.invalid',
          'access-control-request-method': method,
          'access-control-request-headers': headers,
        },
      })
    const allowed = await preflight('POST', 'authorization,content-type')
    expect(allowed.status).toBe(200)
    expect(Object.fromEntries(allowed.headers)).toMatchObject({
      'access-control-allow-origin': 'https://example.invalid',
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'authorization,content-type',
      'access-control-max-age': '3600',
    })
    for (const refused of [await preflight('BREW', ''), await preflight('POST', 'authorization,x-other')]) {
      expect(refused.status).toBe(200)
      expect(refused.headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test('the web app’s own surface never does', async () => {
    for (const path of ['/internal_api/session', '/internal_api/app_session_request', '/api3/json', '/user/login']) {
      const answer = await fetch(site.url + path, { headers: { origin: 'https://example.invalid' } })
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
      const preflight = await fetch(site.url + path, {
        method: 'OPTIONS',
        headers: { origin: 'https://example.invalid' },
      })
      expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([200, null])
    }
  })
})
