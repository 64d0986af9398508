import http from 'node:http'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/secrets/secret.ts'
import { whoAmI } from '../../src/shotgrid/rest.ts'
import { find } from '../sandbox/site/shotgun-api3-wire.ts'
import { GatewayStage, type SessionAuth, sendRaw } from './gateway-stage.ts'
import { nodeFetch } from './world.ts'

let stage: GatewayStage
let artist: SessionAuth
/** Addresses the broker called. */
const called: string[] = []
beforeAll(async () => {
  stage = await GatewayStage.open({
    brokerFetch: (url, init) => {
      called.push(url)
      return nodeFetch(url, init)
    },
  })
  artist = await stage.session()
})
afterAll(() => stage.close())
afterEach(() => stage.exchanges.clearFaults())

const form = 'application/x-www-form-urlencoded'
const ask = (params: Record<string, string> | string, init: { query?: string; type?: string; prefix?: string } = {}) =>
  fetch(`${stage.url}${init.prefix ?? '/api/v1'}/auth/access_token${init.query ?? ''}`, {
    method: 'POST',
    headers: { 'content-type': init.type ?? form },
    body: typeof params === 'string' ? params : new URLSearchParams(params).toString(),
  })
const grant = (token = artist.session_token) => ({ grant_type: 'session_token', session_token: token })
const bearer = async (token?: string): Promise<string> => {
  const answer = (await (await ask(grant(token))).json()) as { access_token: string }
  return answer.access_token
}
const get = async (path: string, token?: string, init: RequestInit = {}) =>
  fetch(stage.url + path, {
    ...init,
    headers: { authorization: `Bearer ${token ?? (await bearer())}`, ...init.headers },
  })
const array = { 'content-type': 'application/vnd+shotgun.api3_array+json' }

