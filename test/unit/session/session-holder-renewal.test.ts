import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { AgentError } from '../../../src/errors.ts'
import type { IssuedSession } from '../../../src/session/session.ts'
import { codeOf, failing, hour, issued, minute, Stage, site, tokenOf } from './stage.ts'

let stage: Stage
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  stage = new Stage()
})
afterEach(() => void vi.useRealTimers())

describe('a renewal that hangs', () => {
  test('keeps callers waiting for three seconds at most while the session has time left', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(56 * minute)
    let finish: (session: IssuedSession) => void = () => undefined
    stage.renew = () => new Promise((resolve) => (finish = resolve))
    const first = tokenOf(stage)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(await first).toBe('token-0')
    // Those who come later do not wait again.
    expect(await tokenOf(stage)).toBe('token-0')
    finish(issued(1))
    await vi.advanceTimersByTimeAsync(0)
    expect(await tokenOf(stage)).toBe('token-1')
    expect(stage.renewals).toBe(1)
  })

  test('of the sign-in before does not hold up a report about the next', async () => {
    await stage.signIn()
    stage.check = async () => 'refused'
    stage.renew = () => new Promise(() => undefined)
    const old = codeOf(stage.holder.reportRejected(undefined))
    await vi.advanceTimersByTimeAsync(1)
    await stage.signIn()
    stage.renew = async () => issued(7)
    await stage.holder.reportRejected(undefined)
    expect(await tokenOf(stage)).toBe('token-7')
    void old
  })
})

