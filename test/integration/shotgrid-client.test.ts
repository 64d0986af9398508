import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/secrets/secret.ts'
import { SiteFault } from '../../src/shotgrid/faults.ts'
import { callRpc, readEntities } from '../../src/shotgrid/json-rpc.ts'
import { grantFromSession, whoAmI } from '../../src/shotgrid/rest.ts'
import { RestTokens } from '../../src/shotgrid/rest-tokens.ts'
import type { FaultInput } from '../sandbox/faults.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'
import { nodeFetch } from './world.ts'

let site: Site
beforeAll(async () => {
  site = await startSite({ switches: { sudoSessionOwner: 'human' } })
})
afterAll(() => site.close())
afterEach(() => {
  site.faults.clear()
  site.web.requests.length = 0
})

const script = { kind: 'script', name: 'identity-broker', key: new Secret('script-key-with-sudo') } as const
const signal = (): AbortSignal => AbortSignal.timeout(10_000)
const info = () => callRpc(nodeFetch, site.url, { kind: 'nobody' }, { method: 'info', signal: signal() })

describe('JSON-RPC', () => {
  test('asks without, with a script’s and with a session’s credentials', async () => {
    expect(await info()).toMatchObject({ user_authentication_method: 'oxygen' })
    const results = await callRpc(
      nodeFetch,
      site.url,
      { ...script, sudoAsLogin: 'artist@studio.example' },
      { method: 'get_session_token', signal: signal() },
    )
    const { session_id } = results as { session_id: string }
    const session = { kind: 'session', sessionToken: new Secret(session_id) } as const
    const query = { type: 'Project', filters: [], fields: ['name'], limit: 50, signal: signal() }
    expect(await readEntities(nodeFetch, site.url, session, query)).toHaveLength(2)
    expect(await readEntities(nodeFetch, site.url, script, query)).toHaveLength(8)
  })

  test.each([
    ['a wrong key', { ...script, key: new Secret('x') }, 'authentication', 102],
    ['an unknown session', { kind: 'session', sessionToken: new Secret('0'.repeat(32)) }, 'authentication', 102],
    ['a refused sudo', { ...script, sudoAsLogin: 'nobody' }, 'authentication', 102],
  ] as const)('says with a typed fault that %s is refused, in one try', async (_name, caller, kind, faultCode) => {
    const call = readEntities(nodeFetch, site.url, caller, {
      type: 'Project',
      filters: [],
      fields: [],
      limit: 1,
      signal: signal(),
    })
    await expect(call).rejects.toMatchObject({ name: 'SiteFault', kind, faultCode })
    expect(site.web.requests).toHaveLength(1)
  })

  test('never quotes a key in a fault', async () => {
    const wrong = { ...script, key: new Secret('canary-script-key') }
    const error: unknown = await callRpc(nodeFetch, site.url, wrong, {
      method: 'get_session_token',
      signal: signal(),
    }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(SiteFault)
    expect(String(error)).not.toContain('canary')
  })
})

describe('trying again', () => {
  test.each([502, 504])('%i is tried three times, 0.75 s and 1.5 s apart', async (status) => {
    site.faults.inject({ path: '/api3/json', does: { kind: 'status', status } })
    await expect(info()).rejects.toMatchObject({ code: 'site_unreachable' })
    const times = site.web.requests.map(({ atMs }) => atMs)
    expect(times).toHaveLength(3)
    const [first = 0, second = 0, third = 0] = times
    expect(second - first).toBeGreaterThan(730)
    expect(second - first).toBeLessThan(1_450)
    expect(third - second).toBeGreaterThan(1_480)
    expect(third - second).toBeLessThan(3_000)
  })

  test('one 502 goes unnoticed', async () => {
    site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'status', status: 502 } })
    expect(await info()).toMatchObject({ user_authentication_method: 'oxygen' })
  })

  const once: [string, FaultInput['does']][] = [
    ...[500, 503, 429, 403, 401, 400, 302].map((status): [string, FaultInput['does']] => [
      String(status),
      { kind: 'status', status },
    ]),
    ['a reset', { kind: 'reset' }],
    ['half an answer', { kind: 'half-body' }],
    ['a web page', { kind: 'html' }],
    ['a lost reply', { kind: 'lost-reply' }],
  ]
  test.each(once)('%s is not tried again: a write must not happen twice', async (_name, does) => {
    site.faults.inject({ path: '/api3/json', does })
    await expect(info()).rejects.toMatchObject({ code: 'site_unreachable' })
    expect(site.web.requests).toHaveLength(1)
  })

  test('a site that is silent is given up when the caller’s time is over', async () => {
    site.faults.inject({ path: '/api3/json', does: { kind: 'delay', ms: 5_000 } })
    const startedMs = performance.now()
    const call = callRpc(nodeFetch, site.url, { kind: 'nobody' }, { method: 'info', signal: AbortSignal.timeout(300) })
    await expect(call).rejects.toMatchObject({ code: 'site_unreachable' })
    expect(performance.now() - startedMs).toBeLessThan(4_500)
  })

  test('a site that is not there is site_unreachable, naming it', async () => {
    const call = callRpc(nodeFetch, 'http://127.0.0.1:1', { kind: 'nobody' }, { method: 'info', signal: signal() })
    await expect(call).rejects.toMatchObject({
      code: 'site_unreachable',
      message: expect.stringContaining('"http://127.0.0.1:1"'),
    })
  })
})

