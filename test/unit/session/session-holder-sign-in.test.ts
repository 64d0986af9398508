import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SignedIn } from '../../../src/session/session.ts'
import { signInLimitMs } from '../../../src/session/sign-in-attempt.ts'
import { codeOf, failing, issued, Stage, site, tokenOf } from './stage.ts'

let stage: Stage
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  stage = new Stage()
})
afterEach(() => void vi.useRealTimers())

describe('signing in', () => {
  test('goes from signed out over signing in to signed in, and says so', async () => {
    expect(stage.holder.status()).toEqual({ site, state: 'signed_out' })
    const done = stage.signIn()
    expect(stage.holder.status()).toMatchObject({ state: 'signing_in', reason: 'sign_in_started' })
    await done
    expect(stage.holder.status()).toMatchObject({
      state: 'signed_in',
      login: 'artist',
      account: 'artist@studio.example',
    })
    expect(stage.reasons).toEqual(['sign_in_started', 'signed_in'])
  })

  test('happens once however many ask', async () => {
    let starts = 0
    const start = async () => {
      starts += 1
      return stage.signedIn()
    }
    await Promise.all(Array.from({ length: 30 }, () => stage.holder.signIn(start)))
    expect(starts).toBe(1)
  })

  test('is over after five minutes, with sign_in_timeout', async () => {
    const outcome = codeOf(
      stage.holder.signIn(
        (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ),
    )
    await vi.advanceTimersByTimeAsync(signInLimitMs - 1)
    expect(stage.holder.status().state).toBe('signing_in')
    await vi.advanceTimersByTimeAsync(1)
    expect(await outcome).toBe('sign_in_timeout')
    expect(stage.holder.status()).toMatchObject({ state: 'signed_out', reason: 'sign_in_timeout' })
  })

  test('can be cancelled, and started again', async () => {
    const outcome = codeOf(
      stage.holder.signIn(
        (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ),
    )
    stage.holder.cancelSignIn()
    expect(await outcome).toBe('sign_in_cancelled')
    await stage.signIn()
    expect(stage.holder.status().state).toBe('signed_in')
  })

  test('that comes home after it was cancelled is thrown away and revoked', async () => {
    let finish: (signedIn: SignedIn) => void = () => undefined
    const outcome = codeOf(stage.holder.signIn(() => new Promise((resolve) => (finish = resolve))))
    await Promise.resolve()
    stage.holder.cancelSignIn()
    finish(stage.signedIn())
    expect(await outcome).toBe('sign_in_cancelled')
    expect(stage.forgotten).toBe(1)
    expect(await codeOf(stage.holder.get(0))).toBe('login_required')
  })

  test('as someone else keeps the old session serving until the new one is there', async () => {
    await stage.signIn()
    let finish: (signedIn: SignedIn) => void = () => undefined
    const second = stage.holder.signIn(() => new Promise((resolve) => (finish = resolve)))
    expect(await tokenOf(stage)).toBe('token-0')
    expect(stage.holder.status().state).toBe('signed_in')
    const { renewal } = stage.signedIn()
    finish({ session: issued(99, { userId: 8, login: 'other' }), renewal })
    await second
    expect(await tokenOf(stage)).toBe('token-99')
    expect(stage.forgotten).toBe(1)
  })

  test('that fails while signed in leaves the session alone', async () => {
    await stage.signIn()
    expect(await codeOf(stage.holder.signIn(failing('access_denied')))).toBe('access_denied')
    expect(await tokenOf(stage)).toBe('token-0')
    expect(stage.holder.status()).toMatchObject({ state: 'signed_in', reason: 'access_denied' })
  })
})

describe('a sign-in that hangs', () => {
  const hanging = (): Promise<SignedIn> => new Promise(() => undefined)

  test('is over for its callers the moment it is cancelled, and the next one is another', async () => {
    const outcome = codeOf(stage.holder.signIn(hanging))
    stage.holder.cancelSignIn()
    expect(stage.holder.status()).toMatchObject({ state: 'signed_out', reason: 'sign_in_cancelled' })
    await stage.signIn()
    expect(await outcome).toBe('sign_in_cancelled')
    expect(stage.holder.status()).toMatchObject({ state: 'signed_in', reason: 'signed_in' })
    expect(stage.reasons).toEqual(['sign_in_started', 'sign_in_cancelled', 'sign_in_started', 'signed_in'])
  })

  test('is over with a sign-out too', async () => {
    const outcome = codeOf(stage.holder.signIn(hanging))
    await stage.holder.signOut()
    expect(await outcome).toBe('sign_in_cancelled')
    await stage.signIn()
    expect(await tokenOf(stage)).toBe('token-0')
  })

  test('that comes home in the very moment it is cancelled is thrown away', async () => {
    let finish: (signedIn: SignedIn) => void = () => undefined
    const outcome = codeOf(stage.holder.signIn(() => new Promise((resolve) => (finish = resolve))))
    await Promise.resolve()
    await Promise.resolve()
    finish(stage.signedIn())
    stage.holder.cancelSignIn()
    expect(await outcome).toBe('sign_in_cancelled')
    expect(stage.forgotten).toBe(1)
    expect(stage.holder.status().state).toBe('signed_out')
  })
})

test('signing out forgets at once and revokes behind it', async () => {
  await stage.signIn()
  await stage.holder.signOut()
  expect(stage.holder.status()).toMatchObject({ site, state: 'signed_out', reason: 'signed_out' })
  expect(stage.forgotten).toBe(1)
  await stage.holder.signOut()
  expect(stage.forgotten).toBe(1)
})
