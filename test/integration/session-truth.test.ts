import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import type { PartialConfig } from '../../src/config/config.ts'
import { Secret } from '../../src/secrets/secret.ts'
import type { SiteStatus } from '../../src/session/changes.ts'
import { callRpc } from '../../src/shotgrid/json-rpc.ts'
import { methods } from '../../src/socket/messages.ts'
import { toWireStatus } from '../../src/socket/methods.ts'
import { type SiteStage, startSiteStage } from './site-stage.ts'
import { codeOf, nodeFetch, startWorld, TestClock, type World } from './world.ts'

/** Sessions the site itself has made: what is said of their end, and what is done about it. */
const [minute, hour] = [60_000, 3600_000]
let stage: SiteStage
let clock: TestClock
beforeAll(async () => {
  stage = await startSiteStage()
})
afterAll(() => stage.close())
beforeEach(async () => {
  await fetch(`${stage.site.url}/sandbox/reset`, { method: 'POST' })
  clock = new TestClock()
})

async function signedIn(session: PartialConfig['session'] = {}): Promise<Agent> {
  const agent = stage.agent('artist', 'legacy', { clock }, session)
  const done = agent.signIn(undefined)
  await expect.poll(() => agent.signInStep()?.kind, { interval: 5, timeout: 20_000 }).toBe('credentials')
  const passphrase = new Secret('legacy-passphrase')
  await agent.submitCredentials(undefined, { login: 'artist@studio.example', passphrase })
  await done
  stage.site.web.requests.length = 0
  return agent
}

/** Time passes, for the machine and the site alike. */
function pass(ms: number): void {
  clock.advance(ms)
  stage.site.clock.advance(ms)
}

const held = async (agent: Agent, minValidityMs = 5 * minute) => agent.session(undefined, minValidityMs, false)
const leftMs = (agent: Agent): number => (agent.status()[0]?.expiresAt ?? 0) - clock.now()
/** What the site was asked since the sign-in: `GET /internal_api/session`, without the folder. */
const asked = (): string[] =>
  stage.site.web.requests.map(({ method, path }) => `${method} ${path.replace(/^\/(internal_api|api\/v1)\//, '')}`)
const [read, push, use] = ['GET session', 'POST session', 'POST auth/access_token']
const pushLicence = 'POST autodesk_identity/license_renewal'

/** A tool uses the session. */
async function useIt(agent: Agent): Promise<void> {
  const { session } = await held(agent, 0)
  const caller = { kind: 'session', sessionToken: session.sessionToken } as const
  await callRpc(nodeFetch, stage.site.url, caller, {
    ...{ method: 'preferences_read', params: { prefs: [] }, signal: AbortSignal.timeout(5_000) },
  })
  stage.site.web.requests.length = 0
}

