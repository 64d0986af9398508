import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Agent } from '../../src/agent.ts'
import { mergeConfig, type PartialConfig } from '../../src/config/config.ts'
import type { OpenBrowser } from '../../src/ports.ts'
import { PassedSecrets } from '../../src/secrets/passed-secrets.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { Keychain } from './keychain.ts'
import { type SiteStage, startSiteStage } from './site-stage.ts'
import { codeOf, nodeFetch, rules, silentLog, startWorld, TestClock, type World } from './world.ts'

const noBrowser: OpenBrowser = () => Promise.reject(new Error('nobody signs in again'))
const tokenOf = async (agent: Agent): Promise<string> =>
  (await agent.session(undefined, 0, false)).session.sessionToken.reveal()

/** As between two processes: what is said goes as text, and each has secrets of its own. */
async function passOn(before: Agent, after: Agent): Promise<string[]> {
  const secrets = new PassedSecrets()
  const text = JSON.stringify(await before.passOn(secrets.put))
  for (const secret of secrets.all) expect(text).not.toContain(secret.reveal())
  const copies = new PassedSecrets(secrets.all.map((secret) => secret.copy()))
  return after.goOn(JSON.parse(text), copies.take)
}

describe('a session through the broker', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ agentIdentity: { serveAccessToken: true } })
  })
  afterAll(() => world.close())
  beforeEach(() => {
    world.site.faults.clear()
    world.identity.faults.clear()
  })
  const calls = (name: string): number => world.identity.calls.get(name) ?? 0
  const next = (ports: object = {}, session: PartialConfig['session'] = {}, identity: PartialConfig['identity'] = {}) =>
    world.agent('artist', { openBrowser: noBrowser, ...ports }, session, identity)

  test('goes on in the next process as it was, is renewed there, and signed out there', async () => {
    const before = world.agent('artist')
    await before.signIn(undefined)
    const autodesk = (await before.autodeskToken(undefined, 0)).accessToken.reveal()
    const [status] = before.status()
    const after = next()
    expect(await passOn(before, after)).toEqual([world.site.url])
    const revoked = calls('revoke')
    await before.letGo([world.site.url])
    expect(calls('revoke')).toBe(revoked)
    expect(await codeOf(tokenOf(before))).toBe('login_required')

    expect(after.status()).toEqual([{ ...status, signInEndsAt: expect.closeTo(status?.signInEndsAt ?? 0, -2) }])
    const token = await tokenOf(after)
    expect((await after.autodeskToken(undefined, 0)).accessToken.reveal()).toBe(autodesk)
    const refreshed = calls('token:refresh_token')
    world.site.expireSessions()
    await after.reportRejected(undefined, status?.generation)
    expect(await tokenOf(after)).not.toBe(token)
    expect(calls('token:refresh_token')).toBe(refreshed + 1)
    await after.signOut(undefined)
    // The refresh token, the newest access token, and the one that a tool had before it.
    expect(calls('revoke')).toBe(revoked + 3)
  })

  test('is not passed on while its refresh token is being used up, also where nobody waits for it any more', async () => {
    const clock = new TestClock()
    const before = world.agent('artist', { clock })
    await before.signIn(undefined)
    const first = (await before.autodeskToken(undefined, 0)).accessToken.reveal()
    // Less than half of its hour is left: a tool that wants more has it refreshed, and gets this one where that takes long.
    clock.advance(40 * 60_000)
    world.identity.faults.inject({ path: '/authentication/v2/token', times: 1, does: { kind: 'delay', ms: 5_000 } })
    const { accessToken } = await before.autodeskToken(undefined, 45 * 60_000)
    expect(accessToken.reveal()).toBe(first)
    expect(before.isBusy).toBe(true)
    await before.whenIdle(AbortSignal.timeout(20_000))
    const after = next({ clock })
    await passOn(before, after)
    await before.letGo([world.site.url])
    world.site.expireSessions()
    await after.reportRejected(undefined, undefined)
    expect(after.status()).toMatchObject([{ state: 'signed_in', reason: 'renewed' }])
    await after.signOut(undefined)
  })

  test('is wiped where another process goes on with it, also while the disk hangs', async () => {
    const before = world.agent('artist')
    await before.signIn(undefined)
    const { sessionToken } = (await before.session(undefined, 0, false)).session
    before.consent.close = () => new Promise(() => undefined)
    const gone = before.letGo([world.site.url])
    await expect.poll(() => codeOf(before.session(undefined, 0, false))).toBe('login_required')
    expect(() => sessionToken.reveal()).toThrow()
    await gone
    await before.close()
  })

  test('stays the one that a later start may resume, and is forgotten by a sign-out', async () => {
    const keychain = new Keychain()
    const remembering = { rememberSignIn: true }
    const before = world.agent('artist', { secretStore: keychain }, remembering)
    await before.signIn(undefined)
    const after = next({ secretStore: keychain }, remembering)
    await passOn(before, after)
    await before.letGo([world.site.url])
    expect(keychain.content.size).toBe(1)
    await after.close()
    expect(keychain.content.size).toBe(1)
    const later = next({ secretStore: keychain }, remembering)
    await later.resume()
    expect(later.status()).toMatchObject([{ state: 'signed_in', reason: 'resumed' }])
    await later.signOut(undefined)
    expect(keychain.content.size).toBe(0)
  })

  test('is left alone where the configuration is of another Autodesk app or broker by now; then the process before ends it', async () => {
    const before = world.agent('artist')
    await before.signIn(undefined)
    expect(await passOn(before, next({}, {}, { clientId: 'other-app' }))).toEqual([])
    const content: PartialConfig = {
      sites: [{ url: world.site.url, broker: 'http://127.0.0.1:1' }],
      identity: { issuer: world.identity.issuer, clientId: 'sg-session-tray', redirectPorts: [...world.redirectPorts] },
    }
    const { config } = mergeConfig([{ source: 'settings', file: 'settings.json', content }], rules)
    const ports = { fetch: nodeFetch, clock: systemClock, log: silentLog, openBrowser: noBrowser }
    const elsewhere = new Agent(config, ports, rules)
    expect(await passOn(before, elsewhere)).toEqual([])
    expect(elsewhere.status()).toMatchObject([{ state: 'signed_out' }])
    const revoked = calls('revoke')
    await before.letGo([])
    expect(calls('revoke')).toBe(revoked + 2)
    await elsewhere.close()
  })

  test('what is not of the form is not taken, and names no secret in its refusal', async () => {
    const before = world.agent('artist')
    await before.signIn(undefined)
    const secrets = new PassedSecrets()
    const { sites } = await before.passOn(secrets.put)
    const good = sites[world.site.url] as object
    const taking = async (one: unknown): Promise<string[]> => {
      const copies = new PassedSecrets(secrets.all.map((secret) => secret.copy()))
      return next().goOn({ sites: { [world.site.url]: one } }, copies.take)
    }
    const wrong = [
      null,
      {},
      { ...good, token: 99 },
      { ...good, userId: 'x' },
      { ...good, renewal: {} },
      { ...good, expiresAt: -1 },
    ]
    for (const one of wrong) expect(await taking(one)).toEqual([])
    expect(await taking(good)).toEqual([world.site.url])
    await expect(next().goOn({ sites: 1 }, secrets.take)).rejects.toThrow()
  })
})