describe('asking for the session', () => {
  test('without a sign-in says login_required', async () =>
    expect(await codeOf(stage.holder.get(0))).toBe('login_required'))

  test('renews near the end, once for thirty who ask', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(56 * minute)
    const tokens = await Promise.all(Array.from({ length: 30 }, () => tokenOf(stage)))
    expect(new Set(tokens)).toEqual(new Set(['token-1']))
    expect(stage.renewals).toBe(1)
    expect(stage.reasons.at(-1)).toBe('renewed')
  })

  test('gives each session a higher generation', async () => {
    await stage.signIn()
    const first = (await stage.holder.get(0)).generation
    await vi.advanceTimersByTimeAsync(56 * minute)
    expect((await stage.holder.get(5 * minute)).generation).toBe(first + 1)
  })

  test('keeps the generation of a session that was only made to last longer', async () => {
    await stage.signIn()
    const { session, generation } = await stage.holder.get(0)
    await vi.advanceTimersByTimeAsync(56 * minute)
    stage.renew = async () => ({ ...session, lifetimeMs: hour })
    const renewed = await stage.holder.get(5 * minute)
    expect(renewed.generation).toBe(generation)
    expect(renewed.session.expiresAt).toBe(Date.now() + hour)
    expect(stage.reasons.at(-1)).toBe('renewed')
  })

  test('leaves a service alone as long as that asked for it, half a minute at most', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(61 * minute)
    for (const [asked, waited] of [
      [10_000, 10_000],
      [3_600_000, 30_000],
    ] as const) {
      const before = stage.renewals
      stage.renew = async () => {
        throw new AgentError('site_unreachable', 'answered 429', { retryAfterMs: asked })
      }
      expect(await codeOf(stage.holder.get(0))).toBe('site_unreachable')
      await vi.advanceTimersByTimeAsync(waited - 1)
      expect(await codeOf(stage.holder.get(0))).toBe('site_unreachable')
      expect(stage.renewals - before).toBe(1)
      await vi.advanceTimersByTimeAsync(1)
    }
    stage.renew = async () => issued(9)
    expect(await tokenOf(stage)).toBe('token-9')
  })

  test('leaves a site alone that was asked whether it takes the session, and said when to come back', async () => {
    await stage.signIn()
    stage.check = async () => {
      throw new AgentError('site_unreachable', 'answered 429', { retryAfterMs: 10_000 })
    }
    for (let report = 0; report < 30; report += 1) {
      expect(await codeOf(stage.holder.reportRejected(undefined))).toBe('site_unreachable')
    }
    expect(stage.checks).toBe(1)
    await vi.advanceTimersByTimeAsync(10_000)
    stage.check = async () => 'accepted'
    expect(await codeOf(stage.holder.reportRejected(undefined))).toBe('no error')
    expect(await tokenOf(stage)).toBe('token-0')
  })

  test('does not renew while nobody asks', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(11 * hour)
    expect(stage.renewals).toBe(0)
    expect(stage.holder.status().state).toBe('signed_in')
    expect(await tokenOf(stage)).toBe('token-1')
  })

  test('hands out what is left when the renewal fails on the way, and tries again only a little later', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(56 * minute)
    stage.renew = failing('broker_unreachable')
    expect(await tokenOf(stage)).toBe('token-0')
    expect(await tokenOf(stage)).toBe('token-0')
    expect(stage.renewals).toBe(1)
    expect(stage.holder.status()).toMatchObject({ state: 'signed_in', problem: 'broker_unreachable' })
    await vi.advanceTimersByTimeAsync(2_000)
    stage.renew = async () => issued(5)
    expect(await tokenOf(stage)).toBe('token-5')
    expect(stage.holder.status().problem).toBeUndefined()
  })

  test('says what stands in the way when nothing is left, and stays signed in', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(61 * minute)
    stage.renew = failing('site_unreachable')
    expect(await codeOf(stage.holder.get(0))).toBe('site_unreachable')
    stage.renew = async () => issued(3)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await tokenOf(stage)).toBe('token-3')
  })

  test('asks no more than once in two seconds while nothing is left and the way is blocked', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(61 * minute)
    stage.renew = failing('site_unreachable')
    for (let asked = 0; asked < 100; asked += 1) expect(await codeOf(stage.holder.get(0))).toBe('site_unreachable')
    expect(stage.renewals).toBe(1)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await codeOf(stage.holder.get(0))).toBe('site_unreachable')
    expect(stage.renewals).toBe(2)
  })

  test('hands out nothing that ran out while it waited for the renewal', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(60 * minute - 1_000)
    let finish: (session: ReturnType<typeof issued>) => void = () => undefined
    stage.renew = () =>
      new Promise((resolve) => {
        finish = resolve
      })
    const token = tokenOf(stage)
    await vi.advanceTimersByTimeAsync(10_000)
    finish(issued(4))
    expect(await token).toBe('token-4')
  })

  test('ends the session when the broker refuses the person', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(56 * minute)
    stage.renew = failing('account_disabled')
    expect(await codeOf(stage.holder.get(5 * minute))).toBe('account_disabled')
    expect(stage.holder.status()).toEqual({ site, state: 'signed_out', reason: 'account_disabled' })
    expect(stage.forgotten).toBe(1)
  })

  test('lives on to its own end when Autodesk does not renew, then asks for a sign-in', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(56 * minute)
    stage.renew = failing('identity_rejected')
    expect(await tokenOf(stage)).toBe('token-0')
    expect(stage.holder.status().signInEndsAt).toBe(stage.holder.status().expiresAt)
    await vi.advanceTimersByTimeAsync(4 * minute)
    expect(stage.holder.status()).toEqual({ site, state: 'signed_out', reason: 'session_ended' })
    expect(await codeOf(stage.holder.get(0))).toBe('login_required')
    expect(stage.renewals).toBe(1)
  })

  test('never gets somebody else’s session from a renewal', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(61 * minute)
    stage.renew = async () => issued(1, { userId: 8 })
    expect(await codeOf(stage.holder.get(0))).toBe('login_required')
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(61 * minute)
    stage.renew = async () => issued(1, { site: 'https://other.example' })
    expect(await codeOf(stage.holder.get(0))).toBe('login_required')
  })

  test('gets nothing from a renewal that ends after a sign-out', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(56 * minute)
    let finish: (session: IssuedSession) => void = () => undefined
    stage.renew = () => new Promise((resolve) => (finish = resolve))
    const asked = codeOf(stage.holder.get(5 * minute))
    await vi.advanceTimersByTimeAsync(1)
    await stage.holder.signOut()
    finish(issued(1))
    expect(await asked).toBe('login_required')
    expect(stage.holder.status().state).toBe('signed_out')
  })
})

