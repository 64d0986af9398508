import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import type { Fetch } from '../../src/ports.ts'
import { codeOf, nodeFetch, startWorld, TestClock, type World } from './world.ts'

let world: World
let opened: URL[]
let agent: Agent
beforeAll(async () => {
  world = await startWorld({ broker: { sessionLifetimeS: 3600 } })
})
afterAll(() => world.close())
afterEach(() => agent.signOut(undefined))

const minute = 60_000

/** A network that stops before, or after, the first request that `isIt` names, until `goOn`. */
function stopAt(isIt: (url: string, body: string) => boolean, when: 'before' | 'after') {
  let stopped = false
  let goOn: () => void = () => undefined
  const going = new Promise<void>((resolve) => {
    goOn = resolve
  })
  let reached: () => void = () => undefined
  const there = new Promise<void>((resolve) => {
    reached = resolve
  })
  const revoked: string[] = []
  const fetch: Fetch = async (url, init) => {
    const body = String(init.body ?? '')
    if (url.includes('revoke')) revoked.push(new URLSearchParams(body).get('token') ?? '')
    const isThis = !stopped && isIt(url, body)
    if (isThis) stopped = true
    const wait = async (): Promise<void> => {
      reached()
      await Promise.race([going, aborted(init.signal)])
    }
    if (isThis && when === 'before') await wait()
    const response = await nodeFetch(url, init)
    if (isThis && when === 'after') await wait()
    return response
  }
  return { fetch, there, goOn, revoked }
}

function aborted(signal: AbortSignal | null | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
}

function makeAgent(fetch: Fetch, clock = new TestClock(), person = () => 'artist'): Agent {
  opened = []
  const openBrowser = async (url: URL): Promise<void> => {
    opened.push(url)
    await world.browserOf(person())(url)
  }
  return world.agent('artist', { fetch, clock, openBrowser })
}

describe('while something is under way', () => {
  test('someone else signs in: a REST bearer of the person before is not handed out', async () => {
    let person = 'artist'
    const net = stopAt((url) => url.endsWith('/api/v1/auth/access_token'), 'after')
    let mayStop = false
    const fetch: Fetch = (url, init) => (mayStop ? net.fetch(url, init) : nodeFetch(url, init))
    agent = makeAgent(fetch, new TestClock(), () => person)
    await agent.signIn(undefined)
    mayStop = true
    const asked = agent.restToken(undefined)
    await net.there
    person = 'supervisor'
    const now = await agent.signIn(undefined, { switchUser: true })
    net.goOn()
    const [, claims = ''] = (await asked).accessToken.reveal().split('.')
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString()).user.id).toBe(now.userId)
  })

  test('the artist signs out: who waited with interactive=true does not sign them in again', async () => {
    const clock = new TestClock()
    const net = stopAt((_url, body) => body.includes('grant_type=refresh_token'), 'before')
    agent = makeAgent(net.fetch, clock)
    await agent.signIn(undefined)
    clock.advance(61 * minute)
    const asked = codeOf(agent.session(undefined, 0, true))
    await net.there
    const out = agent.signOut(undefined)
    net.goOn()
    await out
    expect(await asked).toBe('login_required')
    expect(opened).toHaveLength(1)
    expect(agent.status()[0]?.state).toBe('signed_out')
  })

  test('they ask for another account before the first sign-in reached the browser: it is asked for', async () => {
    const net = stopAt((url) => url.includes('oauth-authorization-server'), 'before')
    agent = makeAgent(net.fetch)
    const first = codeOf(agent.signIn(undefined))
    await net.there
    const second = agent.signIn(undefined, { switchUser: true })
    net.goOn()
    expect(await first).toBe('sign_in_cancelled')
    await second
    expect(opened.map((url) => url.searchParams.get('prompt'))).toEqual(['login'])
  })

  test('they cancel: no browser opens afterwards', async () => {
    const net = stopAt((url) => url.endsWith('/challenge'), 'after')
    agent = makeAgent(net.fetch)
    const asked = codeOf(agent.signIn(undefined))
    await net.there
    agent.cancelSignIn(undefined)
    net.goOn()
    expect(await asked).toBe('sign_in_cancelled')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(opened).toEqual([])
  })

  test('they cancel while the ID token is checked: the tokens that came are revoked', async () => {
    const net = stopAt((url) => url.includes('/keys'), 'before')
    agent = makeAgent(net.fetch)
    const asked = codeOf(agent.signIn(undefined))
    await net.there
    agent.cancelSignIn(undefined)
    expect(await asked).toBe('sign_in_cancelled')
    await expect.poll(() => net.revoked.length).toBe(2)
  })

  test('they sign out while a refreshed ID token is checked: the new access token is revoked', async () => {
    world.identity.switches.refreshReturnsIdToken = true
    const clock = new TestClock()
    let refreshed = ''
    let mayStop = false
    const net = stopAt((url) => mayStop && url.includes('/keys'), 'before')
    const fetch: Fetch = async (url, init) => {
      const response = await net.fetch(url, init)
      if (String(init.body ?? '').includes('grant_type=refresh_token')) {
        refreshed = ((await response.clone().json()) as { access_token: string }).access_token
      }
      return response
    }
    agent = makeAgent(fetch, clock)
    await agent.signIn(undefined)
    clock.advance(58 * minute)
    mayStop = true
    const asked = codeOf(agent.session(undefined, 5 * minute, false))
    await net.there
    await agent.signOut(undefined)
    net.goOn()
    expect(await asked).toBe('login_required')
    await expect.poll(() => net.revoked).toContain(refreshed)
    world.identity.switches.refreshReturnsIdToken = false
  })
})
