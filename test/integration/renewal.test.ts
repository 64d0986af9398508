import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import type { Fetch } from '../../src/ports.ts'
import { codeOf, startWorld, TestClock, type World } from './world.ts'

/** The site's sessions last an hour here, and the agent's clock is ours. */
let world: World
let clock: TestClock
beforeAll(async () => {
  world = await startWorld({ broker: { sessionLifetimeS: 3600 } })
})
afterAll(() => world.close())
afterEach(() => {
  world.site.faults.clear()
  world.identity.faults.clear()
  Object.assign(world.identity.switches, {
    refreshReturnsIdToken: false,
    refreshRotates: 'kill-family',
    refreshGraceMs: 0,
    throttled: false,
  })
  Object.assign(world.site.switches, { sudoSessionOwner: 'human' })
})

const minute = 60_000
const refreshes = (): number => world.identity.calls.get('token:refresh_token') ?? 0
const sessionsMade = (): number => world.site.calls.get('get_session_token') ?? 0

async function signedIn(): Promise<Agent> {
  clock = new TestClock()
  const agent = world.agent('artist', { clock })
  await agent.signIn(undefined)
  return agent
}

async function tokenOf(agent: Agent): Promise<string> {
  return (await agent.session(undefined, 5 * minute, false)).session.sessionToken.reveal()
}

describe('near the end of the session', () => {
  test('thirty who ask get one renewal: one refresh at Autodesk, one session at the site', async () => {
    const agent = await signedIn()
    const before = await tokenOf(agent)
    const [r, s] = [refreshes(), sessionsMade()]
    clock.advance(58 * minute)
    const tokens = await Promise.all(Array.from({ length: 30 }, () => tokenOf(agent)))
    expect(new Set(tokens).size).toBe(1)
    expect(tokens[0]).not.toBe(before)
    expect([refreshes() - r, sessionsMade() - s]).toEqual([1, 1])
  })

  test.each([true, false])(
    'it renews with what Autodesk sends: an ID token along with a refresh: %s',
    async (refreshReturnsIdToken) => {
      world.identity.switches.refreshReturnsIdToken = refreshReturnsIdToken
      const agent = await signedIn()
      const introspections = world.identity.calls.get('introspect') ?? 0
      for (let renewal = 0; renewal < 3; renewal += 1) {
        const before = await tokenOf(agent)
        clock.advance(58 * minute)
        expect(await tokenOf(agent)).not.toBe(before)
      }
      // An access token is judged by asking Autodesk, an ID token by its signature.
      expect((world.identity.calls.get('introspect') ?? 0) - introspections).toBe(refreshReturnsIdToken ? 0 : 3)
    },
  )

  test('the next refresh token is kept even if the rest of the answer cannot be trusted', async () => {
    world.identity.switches.refreshReturnsIdToken = true
    const agent = await signedIn()
    clock.advance(58 * minute)
    // The ID token's signature cannot be checked once: the refresh counts as failed, but its refresh token was adopted.
    world.identity.faults.inject({ path: '/authentication/v2/keys', times: 1, does: { kind: 'status', status: 500 } })
    const before = await tokenOf(agent)
    clock.advance(3_000)
    expect(await tokenOf(agent)).not.toBe(before)
  })

  test('a lost answer of Autodesk is asked for once more, and within its grace nothing is lost', async () => {
    world.identity.switches.refreshGraceMs = 5_000
    const agent = await signedIn()
    clock.advance(58 * minute)
    world.identity.faults.inject({ path: '/authentication/v2/token', times: 1, does: { kind: 'lost-reply' } })
    const r = refreshes()
    const before = await tokenOf(agent).catch(() => '')
    expect(before).not.toBe('')
    expect(refreshes() - r).toBe(2)
    clock.advance(58 * minute)
    expect(await tokenOf(agent)).not.toBe(before)
  })

  test('a lost answer without grace ends the sign-in with the session, not before', async () => {
    const agent = await signedIn()
    const before = await tokenOf(agent)
    clock.advance(58 * minute)
    world.identity.faults.inject({ path: '/authentication/v2/token', times: 1, does: { kind: 'lost-reply' } })
    expect(await tokenOf(agent)).toBe(before)
    clock.advance(2 * minute)
    expect(await codeOf(tokenOf(agent))).toBe('login_required')
  })

  test('a network that is down keeps the session and the refresh token', async () => {
    const agent = await signedIn()
    const before = await tokenOf(agent)
    clock.advance(58 * minute)
    world.identity.faults.inject({ path: '/authentication/v2/token', does: { kind: 'status', status: 503 } })
    expect(await tokenOf(agent)).toBe(before)
    expect(agent.status()).toMatchObject([{ state: 'signed_in', problem: 'identity_unreachable' }])
    clock.advance(3 * minute)
    expect(await codeOf(tokenOf(agent))).toBe('identity_unreachable')
    world.identity.faults.clear()
    clock.advance(2_000)
    expect(await tokenOf(agent)).not.toBe(before)
  })

  test('a broker that is down keeps it too', async () => {
    const agent = await signedIn()
    const before = await tokenOf(agent)
    clock.advance(58 * minute)
    await world.stopBroker()
    expect(await tokenOf(agent)).toBe(before)
    clock.advance(3 * minute)
    expect(await codeOf(tokenOf(agent))).toBe('broker_unreachable')
    await world.restartBroker()
    clock.advance(2_000)
    expect(await tokenOf(agent)).not.toBe(before)
  })

  test('Autodesk’s refusal lets the session live to its end', async () => {
    const agent = await signedIn()
    const before = await tokenOf(agent)
    await world.identity.revokeAll('artist')
    clock.advance(58 * minute)
    expect(await tokenOf(agent)).toBe(before)
    expect(agent.status()).toMatchObject([{ state: 'signed_in', problem: 'identity_rejected' }])
    clock.advance(3 * minute)
    expect(await codeOf(tokenOf(agent))).toBe('login_required')
  })

  test('a person who was disabled meanwhile is signed out', async () => {
    const agent = await signedIn()
    const person = world.site.person('artist')
    clock.advance(58 * minute)
    await fetch(`${world.site.url}/sandbox/people/artist`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: '{"status":"dis"}',
    })
    expect(await codeOf(tokenOf(agent))).toBe('account_disabled')
    expect(agent.status()).toMatchObject([{ state: 'signed_out', reason: 'account_disabled' }])
    await fetch(`${world.site.url}/sandbox/people/artist`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: '{"status":"act"}',
    })
    expect(person.isActive).toBe(true)
  })

  test('a site that begins to make script sessions gives none away', async () => {
    const agent = await signedIn()
    const before = await tokenOf(agent)
    clock.advance(58 * minute)
    world.site.switches.sudoSessionOwner = 'script'
    expect(await tokenOf(agent)).toBe(before)
    expect(agent.status()).toMatchObject([{ problem: 'session_owner_mismatch' }])
  })
})