describe('a REST bearer of the gateway', () => {
  test('comes for a session, says whose it is, and brings no refresh token', async () => {
    const answer = await ask(grant())
    expect(answer.status).toBe(200)
    const body = (await answer.json()) as { access_token: string }
    expect(body).toEqual({ token_type: 'Bearer', access_token: expect.any(String), expires_in: 600 })
    const { host } = new URL(stage.url)
    const id = stage.site.person('artist').id
    expect(decodeJwt(body.access_token)).toMatchObject({
      iss: host,
      aud: host,
      user: { type: 'HumanUser', id },
      sudo_as_login: null,
      auth_type: 'session_token',
    })
    const rows = JSON.stringify(await stage.database.selectFrom('gateway_bearer').selectAll().execute())
    expect(rows).not.toContain(body.access_token)
    const who = await whoAmI(nodeFetch, stage.url, new Secret(artist.session_token), AbortSignal.timeout(5_000))
    expect(who).toMatchObject({ user: { type: 'HumanUser', id }, sudoAsLogin: undefined })
  })

  test('comes from the query and under both versions too, as official clients ask for it', async () => {
    const query = `?${new URLSearchParams(grant())}`
    expect((await ask('', { query, prefix: '/api/v1.1' })).status).toBe(200)
  })

  test('reads and writes as the person', async () => {
    const answer = await get('/api/v1.1/entity/projects/_search', undefined, {
      method: 'POST',
      headers: array,
      body: '{"filters":[],"fields":["name"]}',
    })
    expect(((await answer.json()) as { data: unknown[] }).data).toHaveLength(2)
    const note = JSON.stringify({ project: { type: 'Project', id: 101 }, subject: 'By REST' })
    const headers = { 'content-type': 'application/json' }
    const made = await get('/api/v1/entity/notes', undefined, { method: 'POST', headers, body: note })
    expect(made.status).toBe(201)
    const { id } = stage.site.person('artist')
    const event = stage.site.eventLog().findLast((row) => row.event_type === 'Shotgun_Note_New')
    const issued = (await stage.exchanges.auditRows()).findLast(({ outcome }) => outcome === 'issued')
    expect(event).toMatchObject({
      user: { type: 'HumanUser', id },
      meta: { sudo_actual_user: { type: 'ApiUser' } },
      session_uuid: issued?.session_uuid,
    })
  })

  test('sends a body of several megabytes on, and is answered though nobody at the site reads it', async () => {
    const body = new Uint8Array(8 * 1024 * 1024)
    stage.site.faults.inject({ path: '/api/v1/entity', times: 1, does: { kind: 'status', status: 413, body: '{}' } })
    const { hostname, port } = new URL(stage.url)
    const headers = { authorization: `Bearer ${await bearer()}`, 'content-type': 'application/json' }
    const settings = { host: hostname, port, path: '/api/v1/entity/notes', method: 'POST', headers, agent: false }
    const [status, sent] = await new Promise<[number, boolean]>((resolve, reject) => {
      let isSent = false
      const request = http.request(settings, (answer) => {
        answer.resume().on('end', () => {
          if (isSent) resolve([answer.statusCode ?? 0, true])
          else request.on('finish', () => resolve([answer.statusCode ?? 0, true]))
        })
      })
      request.on('error', reject).on('finish', () => {
        isSent = true
      })
      request.end(body)
    })
    expect([status, sent]).toEqual([413, true])
  })

  test('keeps the query, whatever is in it', async () => {
    const query = 'fields=name,id&page%5Bsize%5D=1&filter[name]=Amber%20Coast'
    await get(`/api/v1/entity/projects?${query}`)
    expect(called.at(-1)).toBe(`${stage.site.url}/api/v1/entity/projects?${query}`)
  })

  test('costs the site one bearer of its own, which nobody sees, until that is nearly over', async () => {
    const supervisor = await stage.session('supervisor')
    const token = await bearer(supervisor.session_token)
    const before = stage.site.calls.get('rest:client_credentials') ?? 0
    await Promise.all(Array.from({ length: 5 }, () => get('/api/v1/entity/projects', token)))
    expect(stage.site.calls.get('rest:client_credentials')).toBe(before + 1)
    stage.clock.advance(9 * 60_000 + 1)
    await get('/api/v1/entity/projects', token)
    expect(stage.site.calls.get('rest:client_credentials')).toBe(before + 2)
  })

  test('hears the site’s own refusals, and none of its cookies', async () => {
    const answer = await get('/api/v1/entity/no_such_type')
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({ errors: [{ status: 404 }] })
    stage.site.faults.inject({
      path: '/api/v1/entity',
      times: 1,
      does: {
        kind: 'status',
        status: 200,
        body: '{}',
        headers: { 'set-cookie': '_session_id=theirs', 'x-internal': '1' },
      },
    })
    const crumbs = await get('/api/v1/entity/projects')
    expect([crumbs.headers.get('set-cookie'), crumbs.headers.get('x-internal')]).toEqual([null, null])
    expect(crumbs.headers.get('cache-control')).toBe('no-store')
  })
})

describe('a grant that is not a session’s', () => {
  test.each([
    [{ grant_type: 'client_credentials', client_id: 'identity-broker', client_secret: 'script-key-with-sudo' }],
    [{ grant_type: 'password', username: 'admin', password: 'x' }],
    [{ grant_type: 'refresh_token', refresh_token: 'x' }],
    [{ grant_type: '' }],
    [{}],
  ])('(%o) is refused in the site’s form', async (params) => {
    const before = stage.site.web.requests.length
    const answer = await ask(params as Record<string, string>)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ errors: [{ status: 400, code: 103, title: 'Unsupported grant_type' }] })
    expect(stage.site.web.requests.length).toBe(before)
  })

  test.each(['scope', 'sudo_as_login', 'script_key', 'client_secret', 'user_password'])(
    'but names "%s" is refused, and the audit knows by whom',
    async (name) => {
      for (const value of ['sudo_as_login:admin', '']) {
        expect((await ask({ ...grant(), [name]: value })).status).toBe(400)
        expect((await stage.exchanges.auditRows()).at(-1)).toMatchObject({
          event: 'gateway',
          outcome: 'invalid_request',
          subject: 'ARTIST000001',
          detail: expect.stringContaining(name),
        })
      }
    },
  )

  test('or names a session twice, or something unknown, is refused', async () => {
    expect((await ask(`${new URLSearchParams(grant())}&session_token=x`)).status).toBe(400)
    expect((await ask(grant(), { query: `?${new URLSearchParams(grant())}` })).status).toBe(400)
    expect((await ask({ ...grant(), actor: 'x' })).status).toBe(400)
    expect((await ask(JSON.stringify(grant()), { type: 'application/json' })).status).toBe(400)
  })

  test.each([
    ['unknown', () => 'A'.repeat(43)],
    ['a bearer', () => bearer()],
    ['a challenge', () => stage.exchanges.challenge()],
    ['a session of the site', () => stage.site.mintSession('artist')],
  ])('(the session is %s) is refused', async (_what, token) => {
    const value = await token()
    const answer = await ask(grant(value))
    expect(answer.status).toBe(400)
    const title = `Can't authenticate session token ending with '${value.slice(-4)}'`
    expect(await answer.json()).toMatchObject({ errors: [{ code: 102, title }] })
  })
})