describe('whose session it is', () => {
  test('the site says by the claims of a REST bearer', async () => {
    const person = new Secret(site.mintSession('artist'))
    expect(await whoAmI(nodeFetch, site.url, person, signal())).toMatchObject({
      user: { type: 'HumanUser', id: site.person('artist').id },
      sudoAsLogin: undefined,
    })
    const results = await callRpc(nodeFetch, site.url, script, { method: 'get_session_token', signal: signal() })
    const own = new Secret((results as { session_id: string }).session_id)
    expect((await whoAmI(nodeFetch, site.url, own, signal())).user.type).toBe('ApiUser')
  })

  test('is a fault for a session that has ended', async () => {
    const token = new Secret(site.mintSession('artist'))
    site.expireSessions({ login: 'artist@studio.example' })
    await expect(grantFromSession(nodeFetch, site.url, token, signal())).rejects.toMatchObject({
      name: 'SiteFault',
      kind: 'authentication',
    })
  })

  test('cannot be told from a bearer that is no JWT, or says nothing', async () => {
    const token = new Secret(site.mintSession('artist'))
    const bearer = (value: string): FaultInput => ({
      path: '/api/v1/auth/access_token',
      times: 1,
      does: { kind: 'status', status: 200, body: JSON.stringify({ access_token: value, expires_in: 600 }) },
    })
    for (const value of ['opaque', `e30.${Buffer.from('{"user":"me"}').toString('base64url')}.x`]) {
      site.faults.inject(bearer(value))
      await expect(whoAmI(nodeFetch, site.url, token, signal())).rejects.toMatchObject({ code: 'site_unreachable' })
    }
  })
})

test('one REST bearer a session serves all who ask, until it is nearly over', async () => {
  const sessionToken = new Secret(site.mintSession('artist'))
  let offsetMs = 0
  let monotonicOffsetMs = 0
  const clock = { now: () => Date.now() + offsetMs, monotonicMs: () => performance.now() + monotonicOffsetMs }
  const tokens = new RestTokens(nodeFetch, clock)
  const all = await Promise.all(Array.from({ length: 20 }, () => tokens.get(site.url, sessionToken)))
  expect(new Set(all.map(({ accessToken }) => accessToken.reveal())).size).toBe(1)
  expect(site.web.requests).toHaveLength(1)
  offsetMs = 545_000
  await tokens.get(site.url, sessionToken)
  expect(site.web.requests).toHaveLength(2)
  // Somebody sets the clock back by two hours; the bearer is over all the same.
  offsetMs -= 7_200_000
  monotonicOffsetMs = 545_000
  await tokens.get(site.url, sessionToken)
  expect(site.web.requests).toHaveLength(3)
})
