import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import type { AgentError } from '../../src/errors.ts'
import type { Fetch, OpenBrowser } from '../../src/ports.ts'
import type { FaultInput } from '../sandbox/faults.ts'
import type { SiteSwitches } from '../sandbox/site/switches.ts'
import { type SiteStage, startSiteStage } from './site-stage.ts'
import { nodeFetch, TestClock } from './world.ts'

const launcher = '/internal_api/app_session_request'

const stages: SiteStage[] = []
afterAll(() => Promise.all(stages.map((stage) => stage.close())))

interface Scene {
  readonly stage: SiteStage
  readonly agent: Agent
  readonly clock: TestClock
  readonly opened: URL[]
  /** Requests to the launcher, `POST` or `PUT`. */
  asked(method: string): number
  /** The most polls that were under way at once. */
  mostPolls(): number
}

/** An agent at a site of its own. `browser`: what becomes of the address that is opened. */
async function begin({
  switches = {},
  browser,
}: {
  switches?: Partial<SiteSwitches>
  browser?: (scene: Scene) => OpenBrowser
} = {}): Promise<Scene> {
  const stage = await startSiteStage(switches)
  stages.push(stage)
  const clock = new TestClock()
  const opened: URL[] = []
  let polls = 0
  let most = 0
  const fetch: Fetch = async (url, init) => {
    if (init.method !== 'PUT') return nodeFetch(url, init)
    polls += 1
    most = Math.max(most, polls)
    return nodeFetch(url, init).finally(() => {
      polls -= 1
    })
  }
  const openBrowser: OpenBrowser = async (url) => {
    opened.push(url)
    await (browser?.(scene) ?? stage.answers('approve', 'artist'))(url)
  }
  const scene: Scene = {
    stage,
    agent: stage.agent('artist', 'web', { clock, fetch, openBrowser }),
    clock,
    opened,
    asked: (method) =>
      stage.site.web.requests.filter((one) => one.method === method && one.path.startsWith(launcher)).length,
    mostPolls: () => most,
  }
  return scene
}

const polledAtMs = ({ stage }: Scene): number[] =>
  stage.site.web.requests.filter(({ method }) => method === 'PUT').map(({ atMs }) => atMs)
const nobody = (): OpenBrowser => async () => undefined
const poll = (does: FaultInput['does'], times?: number): FaultInput => ({
  ...{ method: 'PUT', path: launcher, does },
  ...(times === undefined ? {} : { times }),
})
const json = (status: number, message: string): FaultInput['does'] => ({
  ...{ kind: 'status', status },
  body: JSON.stringify({ message }),
})

async function refusal(agent: Agent): Promise<Pick<AgentError, 'code' | 'message' | 'advice'>> {
  return agent.signIn(undefined).then(
    () => {
      throw new Error('it signed in')
    },
    (error: AgentError) => error,
  )
}

describe.concurrent('signing in at the site in the browser', () => {
  test('tells the person which program on which machine asks, and where they answer', async () => {
    const scene = await begin({
      browser:
        ({ stage }) =>
        async (url) => {
          const launches = await (await fetch(`${stage.site.url}/sandbox/launches`)).json()
          expect(launches).toMatchObject([{ appName: 'sg-session', machineId: hostname() }])
          await stage.answers('approve', 'artist')(url)
        },
    })
    expect(await scene.agent.signIn(undefined)).toMatchObject({ state: 'signed_in', obtainedBy: 'web' })
    expect(scene.opened.map(({ origin }) => origin)).toEqual([scene.stage.site.url])
  })

  test('is not begun where the site says it has no launcher, though the configuration wants it', async () => {
    const scene = await begin({ switches: { launcher: false } })
    const { code, message } = await refusal(scene.agent)
    expect(code).toBe('web_sign_in_unavailable')
    expect(message).toBe(`"${scene.stage.site.url}" has its App Session Launcher switched off`)
    expect([scene.asked('POST'), scene.opened]).toEqual([0, []])
  })
})

/** An answer of the launcher; `SITE` stands for host and port of the site. */
const created = (url: string): FaultInput['does'] => ({
  ...{ kind: 'status', status: 200 },
  body: JSON.stringify({ sessionRequestId: 'a', url }),
})