describe('the end of a session', () => {
  test('is the site’s own, to the second and never later', async () => {
    stage.site.switches.sessionWindowS = 3600
    const agent = await signedIn()
    expect(agent.status()).toMatchObject([{ expiry: 'exact' }])
    const [atSite] = stage.site.sessions()
    const later = (agent.status()[0]?.expiresAt ?? 0) - (atSite?.expiresAtS ?? 0) * 1000
    expect(later).toBeLessThanOrEqual(0)
    expect(later).toBeGreaterThan(-5_000)
  })

  test('is read without moving it', async () => {
    const agent = await signedIn()
    pass(hour)
    const before = stage.site.sessions()[0]?.expiresAtS
    const { generation } = await held(agent)
    await agent.reportRejected(undefined, generation)
    await agent.signOut(undefined)
    expect(asked()).toEqual([read, read])
    expect(stage.site.sessions()[0]?.expiresAtS).toBe(before)
  })

  test.each([3, -3])('is right on a machine whose clock is %i hours off', async (hours) => {
    stage.site.switches.sessionWindowS = 3600
    stage.site.clock.advance(hours * hour)
    const agent = await signedIn()
    expect(leftMs(agent)).toBeLessThanOrEqual(hour)
    expect(leftMs(agent)).toBeGreaterThan(hour - 5_000)
  })

  test('is an estimate, labelled so, where the site does not tell: the shortest a site can be set to', async () => {
    stage.site.switches.sessionEndpoint = false
    const agent = await signedIn()
    expect(agent.status()).toMatchObject([{ expiry: 'estimated' }])
    expect((await held(agent)).session.expiry).toBe('estimated')
    expect(leftMs(agent)).toBeLessThanOrEqual(55 * minute)
  })

  test.each([
    ['does not answer', { kind: 'status', status: 503 }],
    ['answers with its sign-in page', { kind: 'html' }],
    ['leads to its sign-in', { kind: 'status', status: 302 }],
    ['says it knows no such session, though its API does', { kind: 'status', status: 401, body: '{}' }],
    ['tells something else', { kind: 'status', status: 200, body: '{"app":{}}' }],
  ] as const)('is an estimate where that undocumented call %s', async (_what, does) => {
    stage.site.faults.inject({ path: '/internal_api/session', does })
    const agent = await signedIn()
    expect(agent.status()).toMatchObject([{ state: 'signed_in', expiry: 'estimated' }])
    pass(54 * minute)
    await held(agent)
    expect(leftMs(agent)).toBeGreaterThan(50 * minute)
  })

  test.each([1e15, 1e300, 1.7e308])(
    'so far away that no calendar holds it (%f) leaves every answer whole',
    async (expiresAt) => {
      const agent = await signedIn()
      const body = JSON.stringify({ app: { expiresAt } })
      stage.site.faults.inject({ path: '/internal_api/session', does: { kind: 'status', status: 200, body } })
      const { leftAtSite } = await agent.signOut(undefined)
      stage.site.faults.clear()
      expect(leftAtSite?.until).toBeGreaterThan(clock.now())
      expect(new Date(leftAtSite?.until ?? Number.NaN).getTime()).toBeLessThan(clock.now() + 367 * 24 * hour)
      const wire = methods.status.result.shape.sites.element.safeParse(toWireStatus(agent.status()[0] as SiteStatus))
      expect(wire.error).toBeUndefined()
    },
  )

  test('is an estimate where the date beside it is not the site’s clock, and costs nobody the sign-in', async () => {
    const expiresAt = clock.now() / 1000 + 3600
    stage.site.faults.inject({
      path: '/internal_api/session',
      does: {
        ...{ kind: 'status', status: 200, body: JSON.stringify({ app: { expiresAt } }) },
        headers: { date: new Date(clock.now() + 24 * hour).toUTCString() },
      },
    })
    const agent = await signedIn()
    expect(agent.status()).toMatchObject([{ state: 'signed_in', expiry: 'estimated' }])
    expect(await agent.reportRejected(undefined, undefined)).toMatchObject({ state: 'signed_in' })
    stage.site.faults.clear()
  })

  test('is that of the licence lease where that ends before the session', async () => {
    stage.site.switches.sessionWindowS = 7 * 24 * 3600
    const agent = await signedIn()
    expect((await agent.signOut(undefined)).leftAtSite).toMatchObject({ expiry: 'exact' })
    const leftAtSiteMs = (agent.status()[0]?.leftAtSite?.until ?? 0) - clock.now()
    expect(leftAtSiteMs).toBeLessThanOrEqual(24 * hour)
    expect(leftAtSiteMs).toBeGreaterThan(23 * hour)
  })

  test('is for good where the site says so, and no renewal is tried past it', async () => {
    stage.site.switches.sessionWindowS = 3600
    stage.site.switches.sessionCapS = 90 * 60
    const agent = await signedIn()
    expect((agent.status()[0]?.signInEndsAt ?? 0) - clock.now()).toBeLessThanOrEqual(90 * minute)
    pass(56 * minute)
    await held(agent)
    expect(asked()).toEqual([read, push, read])
    expect(leftMs(agent)).toBeLessThanOrEqual(34 * minute)
    pass(31 * minute)
    await held(agent)
    expect(asked().slice(3)).toEqual([read])
    pass(4 * minute)
    expect(await codeOf(held(agent))).toBe('session_ended')
    expect(agent.status()).toMatchObject([{ state: 'signed_out', reason: 'session_ended' }])
  })
})

