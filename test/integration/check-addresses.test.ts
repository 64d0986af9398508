import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { checkAddresses } from '../../src/agent.ts'
import type { Fetch } from '../../src/ports.ts'
import { nodeFetch, rules, startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ twoSites: true })
})
afterAll(() => world.close())
afterEach(() => {
  for (const site of [world.site, world.secondSite]) site?.faults.clear()
})

const check = (wanted: { site?: string; broker?: string } = {}, fetch: Fetch = nodeFetch, checkRules = rules) =>
  checkAddresses({ site: world.site.url, broker: world.broker.url, ...wanted }, { fetch, rules: checkRules })

describe('the addresses somebody typed', () => {
  test('are what they should be: nothing more is needed to sign in', async () => {
    expect(await check()).toEqual({
      site: {
        ok: true,
        address: world.site.url,
        detail: `"${world.site.url}" is ShotGrid 8.89.0`,
        withoutBroker: { way: 'web', because: expect.stringContaining('through the browser') },
      },
      broker: {
        ok: true,
        address: world.broker.url,
        detail: `"${world.broker.url}" is a broker that serves "${world.site.url}"`,
        identity: { issuer: world.identity.issuer, clientId: 'sg-session-tray' },
      },
    })
  })

  test('are asked without any credential', async () => {
    const asked: unknown[] = []
    await check({}, (url, init) => {
      // Wiped when it is sent.
      const body = init.body instanceof Uint8Array ? Buffer.from(init.body).toString() : (init.body ?? null)
      asked.push([new URL(url).pathname, init.method, body, Object.keys(init.headers ?? {}).sort()])
      return nodeFetch(url, init)
    })
    expect(asked).toEqual([
      ['/api3/json', 'POST', '{"method_name":"info","params":[]}', ['accept', 'content-type']],
      ['/.well-known/oauth-authorization-server', 'GET', null, []],
    ])
  })

  test('are put into the form configuration takes', async () => {
    const { site, broker } = await check({ site: ` ${world.site.url.toUpperCase()}/ `, broker: `${world.broker.url}/` })
    expect([site.address, broker?.address]).toEqual([world.site.url, world.broker.url])
    expect([site.ok, broker?.ok]).toEqual([true, true])
  })

  test('are https unless said otherwise', async () => {
    const asked: string[] = []
    const nobody: Fetch = async (url) => {
      asked.push(url)
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ENOTFOUND' }) })
    }
    const { site, broker } = await check(
      { site: 'studio.shotgrid.autodesk.com', broker: 'sg-broker.studio.example:8443' },
      nobody,
    )
    expect(asked.map((url) => new URL(url).origin)).toEqual([
      'https://studio.shotgrid.autodesk.com',
      'https://sg-broker.studio.example:8443',
    ])
    expect(site).toMatchObject({ ok: false, code: 'site_unreachable', detail: expect.stringContaining('ENOTFOUND') })
    expect(broker).toMatchObject({
      ok: false,
      code: 'broker_unreachable',
      detail: expect.stringContaining('ENOTFOUND'),
    })
  })

  test.each([
    ['web', { mode: 'saml2', launcher: true }],
    ['legacy', { mode: 'oxygen', launcher: false }],
    ['none', { mode: 'saml2', launcher: false }],
  ] as const)('say how a sign-in goes without a broker: %s', async (way, switches) => {
    Object.assign(world.site.switches, switches)
    try {
      const { site, broker } = await check({ broker: ' ' })
      expect(site.withoutBroker?.way).toBe(way)
      expect(broker).toBeUndefined()
    } finally {
      Object.assign(world.site.switches, { mode: 'oxygen', launcher: true })
    }
  })

  test.each([
    ['x y', 'whole URL'],
    ['http://studio.example', 'https'],
    ['https://studio.example/page/1', 'origin'],
    ['https://me:pw@studio.example', 'password'],
    ['javascript:alert(1)', 'URL'],
    ['file:///etc/passwd', 'https'],
  ])('are not asked when they are none: "%s"', async (text, said) => {
    const nobody: Fetch = async (url) => Promise.reject(new Error(`asked ${url}`))
    const { site, broker } = await check({ site: text, broker: text }, nobody, { insecureLoopback: false })
    for (const finding of [site, broker]) {
      expect(finding).toMatchObject({ ok: false, code: 'config_invalid', detail: expect.stringContaining(said) })
      expect(finding?.address).toBeUndefined()
    }
  })
})

describe('what is not right is said of each by itself', () => {
  test('a site that is something else', async () => {
    const { site, broker } = await check({ site: world.identity.issuer })
    expect(site).toMatchObject({ ok: false, code: 'site_unreachable' })
    expect(broker).toMatchObject({
      ok: false,
      code: 'site_unknown',
      detail: expect.stringContaining('does not serve'),
      identity: { clientId: 'sg-session-tray' },
    })
  })

  test.each([
    ['html', { kind: 'html' }, /web page/],
    ['down', { kind: 'status', status: 503 }, /503/],
    ['moved', { kind: 'status', status: 302, headers: { location: 'https://elsewhere.example' } }, /302/],
    [
      'JSON of another kind',
      { kind: 'status', status: 200, body: '{"results":{"hello":1}}' },
      /not as a ShotGrid site/,
    ],
    ['a fault', { kind: 'status', status: 200, body: '{"exception":true,"message":"Maintenance"}' }, /Maintenance/],
  ] as const)('a site that answers %s', async (_name, does, detail) => {
    world.site.faults.inject({ path: '/api3/json', does })
    const { site, broker } = await check()
    expect(site).toMatchObject({ ok: false, code: 'site_unreachable', detail: expect.stringMatching(detail) })
    expect(broker?.ok).toBe(true)
  })

  test('a broker that is a site, and one that is another broker', async () => {
    expect((await check({ broker: world.site.url })).broker).toMatchObject({ ok: false, code: 'broker_unreachable' })
    const elsewhere: Fetch = async (url, init) => {
      if (!url.includes('.well-known')) return nodeFetch(url, init)
      const metadata = (await (await nodeFetch(url, init)).json()) as object
      return Response.json({ ...metadata, issuer: 'https://evil.example' })
    }
    expect((await check({}, elsewhere)).broker).toMatchObject({
      ok: false,
      code: 'broker_unreachable',
      detail: expect.stringContaining('evil.example'),
    })
  })

  test.each([
    ['an older broker', undefined],
    ['a broker whose issuer is no https address', { issuer: 'javascript:alert(1)', client_id: 'x' }],
  ])('%s leaves the identity open', async (_name, sg_session_identity) => {
    const { broker } = await check({}, async (url, init) => {
      const answer = await nodeFetch(url, init)
      if (!url.includes('.well-known')) return answer
      return Response.json({ ...((await answer.json()) as object), sg_session_identity })
    })
    expect(broker?.identity).toBeUndefined()
  })

  test('two that never answer cost ten seconds', async () => {
    const silence: Fetch = (_url, { signal }) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    const startedMs = performance.now()
    const { site, broker } = await check({}, silence)
    expect(performance.now() - startedMs).toBeLessThan(15_000)
    expect([site.code, broker?.code]).toEqual(['site_unreachable', 'broker_unreachable'])
  })
})
