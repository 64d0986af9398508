import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import { Keychain } from './keychain.ts'
import { minute, pause, ResumeStage, tokenOf, withSlowRefresh } from './resume-stage.ts'
import { codeOf } from './world.ts'

let stage: ResumeStage
beforeAll(async () => {
  stage = await ResumeStage.open()
})
afterAll(() => stage.world.close())
beforeEach(() => stage.reset())
afterEach(() => expect(stage.noBrowser).not.toHaveBeenCalled())

describe('a refusal is final: what was remembered is deleted', () => {
  test('Autodesk’s, when the sign-in was ended there', async () => {
    await stage.firstRun().signIn(undefined)
    await stage.world.identity.revokeAll('artist')
    const next = stage.nextRun()
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_out' }])
    await stage.untilForgotten()
  })

  test('Autodesk’s, at a renewal', async () => {
    const first = stage.firstRun()
    await first.signIn(undefined)
    await stage.world.identity.revokeAll('artist')
    stage.clock.advance(58 * minute)
    await tokenOf(first)
    expect(first.status()).toMatchObject([{ state: 'signed_in', problem: 'identity_rejected' }])
    await stage.untilForgotten()
  })

  test('the broker’s, when the person was disabled meanwhile; Autodesk’s tokens are revoked', async () => {
    const setStatus = (status: string) =>
      fetch(`${stage.world.site.url}/sandbox/people/artist`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ status }),
      })
    await stage.firstRun().signIn(undefined)
    await setStatus('dis')
    const revocations = stage.calls('revoke')
    const next = stage.nextRun()
    await next.resume()
    await setStatus('act')
    expect(next.status()).toMatchObject([{ state: 'signed_out' }])
    expect(stage.keychain.content.size).toBe(0)
    expect(stage.calls('revoke')).toBe(revocations + 2)
  })

  test('our own, when the session would be somebody else’s', async () => {
    await stage.firstRun().signIn(undefined)
    const [[name, text] = ['', '']] = stage.keychain.content
    stage.keychain.content.set(name, JSON.stringify({ ...JSON.parse(text), user: 999_999 }))
    const next = stage.nextRun()
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_out' }])
    expect(stage.keychain.content.size).toBe(0)
  })

  test.each([
    ['what was stored is damaged', () => '{"v":1'],
    ['its key is damaged', (text: string) => JSON.stringify({ ...JSON.parse(text), key: '{}' })],
  ])('%s', async (_name, damage) => {
    await stage.firstRun().signIn(undefined)
    const [[name, text] = ['', '']] = stage.keychain.content
    stage.keychain.content.set(name, damage(text))
    const next = stage.nextRun()
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_out' }])
    expect(stage.keychain.content.size).toBe(0)
  })

  test('our own, when another broker is configured meanwhile: it hears nothing of the sign-in', async () => {
    await stage.firstRun().signIn(undefined)
    const [[name, text] = ['', '']] = stage.keychain.content
    const { token } = stage.keychain.only
    stage.keychain.content.set(name, JSON.stringify({ ...JSON.parse(text), broker: 'https://other.example' }))
    const refreshes = stage.calls('token:refresh_token')
    await stage.nextRun().resume()
    expect(stage.keychain.content.size).toBe(0)
    expect(stage.calls('token:refresh_token')).toBe(refreshes)
    expect(await stage.isAlive(token)).toBe(false)
  })

  test('the refresh token alone, without the key of its sign-in, is worth nothing', async () => {
    await stage.firstRun().signIn(undefined)
    const [[name, text] = ['', '']] = stage.keychain.content
    const other = new Keychain()
    await stage.firstRun({ secretStore: other }, 'supervisor').signIn(undefined)
    stage.keychain.content.set(name, JSON.stringify({ ...JSON.parse(text), key: other.only.key }))
    const next = stage.nextRun()
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_out' }])
    expect(stage.keychain.content.size).toBe(0)
  })
})

describe('signing out', () => {
  test.each<[string, (agent: Agent) => Promise<unknown>]>([
    ['by the artist', (agent) => agent.signOut(undefined)],
    ['because the screen was locked', (agent) => agent.endSessions('screen_locked')],
    ['because the machine slept too long', (agent) => agent.endSessions('slept_too_long')],
  ])('%s deletes what is remembered and revokes it', async (_name, end) => {
    const first = stage.firstRun()
    await first.signIn(undefined)
    const { token } = stage.keychain.only
    const revocations = stage.calls('revoke')
    await end(first)
    expect(stage.keychain.content.size).toBe(0)
    expect(stage.calls('revoke')).toBe(revocations + 2)
    expect(await stage.isAlive(token)).toBe(false)
    await first.resume()
    expect(first.status()).toMatchObject([{ state: 'signed_out' }])
  })

  test('also when the next run could not go on with it yet', async () => {
    await stage.firstRun().signIn(undefined)
    const { token } = stage.keychain.only
    const next = stage.nextRun()
    await stage.world.stopBroker()
    await next.resume()
    await stage.world.restartBroker()
    await next.signOut(undefined)
    expect(stage.keychain.content.size).toBe(0)
    expect(await stage.isAlive(token)).toBe(false)
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_out' }])
  })

  test('also when the next run never tried', async () => {
    await stage.firstRun().signIn(undefined)
    const { token } = stage.keychain.only
    await stage.nextRun().signOut(undefined)
    expect(stage.keychain.content.size).toBe(0)
    expect(await stage.isAlive(token)).toBe(false)
  })

  test('while it is being resumed leaves nothing behind, and nothing comes back', async () => {
    await stage.firstRun().signIn(undefined)
    const slowly = withSlowRefresh(() => pause(300))
    const next = stage.nextRun({ fetch: slowly })
    const heard = vi.fn()
    next.onChange(heard)
    const r = stage.calls('token:refresh_token')
    const revocations = stage.calls('revoke')
    const resumed = next.resume()
    await expect.poll(() => stage.calls('token:refresh_token')).toBe(r + 1)
    await next.signOut(undefined)
    await resumed
    // What the refresh brings home late is revoked: its refresh token and its access token, after the one there was.
    await expect.poll(() => stage.calls('revoke')).toBe(revocations + 3)
    expect(next.status()).toMatchObject([{ state: 'signed_out' }])
    expect(heard).not.toHaveBeenCalled()
    expect(stage.keychain.content.size).toBe(0)
  })
})