const beforeTheBrowser: [string, FaultInput['does'], string, RegExp][] = [
  ['a launcher that is off after all', json(403, 'not enabled'), 'web_sign_in_unavailable', /switched off/],
  ['a site that knows no launcher', json(404, 'Not Found'), 'web_sign_in_unavailable', /switched off/],
  ['a block page', { kind: 'status', status: 403, body: '<html>' }, 'site_unreachable', /a web page/],
  ['a refusal', json(400, 'Missing params: appName'), 'site_unreachable', /400: Missing params: appName$/],
  ['a captive portal', { kind: 'html' }, 'site_unreachable', /a web page/],
  ['503', { kind: 'status', status: 503 }, 'site_unreachable', /answered 503$/],
  ['429', { kind: 'status', status: 429, headers: { 'retry-after': '7' } }, 'site_unreachable', /asks to wait 7 s$/],
  ['a redirect', { kind: 'status', status: 302 }, 'site_unreachable', /answered 302$/],
  ['half an answer', { kind: 'half-body' }, 'site_unreachable', /UND_ERR_SOCKET/],
  ['a reset', { kind: 'reset' }, 'site_unreachable', /ECONNRESET|UND_ERR_SOCKET/],
  ['another form', { kind: 'status', status: 200, body: '{"id":1}' }, 'site_unreachable', /unknown form/],
  [
    'an address elsewhere',
    { kind: 'status', status: 200, body: '{"sessionRequestId":"a","url":"https://elsewhere.example/a"}' },
    ...(['site_unreachable', /an address on "https:\/\/elsewhere.example"/] as const),
  ],
  ...['ftp://SITE/a', 'javascript:alert(1)', 'https://127.0.0.1:1/a', 'http://127.0.0.1.elsewhere.example/a'].map(
    (address): [string, FaultInput['does'], string, RegExp] => [
      `the address ${address}`,
      created(address),
      ...(['site_unreachable', /an address on /] as const),
    ],
  ),
  [
    'an address with a user name in it',
    created('http://studio.example@SITE/a'),
    ...(['site_unreachable', /a user name in an address/] as const),
  ],
  ['an address too long for anybody', created(`http://SITE/${'a'.repeat(2_000)}`), 'site_unreachable', /unknown form/],
]
describe.concurrent('before the browser opens', () => {
  test.each(beforeTheBrowser)('%s is said', async (_what, does, code, message) => {
    const scene = await begin()
    const { host } = new URL(scene.stage.site.url)
    const answer = does.kind === 'status' && does.body ? { ...does, body: does.body.replace('SITE', host) } : does
    scene.stage.site.faults.inject({ method: 'POST', path: launcher, does: answer })
    expect(await refusal(scene.agent)).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(scene.opened).toEqual([])
  })
})