describe('a call without a bearer of the gateway', () => {
  test.each([
    ['none', () => ''],
    ['a gateway session', () => artist.session_token],
    ['a challenge', () => stage.exchanges.challenge()],
    [
      'a bearer of the site itself',
      async () => {
        const body = new URLSearchParams(grant(stage.site.mintSession('artist')))
        const answer = await fetch(`${stage.site.url}/api/v1/auth/access_token`, { method: 'POST', body })
        return ((await answer.json()) as { access_token: string }).access_token
      },
    ],
    ['a bearer with another signature', async () => `${(await bearer()).slice(0, -4)}AAAA`],
    ['a bearer without one', async () => (await bearer()).replace(/[^.]*$/, '')],
  ])('(%s) is 401', async (_what, token) => {
    const value = await token()
    const before = called.length
    expect((await get('/api/v1/entity/projects', value)).status).toBe(401)
    expect(called.slice(before)).toEqual([])
  })

  test('is the root, and nothing else', async () => {
    for (const path of ['/api/v1', '/api/v1/', '/api/v1.1/']) {
      const answer = await fetch(stage.url + path)
      expect([answer.status, await answer.json()]).toEqual([200, await (await fetch(stage.site.url + path)).json()])
    }
    expect((await fetch(`${stage.url}/api/v1/spec.json`)).status).toBe(401)
    expect((await fetch(`${stage.url}/api/v1/`, { method: 'POST' })).status).toBe(401)
  })

  test('lasts ten minutes, and no longer than its session', async () => {
    const [token, supervisor] = [await bearer(), await stage.session('supervisor')]
    stage.clock.advance(10 * 60_000 + 1)
    expect((await get('/api/v1/entity/projects', token)).status).toBe(401)
    const theirs = await bearer(supervisor.session_token)
    expect((await get('/api/v1/entity/projects', theirs)).status).toBe(200)
    await stage.database.updateTable('gateway_session').set({ ended_at: 1 }).where('login', '=', 'supervisor').execute()
    expect((await get('/api/v1/entity/projects', theirs)).status).toBe(401)
  })

  test('is a bearer used as a session', async () => {
    const session_token = await bearer()
    await expect(find(stage.url, { session_token }, 'Project', [])).rejects.toMatchObject({ code: 102 })
  })
})