describe('the end of the working day', () => {
  test('is announced half an hour before, once, and then it is over', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(11.5 * hour - 1)
    expect(stage.reasons).not.toContain('ending')
    await vi.advanceTimersByTimeAsync(1)
    expect(stage.reasons.filter((reason) => reason === 'ending')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(30 * minute)
    expect(stage.holder.status()).toEqual({ site, state: 'signed_out', reason: 'session_ended' })
    expect(stage.reasons.filter((reason) => reason === 'ending')).toHaveLength(1)
  })

  test('comes with the wall clock after a night of sleep, at the first use', async () => {
    await stage.signIn()
    stage.jump(13 * hour)
    expect(await codeOf(stage.holder.get(0))).toBe('login_required')
    expect(stage.renewals).toBe(0)
  })

  test('comes even if the clock was set back', async () => {
    await stage.signIn()
    stage.jump(-3 * hour)
    await vi.advanceTimersByTimeAsync(12 * hour)
    expect(await codeOf(stage.holder.get(0))).toBe('login_required')
  })

  test('bounds a renewed session too', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(11 * hour + 58 * minute)
    const { session } = await stage.holder.get(5 * minute)
    expect(session.expiresAt - Date.now()).toBe(2 * minute)
  })
})

describe('a plug-in that says the site refused the session', () => {
  test('changes nothing when the site takes it after all', async () => {
    await stage.signIn()
    await stage.holder.reportRejected(undefined)
    expect(stage.checks).toBe(1)
    expect(stage.renewals).toBe(0)
    expect(await tokenOf(stage)).toBe('token-0')
  })

  test('makes one check and one renewal for all who say so', async () => {
    await stage.signIn()
    stage.check = async () => 'refused'
    const { generation } = await stage.holder.get(0)
    await Promise.all(Array.from({ length: 30 }, () => stage.holder.reportRejected(generation)))
    expect([stage.checks, stage.renewals]).toEqual([1, 1])
    expect(await tokenOf(stage)).toBe('token-1')
    await stage.holder.reportRejected(generation)
    expect([stage.checks, stage.renewals]).toEqual([1, 1])
  })

  test('hears login_required when the session is gone and cannot be renewed', async () => {
    await stage.signIn()
    stage.check = async () => 'refused'
    stage.renew = failing('identity_rejected')
    expect(await codeOf(stage.holder.reportRejected(undefined))).toBe('login_required')
    expect(stage.holder.status()).toEqual({ site, state: 'signed_out', reason: 'session_ended' })
  })

  test('keeps the session when the site cannot be asked', async () => {
    await stage.signIn()
    stage.check = failing('site_unreachable')
    expect(await codeOf(stage.holder.reportRejected(undefined))).toBe('site_unreachable')
    expect(await tokenOf(stage)).toBe('token-0')
  })

  test('while a renewal is under way costs no second one', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(56 * minute)
    let finish: (session: IssuedSession) => void = () => undefined
    stage.renew = () => new Promise((resolve) => (finish = resolve))
    stage.check = async () => 'refused'
    const asked = tokenOf(stage)
    await vi.advanceTimersByTimeAsync(1)
    const reported = stage.holder.reportRejected(undefined)
    await vi.advanceTimersByTimeAsync(1)
    finish(issued(1))
    await reported
    expect(await asked).toBe('token-1')
    expect(stage.renewals).toBe(1)
  })
})