describe('a session near its end', () => {
  beforeEach(() => {
    stage.site.switches.sessionWindowS = 3600
  })

  test('is pushed back when somebody asks, and never by itself', async () => {
    const agent = await signedIn()
    const { generation, session } = await held(agent)
    pass(56 * minute)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(asked()).toEqual([])
    const renewed = await held(agent)
    expect(asked()).toEqual([read, push, read])
    expect(leftMs(agent)).toBeGreaterThan(59 * minute)
    expect(renewed.generation).toBe(generation)
    expect(renewed.session.sessionToken).toBe(session.sessionToken)
  })

  test('is only looked at when others have used it since', async () => {
    const agent = await signedIn()
    pass(30 * minute)
    await useIt(agent)
    pass(26 * minute)
    await held(agent)
    expect(asked()).toEqual([read])
    expect(leftMs(agent)).toBeGreaterThan(33 * minute)
    expect(leftMs(agent)).toBeLessThanOrEqual(34 * minute)
  })

  test('is used where the site does not tell, which pushes it back', async () => {
    stage.site.switches.sessionEndpoint = false
    const agent = await signedIn()
    pass(52 * minute)
    await held(agent)
    expect(asked()).toEqual([read, use, read])
    expect(leftMs(agent)).toBeGreaterThan(54 * minute)
    expect(stage.site.sessions()[0]?.expiresAtS).toBeGreaterThan(stage.site.clock.nowS() + 59 * 60)
  })

  test('is pushed back by use where the call for it is broken', async () => {
    const agent = await signedIn()
    pass(56 * minute)
    stage.site.faults.inject({ method: 'POST', path: '/internal_api/session', does: { kind: 'status', status: 500 } })
    await held(agent)
    expect(asked()).toEqual([read, push, use, read])
    expect(leftMs(agent)).toBeGreaterThan(59 * minute)
  })

  test('whose licence lease has ended gets a new one', async () => {
    const agent = await signedIn()
    pass(56 * minute)
    await endLicences()
    await held(agent)
    expect(asked()).toEqual([read, pushLicence, read])
    expect(leftMs(agent)).toBeGreaterThan(59 * minute)
  })

  test('whose licence lease ends for good has ended', async () => {
    const agent = await signedIn()
    pass(56 * minute)
    await endLicences()
    stage.site.faults.inject({
      ...{
        path: '/internal_api/autodesk_identity',
        does: { kind: 'status', status: 403, body: '{"message":"No seat"}' },
      },
    })
    expect(await codeOf(held(agent))).toBe('session_ended')
    expect(agent.status()).toMatchObject([{ state: 'signed_out', reason: 'session_ended' }])
  })

  test('that slept past its end is over at the first use', async () => {
    const agent = await signedIn()
    pass(61 * minute)
    expect(await codeOf(held(agent))).toBe('session_ended')
  })
})

async function endLicences(): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  await fetch(`${stage.site.url}/sandbox/sessions/expire`, { method: 'POST', headers, body: '{"licence":true}' })
}

describe('a tool that reports a refused session', () => {
  test('is answered by looking, once for thirty, and sees by the generation that the session is good', async () => {
    const agent = await signedIn()
    const { generation } = await held(agent)
    const answers = await Promise.all(Array.from({ length: 30 }, () => agent.reportRejected(undefined, generation)))
    expect(new Set(answers.map((answer) => answer.generation))).toEqual(new Set([generation]))
    expect(asked()).toEqual([read])
  })

  test('and reports it again has the site’s API asked, which has the last word', async () => {
    const agent = await signedIn()
    const { generation } = await held(agent)
    await agent.reportRejected(undefined, generation)
    await agent.reportRejected(undefined, generation)
    expect(asked()).toEqual([read, use])
    expect((await held(agent)).generation).toBe(generation)
    // The web app's own call still counts it down, the API takes it no more.
    await agent.reportRejected(undefined, generation)
    refuseByApi()
    expect(await codeOf(agent.reportRejected(undefined, generation))).toBe('session_ended')
  })

  test('which is the agent itself, asking for a REST bearer, has a session ended that the API refuses', async () => {
    const agent = await signedIn()
    refuseByApi()
    expect(await codeOf(agent.restToken(undefined))).toBe('session_ended')
    expect(agent.status()).toMatchObject([{ state: 'signed_out', reason: 'session_ended' }])
  })

  test('because of a sudo or a login of its own finds the session as it was', async () => {
    const agent = await signedIn()
    const { generation, session } = await held(agent)
    const caller = { kind: 'person', login: 'nobody', passphrase: new Secret('x') } as const
    const call = { method: 'preferences_read', params: {}, signal: AbortSignal.timeout(5_000) }
    await expect(callRpc(nodeFetch, stage.site.url, caller, call)).rejects.toMatchObject({ kind: 'authentication' })
    expect(await agent.reportRejected(undefined, generation)).toMatchObject({ state: 'signed_in', generation })
    expect((await held(agent)).session.sessionToken).toBe(session.sessionToken)
  })

  test('that the site has ended signs out, for all who report it', async () => {
    const agent = await signedIn()
    const { generation } = await held(agent)
    stage.site.expireSessions()
    const codes = await Promise.all(
      Array.from({ length: 30 }, () => codeOf(agent.reportRejected(undefined, generation))),
    )
    expect(new Set(codes)).toEqual(new Set(['session_ended']))
    expect(agent.status()).toMatchObject([{ state: 'signed_out', reason: 'session_ended' }])
  })

  test('of somebody who was disabled signs out', async () => {
    const agent = await signedIn()
    const headers = { 'content-type': 'application/json' }
    await fetch(`${stage.site.url}/sandbox/people/artist`, { method: 'PATCH', headers, body: '{"status":"dis"}' })
    expect(await codeOf(agent.reportRejected(undefined, undefined))).toBe('session_ended')
    expect(agent.status()).toMatchObject([{ state: 'signed_out' }])
  })
})

