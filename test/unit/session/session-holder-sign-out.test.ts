import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { hour, issued, minute, Stage, tokenOf } from './stage.ts'

let stage: Stage
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  stage = new Stage()
})
afterEach(() => void vi.useRealTimers())

const left = () => stage.holder.status().leftAtSite

describe('what a sign-out leaves at the site', () => {
  test('is until when the site says, not the end of the working day', async () => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(11 * hour)
    stage.leftAtSite = async () => 24 * hour
    await stage.holder.signOut()
    expect(left()).toMatchObject({ until: Date.now() + 24 * hour, expiry: 'exact' })
    expect(left()?.advice).toContain('an administrator can disable the user')
  })

  test('is what the session had when it was obtained where the site does not tell, labelled so', async () => {
    await stage.signIn()
    const obtainedAt = Date.now()
    await vi.advanceTimersByTimeAsync(10 * minute)
    await stage.holder.signOut()
    expect(left()).toMatchObject({ until: obtainedAt + hour, expiry: 'estimated' })
    expect(left()?.advice).toContain('an hour, a day or a week')
  })

  test('of a session of the broker’s gateway says who can end it', async () => {
    const session = issued(0, { apiUrl: 'https://gateway.studio.example' })
    await stage.holder.signIn(async () => ({ ...stage.signedIn(), session }))
    await stage.holder.signOut()
    expect(left()).toMatchObject({ expiry: 'estimated', advice: expect.stringContaining('sg-broker sessions end') })
  })

  test.each([
    ['has ended it', async () => 0],
    ['does not tell, and the hour is over', async () => undefined],
  ])('is nothing where the site %s', async (_why, leftAtSite) => {
    await stage.signIn()
    await vi.advanceTimersByTimeAsync(hour)
    stage.leftAtSite = leftAtSite
    await stage.holder.signOut()
    expect(left()).toBeUndefined()
  })

  test('is an estimate when the asking fails', async () => {
    await stage.signIn()
    stage.leftAtSite = async () => {
      throw new Error('no network')
    }
    await stage.holder.signOut()
    expect(left()).toMatchObject({ expiry: 'estimated' })
  })

  test('is said no longer than it is true', async () => {
    await stage.signIn()
    stage.leftAtSite = async () => 2 * hour
    await stage.holder.signOut()
    await vi.advanceTimersByTimeAsync(2 * hour - 1)
    expect(left()).toBeDefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(left()).toBeUndefined()
  })

  test('holds up nobody who hears of the sign-out', async () => {
    await stage.signIn()
    stage.leftAtSite = () => new Promise(() => undefined)
    void stage.holder.signOut()
    expect(stage.announced.at(-1)).toMatchObject({ state: 'signed_out', reason: 'signed_out' })
  })

  test('is nobody’s question any more when somebody signs in while the site is still being asked', async () => {
    await stage.signIn()
    let say: (leftMs: number) => void = () => undefined
    stage.leftAtSite = () =>
      new Promise((resolve) => {
        say = resolve
      })
    const out = stage.holder.signOut()
    await stage.signIn()
    say(hour)
    await out
    stage.leftAtSite = async () => 0
    await stage.holder.signOut()
    expect(left()).toBeUndefined()
  })
})

describe('a session that the site ends at a set time', () => {
  const capped = () =>
    stage.holder.signIn(async () => ({
      ...stage.signedIn(),
      session: issued(0, { lifetimeMs: hour, endsForGoodInMs: 3 * hour }),
    }))

  test('says so from the start, is announced as ending, and ends then', async () => {
    await capped()
    expect(stage.holder.status().signInEndsAt).toBe(Date.now() + 3 * hour)
    await vi.advanceTimersByTimeAsync(3 * hour - 30 * minute)
    expect(stage.reasons.at(-1)).toBe('ending')
    await vi.advanceTimersByTimeAsync(30 * minute)
    expect(stage.holder.status()).toMatchObject({ state: 'signed_out', reason: 'session_ended' })
  })

  test('that a renewal frees of it lives to the end of the day', async () => {
    await capped()
    await vi.advanceTimersByTimeAsync(56 * minute)
    stage.renew = async () => issued(0)
    await tokenOf(stage)
    expect(stage.holder.status().signInEndsAt).toBe(Date.now() + 12 * hour - 56 * minute)
  })
})
