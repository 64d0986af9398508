import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SignedIn } from '../../../src/session/session.ts'
import { codeOf, failing, hour, minute, Stage, site, tokenOf } from './stage.ts'

let stage: Stage
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  stage = new Stage()
})
afterEach(() => void vi.useRealTimers())

describe('ending a session on purpose', () => {
  test.each(['screen_locked', 'slept_too_long'] as const)('says why: %s', async (reason) => {
    await stage.signIn()
    await stage.holder.signOut(reason)
    expect(stage.holder.status()).toMatchObject({ site, state: 'signed_out', reason })
    expect(stage.forgotten).toBe(1)
    expect(await codeOf(stage.holder.get(0))).toBe('login_required')
  })

  test('cancels a sign-in under way, and what that brings home is revoked', async () => {
    let finish: (signedIn: SignedIn) => void = () => undefined
    const outcome = codeOf(stage.holder.signIn(() => new Promise((resolve) => (finish = resolve))))
    await Promise.resolve()
    await stage.holder.signOut('screen_locked')
    finish(stage.signedIn())
    expect(await outcome).toBe('sign_in_cancelled')
    expect(stage.forgotten).toBe(1)
    expect(stage.holder.status()).toEqual({ site, state: 'signed_out', reason: 'sign_in_cancelled' })
  })

  test('announces nothing where there was nothing', async () => {
    await stage.holder.signOut('screen_locked')
    expect(stage.announced).toEqual([])
  })
})

describe('looking at the clock again', () => {
  test('ends what the night has ended, without anybody asking, and renews nothing', async () => {
    await stage.signIn()
    stage.jump(13 * hour)
    stage.holder.checkClock()
    expect(stage.holder.status()).toEqual({ site, state: 'signed_out', reason: 'session_ended' })
    expect([stage.renewals, stage.forgotten]).toEqual([0, 1])
  })

  test('keeps what has run out but can be renewed, and renews nothing', async () => {
    await stage.signIn()
    stage.jump(3 * hour)
    stage.holder.checkClock()
    await vi.advanceTimersByTimeAsync(minute)
    expect(stage.holder.status()).toMatchObject({ state: 'signed_in', reason: 'signed_in' })
    expect(stage.renewals).toBe(0)
    expect(await tokenOf(stage)).toBe('token-1')
  })

  test('ends what has run out and cannot be renewed', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(56 * minute)
    stage.renew = failing('identity_rejected')
    await tokenOf(stage)
    stage.jump(10 * minute)
    stage.holder.checkClock()
    expect(stage.holder.status()).toEqual({ site, state: 'signed_out', reason: 'session_ended' })
  })

  test('reminds of the end that came near meanwhile, and tells when it comes', async () => {
    await stage.signIn()
    stage.jump(11.75 * hour)
    stage.holder.checkClock()
    stage.holder.checkClock()
    expect(stage.reasons.filter((reason) => reason === 'ending')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(15 * minute)
    expect(stage.reasons.at(-1)).toBe('session_ended')
  })

  test('ends a day that the other clock says is over, though somebody set this one back', async () => {
    await stage.signIn()
    stage.jump(-3 * hour)
    await vi.advanceTimersByTimeAsync(12 * hour)
    stage.holder.checkClock()
    expect(stage.holder.status()).toMatchObject({ state: 'signed_out', reason: 'session_ended' })
  })

  test('changes nothing where nobody is signed in', () => {
    stage.holder.checkClock()
    expect(stage.announced).toEqual([])
  })
})

test('an agent that stops forgets the session and leaves what may be resumed', async () => {
  await stage.signIn()
  await stage.holder.release()
  expect([stage.released, stage.forgotten]).toEqual([1, 0])
  expect(stage.holder.status()).toEqual({ site, state: 'signed_out', reason: 'signed_out' })
})