function refuseByApi(): void {
  const body = JSON.stringify({ errors: [{ code: 102, title: 'Can’t authenticate session token' }] })
  stage.site.faults.inject({ path: '/api/v1/auth', does: { kind: 'status', status: 400, body } })
}

describe('after a sign-out', () => {
  test('the site is asked how long it keeps the session, whatever the day’s end here was', async () => {
    const agent = await signedIn({ maxAgeHours: 2 })
    expect(leftMs(agent)).toBeLessThanOrEqual(2 * hour)
    const { leftAtSite } = await agent.signOut(undefined)
    expect(leftAtSite?.expiry).toBe('exact')
    expect((leftAtSite?.until ?? 0) - clock.now()).toBeGreaterThan(23 * hour)
    expect(leftAtSite?.advice).toContain('an administrator can disable the user')
    expect(stage.site.sessions()).toMatchObject([{ ended: false }])
  })

  test('what others have used since counts', async () => {
    stage.site.switches.sessionWindowS = 3600
    const agent = await signedIn()
    pass(50 * minute)
    await useIt(agent)
    const { leftAtSite } = await agent.signOut(undefined)
    expect((leftAtSite?.until ?? 0) - clock.now()).toBeGreaterThan(59 * minute)
  })

  test('where the site does not tell, that is said', async () => {
    stage.site.switches.sessionEndpoint = false
    const agent = await signedIn()
    const { leftAtSite } = await agent.signOut(undefined)
    expect(leftAtSite).toMatchObject({
      expiry: 'estimated',
      advice: expect.stringContaining('an hour, a day or a week'),
    })
  })

  test('a session the site has ended is not spoken of', async () => {
    const agent = await signedIn()
    stage.site.expireSessions()
    expect(await agent.signOut(undefined)).not.toHaveProperty('leftAtSite')
  })

  test('a site that hangs holds nobody up for longer than three seconds', async () => {
    const agent = await signedIn()
    stage.site.faults.inject({ path: '/internal_api', does: { kind: 'delay', ms: 20_000 } })
    const startedMs = performance.now()
    expect((await agent.signOut(undefined)).leftAtSite).toMatchObject({ expiry: 'estimated' })
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    stage.site.faults.clear()
  })
})

describe('a session from the broker', () => {
  let world: World
  let agent: Agent
  beforeAll(async () => {
    world = await startWorld({ broker: { sessionLifetimeS: 7200 } })
  })
  afterAll(() => world.close())
  const signIn = async (): Promise<void> => {
    agent = world.agent('artist', { clock })
    await agent.signIn(undefined)
  }
  const left = (): number => (agent.status()[0]?.expiresAt ?? 0) - clock.now()

  test('ends when the site says, where that is sooner than the broker says', async () => {
    world.site.switches.sessionWindowS = 3600
    await signIn()
    expect(agent.status()).toMatchObject([{ expiry: 'exact', obtainedBy: 'broker' }])
    expect(left()).toBeLessThanOrEqual(hour)
    expect(left()).toBeGreaterThan(hour - 10_000)
  })

  test('ends when the broker says, where that is sooner: an estimate', async () => {
    world.site.switches.sessionWindowS = 24 * 3600
    await signIn()
    expect(agent.status()).toMatchObject([{ expiry: 'estimated' }])
    expect(left()).toBeLessThanOrEqual(2 * hour)
    expect(left()).toBeGreaterThan(2 * hour - 10_000)
    // What is left after a sign-out is the site's to say all the same.
    const { leftAtSite } = await agent.signOut(undefined)
    expect(leftAtSite?.expiry).toBe('exact')
    expect((leftAtSite?.until ?? 0) - clock.now()).toBeGreaterThan(23 * hour)
  })

  test.each([
    ['there', true],
    ['gone', false],
  ])('is what the broker says where the site’s own call is broken or %s', async (_what, sessionEndpoint) => {
    world.site.switches.sessionEndpoint = sessionEndpoint
    if (sessionEndpoint) world.site.faults.inject({ path: '/internal_api', does: { kind: 'status', status: 500 } })
    await signIn()
    expect(agent.status()).toMatchObject([{ state: 'signed_in', expiry: 'estimated' }])
    world.site.faults.clear()
    world.site.switches.sessionEndpoint = true
  })

  test('that is reported is looked at without using it', async () => {
    await signIn()
    const { generation } = await held(agent)
    world.site.web.requests.length = 0
    expect(await agent.reportRejected(undefined, generation)).toMatchObject({ generation })
    expect(world.site.web.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /internal_api/session',
    ])
  })
})