describe('signing out while the keychain is slow', () => {
  test('leaves nothing in it, and nothing alive at Autodesk', async () => {
    const first = stage.firstRun()
    await first.signIn(undefined)
    const before = stage.keychain.only.token
    stage.keychain.delayMs = 300
    stage.clock.advance(58 * minute)
    const sets = (): number => stage.keychain.calls.filter((call) => call === 'set').length
    const [written, revocations] = [sets(), stage.calls('revoke')]
    const asked = codeOf(tokenOf(first))
    // The refresh came home and its token is on the way to the keychain; nothing else of its answer was looked at yet.
    await expect.poll(sets).toBe(written + 1)
    await first.signOut(undefined)
    expect(await asked).toBe('login_required')
    expect(stage.keychain.content.size).toBe(0)
    // Refresh token and access token there were, and the access token that came too late.
    await expect.poll(() => stage.calls('revoke')).toBe(revocations + 3)
    expect(await stage.isAlive(before)).toBe(false)
  })
})

describe('a sign-in of somebody else', () => {
  test('right after a sign-out that the slow keychain holds up stays, and stays remembered', async () => {
    await stage.firstRun().signIn(undefined)
    stage.keychain.delayMs = 700
    const agent = stage.firstRun({}, 'supervisor')
    const signedOut = agent.signOut(undefined)
    expect(await agent.signIn(undefined)).toMatchObject({ login: 'supervisor' })
    await signedOut
    await expect.poll(() => stage.keychain.only.sub).toBe('SUPERV000002')
    // Once the clock is on, the agent renews by itself whenever it gets to it.
    const before = await agent.session(undefined, 0, false)
    stage.clock.advance(58 * minute)
    expect(await tokenOf(agent)).not.toBe(before.session.sessionToken.reveal())
    await agent.close()
    const next = stage.nextRun()
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_in', login: 'supervisor' }])
  })

  test('replaces what is remembered', async () => {
    let person = 'artist'
    const first = stage.firstRun({ openBrowser: (url) => stage.world.browserOf(person)(url) })
    await first.signIn(undefined)
    const { token } = stage.keychain.only
    person = 'supervisor'
    await first.signIn(undefined, { switchUser: true })
    await expect.poll(() => stage.keychain.only.sub).toBe('SUPERV000002')
    expect(await stage.isAlive(token)).toBe(false)
    const next = stage.nextRun()
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_in', login: 'supervisor' }])
  })

  test('wins over a resumption under way, whose tokens are revoked', async () => {
    await stage.firstRun().signIn(undefined)
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const slowly = withSlowRefresh(() => held)
    const agent = stage.firstRun({ fetch: slowly }, 'supervisor')
    const r = stage.calls('token:refresh_token')
    const resumed = agent.resume()
    await expect.poll(() => stage.calls('token:refresh_token')).toBe(r + 1)
    const revocations = stage.calls('revoke')
    expect(await agent.signIn(undefined)).toMatchObject({ state: 'signed_in', login: 'supervisor' })
    await resumed
    release()
    await expect.poll(() => stage.calls('revoke')).toBe(revocations + 3)
    expect(agent.status()).toMatchObject([{ state: 'signed_in', reason: 'signed_in', login: 'supervisor' }])
    const next = stage.nextRun()
    await next.resume()
    expect(next.status()).toMatchObject([{ login: 'supervisor' }])
  })

  test('that is cancelled loses nothing: the refresh that was under way is not done twice', async () => {
    await stage.firstRun().signIn(undefined)
    const slowly = withSlowRefresh(() => pause(300))
    const agent = stage.firstRun({ fetch: slowly, openBrowser: async () => undefined })
    const r = stage.calls('token:refresh_token')
    const resumed = agent.resume()
    await expect.poll(() => stage.calls('token:refresh_token')).toBe(r + 1)
    const asked = codeOf(agent.signIn(undefined))
    agent.cancelSignIn(undefined)
    expect(await asked).toBe('sign_in_cancelled')
    await resumed
    expect(agent.status()).toMatchObject([{ state: 'signed_out', reason: 'sign_in_cancelled' }])
    await agent.resume()
    expect(agent.status()).toMatchObject([{ state: 'signed_in', reason: 'resumed' }])
    expect(stage.calls('token:refresh_token')).toBe(r + 1)
  })
})
