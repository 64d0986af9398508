import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeCertificates } from '../sandbox/certificates.ts'
import { SandboxClock } from '../sandbox/clock.ts'
import { callRpc, find, payload, sendRpc } from '../sandbox/site/shotgun-api3-wire.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

const script = { script_name: 'identity-broker', script_key: 'script-key-with-sudo' }

let site: Site
beforeEach(async () => {
  site = await startSite()
})
afterEach(() => site.close())

async function control(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
  const answer = await fetch(`${site.url}/sandbox${path}`, init)
  return { status: answer.status, body: await answer.json() }
}

describe('the control API', () => {
  test('lists itself, and every route on the list is there', async () => {
    const { body } = await control('GET', '')
    const routes = Object.keys(body as Record<string, string>)
    expect(routes.length).toBeGreaterThan(15)
    for (const route of routes.filter((name) => name.startsWith('GET'))) {
      expect((await fetch(site.url + route.slice(4))).status, route).toBe(200)
    }
  })

  test('reads and changes the live switches', async () => {
    expect(await control('PATCH', '/switches', { mode: 'saml2', sessionWindowS: 3 })).toMatchObject({ status: 200 })
    expect(site.switches).toMatchObject({ mode: 'saml2', sessionWindowS: 3, launcher: true })
    site.switches.launcher = false
    expect((await control('GET', '/switches')).body).toMatchObject({ mode: 'saml2', launcher: false })
  })

  test.each<[string, string, unknown, string]>([
    ['PATCH', '/switches', { mode: 'open' }, '"mode":'],
    ['PATCH', '/switches', { colour: 'red' }, 'colour'],
    ['PATCH', '/switches', { sessionWindowS: 0 }, '"sessionWindowS":'],
    ['PATCH', '/switches', { oxygenPasswordFault: 104 }, '"oxygenPasswordFault":'],
    ['POST', '/faults', { path: '/x', does: { kind: 'explode' } }, '"does.kind":'],
    ['POST', '/clock', {}, '"body":'],
    ['POST', '/sessions', {}, '"person":'],
    ['POST', '/sessions/expire', { who: 'me' }, 'who'],
    ['PATCH', '/people/artist', { status: 'asleep' }, '"status":'],
    ['PATCH', '/people/artist', { lockedUntil: 'tomorrow' }, '"lockedUntil":'],
    ['PATCH', '/scripts/identity-broker', { key: '' }, '"key":'],
    ['POST', '/launches/x', { decision: 'maybe' }, '"decision":'],
  ])('%s %s %j is 400 with a sentence', async (method, path, body, culprit) => {
    const answer = await control(method, path, body)
    expect(answer.status).toBe(400)
    expect(answer.body).toEqual({ message: expect.stringContaining(culprit) })
  })

  test('gives a script another key and the right to impersonate', async () => {
    const ask = (auth: typeof script) => find(site.url, auth, 'HumanUser', [])
    expect(await ask(script)).not.toEqual([])
    expect(await control('PATCH', '/scripts/identity-broker', { key: 'another' })).toMatchObject({ status: 200 })
    await expect(ask(script)).rejects.toMatchObject({ code: 102 })
    expect(await ask({ ...script, script_key: 'another' })).not.toEqual([])
    expect(await control('PATCH', '/scripts/nightly-report', { maySudo: true })).toMatchObject({
      body: { maySudo: true },
    })
    expect(await control('PATCH', '/scripts/nobody', { maySudo: true })).toMatchObject({ status: 404 })
  })

  test('a body that is no JSON is 400, an unknown person or launch 404', async () => {
    const broken = await fetch(`${site.url}/sandbox/switches`, { method: 'PATCH', body: '{' })
    expect([broken.status, await broken.json()]).toEqual([400, { message: 'the body must be JSON' }])
    expect(await control('PATCH', '/people/stranger', { status: 'act' })).toMatchObject({ status: 404 })
    expect(await control('POST', '/sessions', { person: 'ghost' })).toMatchObject({ status: 404 })
    expect(await control('POST', '/launches/x', { decision: 'deny' })).toMatchObject({ status: 404 })
  })

  test('a session for somebody who could not sign in is refused in words', async () => {
    expect(await control('POST', '/sessions', { person: 'disabled' })).toEqual({
      status: 400,
      body: { message: '"disabled" cannot sign in: the account is disabled or retired' },
    })
  })

  test('shows and changes people, and the change is the live one', async () => {
    const { body: people } = await control('GET', '/people')
    expect(people).toHaveLength(16)
    const changes = {
      status: 'dis',
      email: 'moved@studio.example',
      canImpersonate: false,
      role: 'manager',
      passphrase: null,
      pat: 'none',
      seesProjects: 'all',
      twoFactorCode: '1',
      lockedUntil: '2030-01-01T00:00:00Z',
    }
    expect(await control('PATCH', '/people/artist', changes)).toMatchObject({
      status: 200,
      body: { ...changes, key: 'artist' },
    })
    const { passphrase: _gone, ...live } = changes
    expect(site.person('artist')).toMatchObject(live)
    expect(site.person('artist').passphrase).toBeUndefined()
    const [row] = await find(
      site.url,
      script,
      'HumanUser',
      [['email', 'is', 'moved@studio.example']],
      ['sg_status_list', 'permission_rule_set.PermissionRuleSet.code'],
    )
    expect(row).toMatchObject({ sg_status_list: 'dis', 'permission_rule_set.PermissionRuleSet.code': 'manager' })
  })

  test('makes, lists and ends sessions, and ends a licence alone', async () => {
    const made = await control('POST', '/sessions', { person: 'artist' })
    const { token } = made.body as { token: string }
    const auth = { session_token: token }
    await callRpc(site.url, auth, 'preferences_read')
    expect((await control('GET', '/sessions')).body).toEqual(site.sessions())
    expect((await control('POST', '/sessions/expire', { licence: true })).body).toEqual({ ended: 1 })
    await expect(callRpc(site.url, auth, 'preferences_read')).resolves.toBeTypeOf('object')
    expect((await control('POST', '/sessions/expire', { login: 'nobody' })).body).toEqual({ ended: 0 })
    expect((await control('POST', '/sessions/expire', {})).body).toEqual({ ended: 1 })
    await expect(callRpc(site.url, auth, 'preferences_read')).rejects.toMatchObject({ code: 102 })
  })

  test('moves the clock and puts it back', async () => {
    await control('POST', '/clock', { advanceS: 3600 })
    expect(site.clock.nowS() - Math.floor(Date.now() / 1000)).toBeGreaterThanOrEqual(3599)
    await control('POST', '/clock', { reset: true })
    expect(site.clock.nowS() - Math.floor(Date.now() / 1000)).toBeLessThan(2)
  })

  test('answers a launcher request without a browser', async () => {
    const start = async () => {
      const body = new URLSearchParams({ appName: 'Tray', machineId: 'ws' })
      const answer = await fetch(`${site.url}/internal_api/app_session_request`, { method: 'POST', body })
      return ((await answer.json()) as { sessionRequestId: string }).sessionRequestId
    }
    const poll = async (id: string) =>
      (await fetch(`${site.url}/internal_api/app_session_request/${id}`, { method: 'PUT' })).json()
    const [yes, no] = [await start(), await start()]
    expect((await control('GET', '/launches')).body).toMatchObject([
      { id: yes, appName: 'Tray', answered: false },
      { id: no },
    ])
    await control('POST', `/launches/${yes}`, { decision: 'approve', person: 'supervisor' })
    await control('POST', `/launches/${no}`, { decision: 'deny' })
    expect(await poll(yes)).toMatchObject({ approved: true, userLogin: 'supervisor' })
    expect(await poll(no)).toEqual({ message: 'Not Found' })
  })

  test('shows requests, calls and events, and leaves itself out of the log', async () => {
    await callRpc(site.url, undefined, 'info')
    await control('GET', '/calls')
    expect((await control('GET', '/requests')).body).toMatchObject([{ method: 'POST', path: '/api3/json' }])
    expect((await control('GET', '/calls')).body).toEqual({ info: 1 })
    expect((await control('GET', '/events')).body).toEqual([])
  })

  test('reset puts everything back as it was at the start', async () => {
    const own = await startSite({ switches: { mode: 'default' } })
    try {
      const token = own.mintSession('artist')
      const fields = [
        { field_name: 'project', value: { type: 'Project', id: 101 } },
        { field_name: 'code', value: 'extra' },
      ]
      await callRpc(own.url, { session_token: token }, 'create', { type: 'Shot', fields })
      own.switches.mode = 'saml2'
      own.person('artist').status = 'dis'
      own.clock.advance(1e9)
      own.faults.inject({ path: '/api3', does: { kind: 'reset' } })
      expect((await fetch(`${own.url}/sandbox/reset`, { method: 'POST' })).status).toBe(200)
      expect(own.switches).toMatchObject({ mode: 'default' })
      expect(own.person('artist').status).toBe('act')
      expect(own.faults.list()).toEqual([])
      expect([own.sessions(), own.eventLog(), own.web.requests, [...own.calls]]).toEqual([[], [], [], []])
      expect(own.clock.nowS() - Math.floor(Date.now() / 1000)).toBeLessThan(2)
      expect(await find(own.url, script, 'Shot', [['code', 'is', 'extra']])).toEqual([])
      await expect(callRpc(own.url, { session_token: token }, 'preferences_read')).rejects.toMatchObject({ code: 102 })
    } finally {
      await own.close()
    }
  })
})