describe('a path', () => {
  test.each([
    '/api/v1/entity/../auth/access_token',
    '/api/v1/entity/..%2fauth/access_token',
    '/api/v1/entity/%2e%2e/auth/access_token',
    '/api/v1/entity/.%2E/projects',
    '/api/v1//auth/access_token',
    '/api/v1/entity//projects',
    '/api/v1/entity/./projects',
    '/api/v1/entity/projects/..',
    '/api/v1/entity/..\\..\\internal_api',
    '/api/v1/entity/%5c..%5cauth',
    '/api/v1/entity/projects%00',
    '/api/v1/entity/projects%3fx',
    '/api/v1/entity/projects;x',
    '/api/v1/entity/projects#x',
    '/api/v1/entity/projects?a=\u00e9',
  ])('with tricks (%s) is refused', async (path) => {
    const token = await bearer()
    const before = stage.site.web.requests.length
    const headers = { host: new URL(stage.url).host, authorization: `Bearer ${token}` }
    const { status } = await sendRaw(stage.url, path, { headers }).catch(() => ({ status: 400 }))
    expect([400, 404]).toContain(status)
    expect(stage.site.web.requests.length).toBe(before)
  })

  test('about credentials, or to where nothing is the person’s, leads nowhere', async () => {
    const token = await bearer()
    const before = stage.site.web.requests.length
    for (const path of ['/auth/access_token', '/auth', '/AUTH/access_token', '/auth/anything', '/auth/']) {
      expect((await get(`/api/v1${path}`, token)).status, path).toBe(404)
    }
    // Nobody knows whose rights a webhook has, and it would go on after the session.
    for (const path of ['/webhook/hooks', '/webhook', '/Entity/projects', '/constructor', '/__proto__']) {
      expect((await get(`/api/v1${path}`, token)).status, path).toBe(404)
      expect((await get(`/api/v1${path}`, token, { method: 'POST', body: '{}' })).status, path).toBe(404)
    }
    expect(stage.site.web.requests.length).toBe(before)
  })

  test.each([
    'sudo_as_login=admin',
    'script_key=x',
    'session_token=x',
    'access_token=x',
    'sudo_as_login%5B%5D=admin',
    '%73udo_as_login=admin',
    'a=1;sudo_as_login=admin',
    'a=1%3Bsudo_as_login=admin',
    '+sudo_as_login=admin',
    'sudo_as_login%00=admin',
  ])('with "%s" in its query is refused', async (query) => {
    const before = called.length
    expect((await get(`/api/v1/entity/projects?${query}`)).status).toBe(400)
    expect(called.slice(before)).toEqual([])
  })

  test('of another version, or outside, is nowhere', async () => {
    const token = await bearer()
    for (const path of [
      '/api/v2/entity/projects',
      '/api/v1.2/entity/projects',
      '/api',
      '/api/',
      '/internal_api/session',
    ]) {
      expect((await get(path, token)).status, path).toBe(404)
    }
  })

  test('under another Host is nowhere', async () => {
    const headers = { host: 'evil.example', authorization: `Bearer ${await bearer()}` }
    for (const path of ['/api/v1', '/api/v1/entity/projects']) {
      expect((await sendRaw(stage.url, path, { headers })).status).toBe(400)
    }
    const body = new URLSearchParams(grant()).toString()
    const answer = await sendRaw(stage.url, '/api/v1/auth/access_token', {
      method: 'POST',
      headers: { host: 'evil.example', 'content-type': form },
      body,
    })
    expect(answer.status).toBe(400)
  })
})

describe('a redirect', () => {
  const redirect = (location: string, status = 302): void =>
    stage.site.faults.inject({
      path: '/api/v1/entity',
      times: 1,
      does: { kind: 'status', status, headers: { location } },
    })
  const redirected = async () => {
    const answer = await get('/api/v1/entity/attachments/1', undefined, { redirect: 'manual' })
    return [answer.status, answer.headers.get('location')]
  }

  test('to a store of files is passed on, signature and all', async () => {
    const location = 'https://files.example/a?X-Amz-Signature=abc&X-Amz-Security-Token=def'
    redirect(location)
    expect(await redirected()).toEqual([302, location])
    redirect(location, 307)
    expect(await redirected()).toEqual([307, location])
  })

  test.each([
    'https://user:password@files.example/',
    '/user/login',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'x:y',
  ])('to "%s" is not', async (location) => {
    redirect(location)
    expect(await redirected()).toEqual([502, null])
  })

  test('that repeats the bearer it was made with is not', async () => {
    await stage.close()
    stage = await GatewayStage.open({
      brokerFetch: async (url, init) => {
        if (!url.includes('/entity/')) return nodeFetch(url, init)
        const used = new Headers(init.headers).get('authorization')?.slice('Bearer '.length) ?? ''
        return new Response(null, {
          status: 302,
          headers: { location: `https://files.example/?t=${encodeURIComponent(used)}` },
        })
      },
    })
    artist = await stage.session()
    expect(await redirected()).toEqual([502, null])
  })
})
