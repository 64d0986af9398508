import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Fetch } from '../../src/ports.ts'
import { hour, minute, pause, ResumeStage, tokenOf, withSlowRefresh } from './resume-stage.ts'
import { codeOf, nodeFetch } from './world.ts'

let stage: ResumeStage
beforeAll(async () => {
  stage = await ResumeStage.open()
})
afterAll(() => stage.world.close())
beforeEach(() => stage.reset())
afterEach(() => expect(stage.noBrowser).not.toHaveBeenCalled())

describe('a restart within the working day', () => {
  test.each([true, false])(
    'goes on without a browser, with an ID token along with a refresh: %s',
    async (refreshReturnsIdToken) => {
      stage.world.identity.switches.refreshReturnsIdToken = refreshReturnsIdToken
      const first = stage.firstRun()
      await first.signIn(undefined)
      const [before] = first.status()
      const [authorizations, revocations] = [stage.calls('authorize'), stage.calls('revoke')]
      await first.close()
      stage.clock.advance(2 * hour)
      const next = stage.nextRun()
      await next.resume()
      expect(next.status()).toMatchObject([
        {
          state: 'signed_in',
          reason: 'resumed',
          login: 'artist@studio.example',
          account: 'artist@studio.example',
          userId: stage.world.site.person('artist').id,
          signInEndsAt: before?.signInEndsAt,
        },
      ])
      expect([stage.calls('authorize'), stage.calls('revoke')]).toEqual([authorizations, revocations])
      const ending = (await tokenOf(next)).slice(-4)
      expect(stage.world.site.sessions().some(({ tokenEnding }) => tokenEnding.endsWith(ending))).toBe(true)
      // And renews from there on like any other.
      const token = await tokenOf(next)
      stage.clock.advance(58 * minute)
      expect(await tokenOf(next)).not.toBe(token)
    },
  )

  test('may come as a crash, and again and again: the keychain always has the token that works', async () => {
    const first = stage.firstRun()
    await first.signIn(undefined)
    const tokens = [stage.keychain.only.token]
    stage.clock.advance(58 * minute)
    await tokenOf(first)
    tokens.push(stage.keychain.only.token)
    for (let run = 0; run < 3; run += 1) {
      const next = stage.nextRun()
      await next.resume()
      expect(next.status()).toMatchObject([{ state: 'signed_in' }])
      tokens.push(stage.keychain.only.token)
    }
    expect(new Set(tokens).size).toBe(tokens.length)
  })

  test('may come the moment after a rotation: the next token is kept before anything else is done with it', async () => {
    const stuck: Fetch = (url, init) =>
      url.endsWith('/challenge') ? new Promise(() => undefined) : nodeFetch(url, init)
    let fetch = nodeFetch
    const first = stage.firstRun({ fetch: (url, init) => fetch(url, init) })
    await first.signIn(undefined)
    const before = stage.keychain.only.token
    stage.clock.advance(58 * minute)
    fetch = stuck
    // It has no answer, and is over with its agent.
    tokenOf(first).catch(() => undefined)
    await expect.poll(() => stage.keychain.only.token).not.toBe(before)
    const next = stage.nextRun()
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_in' }])
  })

  test('waits for a refresh under way, which brings home the only token that works', async () => {
    const slowly = withSlowRefresh(() => pause(500))
    const first = stage.firstRun({ fetch: slowly })
    await first.signIn(undefined)
    const r = stage.calls('token:refresh_token')
    stage.clock.advance(58 * minute)
    const asked = codeOf(tokenOf(first))
    await expect.poll(() => stage.calls('token:refresh_token')).toBe(r + 1)
    await first.close()
    expect(await asked).toBe('login_required')
    const next = stage.nextRun()
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_in' }])
  })

  test('is one refresh however often it is asked for, and plug-ins that ask meanwhile get the session', async () => {
    await stage.firstRun().signIn(undefined)
    const r = stage.calls('token:refresh_token')
    const next = stage.nextRun()
    const resumed = Promise.all(Array.from({ length: 30 }, () => next.resume()))
    const tokens = await Promise.all(Array.from({ length: 30 }, () => tokenOf(next)))
    await resumed
    expect(new Set(tokens).size).toBe(1)
    expect(stage.calls('token:refresh_token')).toBe(r + 1)
  })

  test('is announced to who watches, and nothing before it', async () => {
    await stage.firstRun().signIn(undefined)
    const next = stage.nextRun()
    const heard: unknown[] = []
    next.onChange(({ state, reason }) => heard.push([state, reason]))
    await next.resume()
    expect(heard).toEqual([['signed_in', 'resumed']])
  })
})

describe('the working day counts from the artist’s sign-in', () => {
  test('and a restart does not lengthen it', async () => {
    await stage.firstRun().signIn(undefined)
    stage.clock.advance(11 * hour)
    const next = stage.nextRun()
    await next.resume()
    await tokenOf(next)
    stage.clock.advance(59 * minute)
    next.checkClock()
    expect(next.status()).toMatchObject([{ state: 'signed_in' }])
    stage.clock.advance(minute)
    next.checkClock()
    expect(next.status()).toMatchObject([{ state: 'signed_out', reason: 'session_ended' }])
    await stage.untilForgotten()
  })

  test('and when it is over nothing is resumed, and what was remembered is deleted and revoked', async () => {
    await stage.firstRun().signIn(undefined)
    const { token } = stage.keychain.only
    const r = stage.calls('token:refresh_token')
    stage.clock.advance(12 * hour)
    const next = stage.nextRun()
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_out' }])
    expect(stage.keychain.content.size).toBe(0)
    expect(stage.calls('token:refresh_token')).toBe(r)
    expect(await stage.isAlive(token)).toBe(false)
  })

  test('and a shorter day that was configured meanwhile counts', async () => {
    await stage.firstRun().signIn(undefined)
    stage.clock.advance(3 * hour)
    const next = stage.nextRun({}, { maxAgeHours: 2 })
    await next.resume()
    expect(stage.keychain.content.size).toBe(0)
  })

  test('and a stage.clock that stands before the sign-in proves nothing', async () => {
    await stage.firstRun().signIn(undefined)
    stage.clock.jump(-hour)
    const next = stage.nextRun()
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_out' }])
    expect(stage.keychain.content.size).toBe(0)
  })
})