describe('faults', () => {
  const call = () => sendRpc(site.url, payload('info', undefined))

  test.each([502, 503, 504, 403])('%i comes as often as asked for, with its body', async (status) => {
    site.faults.inject({ path: '/api3/json', times: 2, does: { kind: 'status', status, body: 'blocked' } })
    for (const _attempt of [1, 2]) expect(await call()).toMatchObject({ status, body: 'blocked' })
    expect((await call()).status).toBe(200)
  })

  test('one can come for a time', async () => {
    site.faults.inject({ path: '/api3/json', forMs: 2_000, does: { kind: 'status', status: 503 } })
    for (const _attempt of [1, 2, 3]) expect((await call()).status).toBe(503)
    await expect.poll(async () => (await call()).status).toBe(200)
  })

  test('a redirect to the SAML login can stand in for the site’s', async () => {
    const headers = { location: `${site.url}/saml/saml_login_request` }
    site.faults.inject({ path: '/api3/json', does: { kind: 'status', status: 302, headers } })
    expect(await call()).toMatchObject({ status: 302, headers })
  })

  test('an answer can be late, cut short, a network’s own page, or a reset', async () => {
    site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'delay', ms: 120 } })
    const startedAt = performance.now()
    expect((await call()).status).toBe(200)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(115)
    site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'html' } })
    expect((await call()).headers['content-type']).toContain('text/html')
    site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'half-body' } })
    await expect(call()).rejects.toThrow()
    site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'reset' } })
    await expect(call()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect((await call()).status).toBe(200)
  })

  test('a lost reply has taken effect all the same', async () => {
    site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'lost-reply' } })
    await expect(sendRpc(site.url, payload('get_session_token', script))).rejects.toThrow()
    expect(site.calls.get('get_session_token')).toBe(1)
    expect(site.sessions()).toHaveLength(1)
  })

  test('every route passes them, REST and launcher alike, and the control API none', async () => {
    await control('POST', '/faults', { path: '/', does: { kind: 'status', status: 503 } })
    for (const path of ['/api/v1', '/internal_api/session', '/user/login', '/no/such/page']) {
      expect((await fetch(site.url + path)).status).toBe(503)
    }
    expect((await control('DELETE', '/faults')).body).toEqual([])
    expect((await fetch(`${site.url}/api/v1`)).status).toBe(200)
    expect(site.web.requests).toHaveLength(5)
  })
})