describe('a session that the site itself has made', () => {
  let stage: SiteStage
  beforeAll(async () => {
    stage = await startSiteStage()
  })
  afterEach(() => stage.site.clock.reset())
  afterAll(() => stage.close())

  test('goes on too, and is kept going there', async () => {
    const before = stage.agent('artist', 'web')
    await before.signIn(undefined)
    const after = stage.agent('artist', 'web', { openBrowser: noBrowser })
    expect(await passOn(before, after)).toEqual([stage.site.url])
    const token = await tokenOf(before)
    await before.letGo([stage.site.url])
    expect(await tokenOf(after)).toBe(token)
    await after.reportRejected(undefined, undefined)
    expect(after.status()).toMatchObject([{ state: 'signed_in', obtainedBy: 'web' }])
    stage.site.expireSessions()
    await after.reportRejected(undefined, undefined).catch(() => undefined)
    await after.reportRejected(undefined, undefined).catch(() => undefined)
    expect(after.status()).toMatchObject([{ state: 'signed_out', reason: 'session_ended' }])
  })

  test('not where another way in is configured by now', async () => {
    const before = stage.agent('artist', 'web')
    await before.signIn(undefined)
    expect(await passOn(before, stage.agent('artist', 'legacy'))).toEqual([])
  })
})