describe('a sign-out', () => {
  const revocations = (): number => world.identity.calls.get('revoke') ?? 0

  test('while a refresh is under way revokes what that brings home, and makes no session', async () => {
    world.identity.switches.refreshRotates = 'no-kill'
    clock = new TestClock()
    const brought: string[] = []
    const slowly: Fetch = async (url, init) => {
      const response = await fetch(url, init)
      if (String(init.body).includes('grant_type=refresh_token')) {
        brought.push(((await response.clone().json()) as { access_token: string }).access_token)
        await new Promise((resolve) => setTimeout(resolve, 300))
      }
      return response
    }
    const agent = world.agent('artist', { clock, fetch: slowly })
    await agent.signIn(undefined)
    clock.advance(58 * minute)
    const sessions = sessionsMade()
    const asked = codeOf(tokenOf(agent))
    await expect.poll(() => brought).toHaveLength(1)
    await agent.signOut(undefined)
    expect(await asked).toBe('login_required')
    const asOwner = { headers: { authorization: `Bearer ${brought[0]}` } }
    await expect.poll(async () => (await fetch(world.identity.userinfoUrl, asOwner)).status).toBe(401)
    expect(sessionsMade()).toBe(sessions)
  })

  test('tries the access token even if the refresh token cannot be revoked', async () => {
    const agent = await signedIn()
    const before = revocations()
    world.identity.faults.inject({ path: '/authentication/v2/revoke', times: 1, does: { kind: 'status', status: 500 } })
    await agent.signOut(undefined)
    expect(revocations()).toBe(before + 1)
  })

  test('leaves nothing to a REST bearer that was under way', async () => {
    const agent = await signedIn()
    world.site.faults.inject({ path: '/api/v1/auth', times: 1, does: { kind: 'delay', ms: 200 } })
    const bearer = codeOf(agent.restToken(undefined))
    await new Promise((resolve) => setTimeout(resolve, 50))
    await agent.signOut(undefined)
    expect(await bearer).toBe('login_required')
  })
})

describe('a session that the site ended early', () => {
  test('is checked once and renewed once for thirty who report it', async () => {
    const agent = await signedIn()
    const { generation, session } = await agent.session(undefined, 0, false)
    world.site.expireSessions({ login: 'artist@studio.example' })
    const [s, checks] = [
      sessionsMade(),
      world.site.web.requests.filter(({ path }) => path === '/api/v1/auth/access_token').length,
    ]
    await Promise.all(Array.from({ length: 30 }, () => agent.reportRejected(undefined, generation)))
    expect(sessionsMade() - s).toBe(1)
    const grants = world.site.web.requests.filter(({ path }) => path === '/api/v1/auth/access_token').length - checks
    // The check that was refused, the broker's question whose the new session is, and the agent's own.
    expect(grants).toBe(3)
    expect(await tokenOf(agent)).not.toBe(session.sessionToken.reveal())
  })

  test('is found out by asking for a REST bearer, and renewed behind it', async () => {
    const agent = await signedIn()
    const before = await tokenOf(agent)
    world.site.expireSessions({ login: 'artist@studio.example' })
    const { accessToken } = await agent.restToken(undefined)
    expect(accessToken.reveal().split('.')).toHaveLength(3)
    expect(await tokenOf(agent)).not.toBe(before)
  })

  test('that was not ended after all is kept', async () => {
    const agent = await signedIn()
    const before = await tokenOf(agent)
    await agent.reportRejected(undefined, undefined)
    expect(await tokenOf(agent)).toBe(before)
  })
})

describe('the working day', () => {
  test('ends the sign-in after twelve hours, renewals or not', async () => {
    const agent = await signedIn()
    for (let hour = 0; hour < 11; hour += 1) {
      clock.advance(60 * minute)
      await tokenOf(agent)
    }
    clock.advance(60 * minute)
    expect(await codeOf(tokenOf(agent))).toBe('login_required')
  })

  test('a clock set back by two hours does not lengthen a session', async () => {
    const agent = await signedIn()
    const before = await tokenOf(agent)
    clock.advance(30 * minute)
    clock.jump(-120 * minute)
    clock.advance(31 * minute)
    expect(await tokenOf(agent)).not.toBe(before)
  })

  test('a night of sleep ends it at the first use', async () => {
    const agent = await signedIn()
    clock.jump(13 * 60 * minute)
    expect(await codeOf(tokenOf(agent))).toBe('login_required')
  })
})