test('a kept-alive connection may idle for longer than Node would let it, and closing cuts it at once', async () => {
  const own = await startSite()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const body = payload('info', undefined)
  const call = () =>
    new Promise<{ status: number | undefined; reused: boolean }>((resolve, reject) => {
      const sent = request(new URL('/api3/json', own.url), { method: 'POST', agent }, (answer) => {
        answer.resume().on('end', () => resolve({ status: answer.statusCode, reused: sent.reusedSocket }))
      })
      sent.on('error', reject)
      sent.end(body)
    })
  try {
    expect(await call()).toEqual({ status: 200, reused: false })
    await sleep(7_000)
    expect(await call()).toEqual({ status: 200, reused: true })
  } finally {
    const startedAt = performance.now()
    await own.close()
    agent.destroy()
    expect(performance.now() - startedAt).toBeLessThan(4_000)
  }
})

test('a site can speak TLS under a name of its own, on a clock it shares', async () => {
  const tls = await makeCertificates()
  const clock = new SandboxClock()
  const secure = await startSite({ name: 'localhost', tls, siteName: 'Other Studio', clock })
  try {
    expect(secure.url).toMatch(/^https:\/\/localhost:\d+$/)
    expect(secure.clock).toBe(clock)
    const answer = await sendRpc(secure.url, payload('info', undefined), { ca: tls.ca })
    expect(JSON.parse(answer.body)).toMatchObject({ version: [8, 89, 0] })
    await expect(sendRpc(secure.url, payload('info', undefined))).rejects.toThrow(/unable to verify|self-signed/)
  } finally {
    await secure.close()
  }
})
