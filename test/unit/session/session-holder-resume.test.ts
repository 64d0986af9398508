import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SignedIn } from '../../../src/session/session.ts'
import { codeOf, failing, hour, issued, minute, Stage, site, tokenOf } from './stage.ts'

let stage: Stage
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  vi.advanceTimersByTime(100 * hour)
  stage = new Stage()
})
afterEach(() => void vi.useRealTimers())

/** Signed in some hours ago, in an earlier run. */
const resumed = (hoursAgo = 2): SignedIn => ({ ...stage.signedIn(), signedInAt: Date.now() - hoursAgo * hour })
const hanging = (): Promise<SignedIn> => new Promise(() => undefined)

describe('resuming a sign-in of an earlier run', () => {
  test('goes from signed out to signed in, and says only that', async () => {
    const done = stage.holder.resume(async () => resumed())
    expect(stage.holder.status()).toEqual({ site, state: 'signed_out' })
    await done
    expect(stage.reasons).toEqual(['resumed'])
    expect(stage.holder.status()).toMatchObject({ state: 'signed_in', reason: 'resumed', login: 'artist' })
    expect(await tokenOf(stage)).toBe('token-0')
  })

  test('counts the working day from the sign-in, not from the restart', async () => {
    await stage.holder.resume(async () => resumed(11))
    expect(stage.remembered).toEqual([Date.now() - 11 * hour])
    expect(stage.holder.status().signInEndsAt).toBe(Date.now() + hour)
    // Neither clock gives more: somebody sets the wall clock back.
    stage.jump(-5 * hour)
    await vi.advanceTimersByTimeAsync(hour)
    expect(await codeOf(stage.holder.get(0))).toBe('login_required')
  })

  test('fails quietly', async () => {
    await stage.holder.resume(failing('identity_unreachable'))
    expect(stage.announced).toEqual([])
    expect(stage.holder.status()).toEqual({ site, state: 'signed_out' })
    expect(await codeOf(stage.holder.get(0))).toBe('login_required')
    await stage.holder.resume(async () => resumed())
    expect(stage.holder.status().state).toBe('signed_in')
  })

  test('happens once however often it is asked for', async () => {
    let starts = 0
    const start = async () => {
      starts += 1
      return resumed()
    }
    await Promise.all(Array.from({ length: 30 }, () => stage.holder.resume(start)))
    await stage.holder.resume(start)
    expect(starts).toBe(1)
  })

  test('that hangs is over after a minute', async () => {
    const done = stage.holder.resume(hanging)
    await vi.advanceTimersByTimeAsync(minute)
    await done
    expect(stage.announced).toEqual([])
  })
})

describe('who asks for the session meanwhile', () => {
  test('gets it when it is there', async () => {
    let finish: (signedIn: SignedIn) => void = () => undefined
    void stage.holder.resume(() => new Promise((resolve) => (finish = resolve)))
    const asked = tokenOf(stage)
    await vi.advanceTimersByTimeAsync(2_000)
    finish(resumed())
    expect(await asked).toBe('token-0')
  })

  test('hears login_required when there is none', async () => {
    void stage.holder.resume(failing('identity_rejected'))
    expect(await codeOf(stage.holder.get(0))).toBe('login_required')
  })

  test('does not wait longer than five seconds', async () => {
    void stage.holder.resume(hanging)
    const asked = codeOf(stage.holder.get(0))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await asked).toBe('login_required')
  })
})

describe('a resumption gives way', () => {
  test('to a sign-in, whichever comes home first', async () => {
    let finish: (signedIn: SignedIn) => void = () => undefined
    const quiet = stage.holder.resume(() => new Promise((resolve) => (finish = resolve)))
    const signal = vi.fn()
    const asked = stage.holder.signIn(async () => {
      signal()
      return { ...stage.signedIn(), session: issued(5) }
    })
    finish(resumed())
    await quiet
    await asked
    expect(await tokenOf(stage)).toBe('token-5')
    expect(stage.reasons).toEqual(['sign_in_started', 'signed_in'])
    expect(signal).toHaveBeenCalledTimes(1)
  })

  test('to a sign-in that is then cancelled: nothing comes back by itself', async () => {
    let finish: (signedIn: SignedIn) => void = () => undefined
    const quiet = stage.holder.resume(() => new Promise((resolve) => (finish = resolve)))
    const asked = codeOf(stage.holder.signIn(hanging))
    stage.holder.cancelSignIn()
    finish(resumed())
    await quiet
    expect(await asked).toBe('sign_in_cancelled')
    expect(stage.holder.status()).toMatchObject({ state: 'signed_out', reason: 'sign_in_cancelled' })
  })

  test('to a sign-out', async () => {
    let finish: (signedIn: SignedIn) => void = () => undefined
    const quiet = stage.holder.resume(() => new Promise((resolve) => (finish = resolve)))
    await stage.holder.signOut()
    finish(resumed())
    await quiet
    expect(stage.holder.status().state).toBe('signed_out')
    expect(stage.announced).toEqual([])
  })

  test('and does not begin while somebody is signed in or signing in', async () => {
    const start = vi.fn(async () => resumed())
    const asked = codeOf(stage.holder.signIn(hanging))
    await stage.holder.resume(start)
    stage.holder.cancelSignIn()
    await asked
    await stage.signIn()
    await stage.holder.resume(start)
    expect(start).not.toHaveBeenCalled()
  })

  test('cannot be cancelled as a sign-in: there is none to see', () => {
    void stage.holder.resume(hanging)
    stage.holder.cancelSignIn()
    expect(stage.announced).toEqual([])
  })
})