const passing: [string, FaultInput['does']][] = [
  ...[500, 502, 503, 504, 429].map((status): [string, FaultInput['does']] => [`${status}`, { kind: 'status', status }]),
  ['a web page', { kind: 'html' }],
  ['half an answer', { kind: 'half-body' }],
  ['a broken connection', { kind: 'reset' }],
  ['a slow answer', { kind: 'delay', ms: 2_500 }],
]
describe.concurrent('while the person is in the browser', () => {
  test.each(passing)('%s does not cost them the sign-in', async (_what, does) => {
    const scene = await begin()
    scene.stage.site.faults.inject(poll(does, 2))
    expect(await scene.agent.signIn(undefined)).toMatchObject({ state: 'signed_in' })
    expect(scene.opened).toHaveLength(1)
    expect(scene.mostPolls()).toBe(1)
  })

  test('polls wait for each other, and come two seconds after an answer', async () => {
    const scene = await begin({ browser: nobody })
    scene.stage.site.faults.inject(poll({ kind: 'delay', ms: 2_500 }))
    const done = refusal(scene.agent)
    await vi.waitFor(() => expect(scene.asked('PUT')).toBe(2), 20_000)
    scene.agent.cancelSignIn(undefined)
    await done
    expect(scene.mostPolls()).toBe(1)
    const [first = 0, second = 0] = polledAtMs(scene)
    expect(second - first).toBeGreaterThan(4_400)
  })

  test('a site that says when to come back is asked then', async () => {
    const scene = await begin()
    scene.stage.site.faults.inject(poll({ kind: 'status', status: 429, headers: { 'retry-after': '5' } }, 1))
    await scene.agent.signIn(undefined)
    const [first = 0, second = 0] = polledAtMs(scene)
    expect(second - first).toBeGreaterThan(4_900)
  })

  test('a site that gives no answer for half a minute is given up', async () => {
    const scene = await begin({ browser: nobody })
    scene.stage.site.faults.inject(poll({ kind: 'status', status: 503 }))
    const done = refusal(scene.agent)
    await vi.waitFor(() => expect(scene.asked('PUT')).toBe(2), 20_000)
    // Its answer is to be judged by the clock as it is; the next poll is two seconds away.
    await pause(1_000)
    scene.clock.advance(28_000)
    expect(await done).toMatchObject({ code: 'site_unreachable', message: expect.stringContaining('answered 503') })
    // Given up at the first poll after that half minute.
    expect(scene.asked('PUT')).toBe(3)
  })

  test('a declined sign-in is access_denied, and says what else it may be', async () => {
    const scene = await begin({ browser: ({ stage }) => stage.answers('deny', 'artist') })
    const { code, message, advice } = await refusal(scene.agent)
    expect(code).toBe('access_denied')
    expect(message).toContain('it was declined in the browser, or the site has forgotten it')
    expect(advice).toContain('Sign in again and approve it in the browser')
  })

  test.each([
    ['the machine slept', (clock: TestClock) => clock.jump(305_000)],
    ['time passed by both clocks', (clock: TestClock) => clock.advance(304_000)],
  ])('one the site forgot for its age is sign_in_timeout: %s', async (_why, passes) => {
    const scene = await begin({
      browser:
        ({ stage, clock }) =>
        async () => {
          stage.site.clock.advance(306_000)
          passes(clock)
        },
    })
    expect(await refusal(scene.agent)).toMatchObject({ code: 'sign_in_timeout' })
  })

  test('a token that was lost on the way is said to be: sign in again', async () => {
    const scene = await begin()
    scene.stage.site.faults.inject(poll({ kind: 'lost-reply' }, 1))
    const { code, message, advice } = await refusal(scene.agent)
    expect(code).toBe('site_unreachable')
    expect(message).toContain('one of its answers was lost on the way')
    expect(advice).toContain('Sign in again: the site hands a session out once')
    expect(scene.agent.status()).toMatchObject([{ state: 'signed_out' }])
  })

  test('an answer that was lost before the person said no is not blamed for it', async () => {
    const scene = await begin({ browser: nobody })
    scene.stage.site.faults.inject(poll({ kind: 'lost-reply' }, 1))
    const done = refusal(scene.agent)
    await vi.waitFor(() => expect(scene.asked('PUT')).toBe(2), 20_000)
    await scene.stage.answers('deny', 'artist')(scene.opened[0] ?? new URL('about:blank'))
    expect(await done).toMatchObject({ code: 'access_denied' })
  })

  test.each([
    ['403', json(403, 'Not yours'), 'access_denied'],
    ['400', json(400, 'Not yours'), 'site_unreachable'],
  ])('%s ends it at once, with the site’s own words', async (_status, does, code) => {
    const scene = await begin()
    scene.stage.site.faults.inject(poll(does))
    expect(await refusal(scene.agent)).toMatchObject({ code, message: expect.stringContaining('Not yours') })
    expect(scene.asked('PUT')).toBe(1)
  })

  test('trouble after the token has come does not cost it', async () => {
    const scene = await begin()
    scene.stage.site.faults.inject({ path: '/api/v1/auth', times: 2, does: { kind: 'status', status: 503 } })
    expect(await scene.agent.signIn(undefined)).toMatchObject({ state: 'signed_in', login: 'artist@studio.example' })
    expect(scene.opened).toHaveLength(1)
  })
})

describe.concurrent('a cancel', () => {
  const moments: [string, FaultInput | undefined, (scene: Scene) => boolean][] = [
    [
      'while the site is asked for a launch',
      { method: 'POST', path: launcher, does: { kind: 'delay', ms: 1_000 } },
      ({ asked }) => asked('POST') === 1,
    ],
    ['while the person is in the browser', undefined, ({ opened }) => opened.length === 1],
    ['while a poll is under way', poll({ kind: 'delay', ms: 1_000 }), ({ asked }) => asked('PUT') === 1],
  ]
  test.each(moments)('%s leaves no poll behind', async (_when, fault, isThen) => {
    const scene = await begin({ browser: nobody })
    if (fault) scene.stage.site.faults.inject(fault)
    const done = refusal(scene.agent)
    await vi.waitFor(() => expect(isThen(scene)).toBe(true), 20_000)
    const polls = scene.asked('PUT')
    scene.agent.cancelSignIn(undefined)
    expect(await done).toMatchObject({ code: 'sign_in_cancelled' })
    await new Promise((resolve) => setTimeout(resolve, 4_500))
    expect(scene.asked('PUT')).toBe(polls)
  })

  test('throws away a token that arrives all the same', async () => {
    const scene = await begin()
    scene.stage.site.faults.inject(poll({ kind: 'delay', ms: 1_000 }))
    const done = refusal(scene.agent)
    await vi.waitFor(() => expect(scene.asked('PUT')).toBe(1), 20_000)
    scene.agent.cancelSignIn(undefined)
    await done
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(scene.stage.site.calls.get('asl:approve')).toBe(1)
    expect(scene.agent.status()).toMatchObject([{ state: 'signed_out', reason: 'sign_in_cancelled' }])
    expect(scene.stage.site.web.requests.filter(({ path }) => path.startsWith('/api/v1'))).toEqual([])
  })
})
