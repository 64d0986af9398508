import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '../../../src/secrets/secret.ts'
import type { Session } from '../../../src/session/session.ts'
import { SessionHolder } from '../../../src/session/session-holder.ts'
import { RestTokens } from '../../../src/shotgrid/rest-tokens.ts'
import { encodeFrame } from '../../../src/socket/frames.ts'
import { type Caller, type Desk, handlers } from '../../../src/socket/methods.ts'
import { systemClock } from '../../../src/system/system-clock.ts'
import { codeOf, hour, issued, minute, Stage, site } from './stage.ts'

let stage: Stage
beforeEach(() => {
  vi.useFakeTimers()
  stage = new Stage()
})
afterEach(() => vi.useRealTimers())

function isWiped({ sessionToken }: Session): boolean {
  try {
    sessionToken.reveal()
    return false
  } catch {
    return true
  }
}

const held = async (): Promise<Session> => (await stage.holder.get(0)).session

describe('the token of a session is wiped', () => {
  test.each([
    ['at a sign-out', () => stage.holder.signOut()],
    ['when the screen is locked, where that ends the session', () => stage.holder.signOut('screen_locked')],
    ['when the agent stops', () => stage.holder.release()],
    ['when its day is over', () => vi.advanceTimersByTimeAsync(13 * hour)],
    [
      'when a renewal finds it ended',
      async () => {
        stage.renew = () => Promise.reject(Object.assign(new Error('gone'), { code: 'session_ended' }))
        await vi.advanceTimersByTimeAsync(2 * hour)
        await stage.holder.get(0).catch(() => undefined)
        await stage.holder.signOut()
      },
    ],
  ])('%s', async (_when, end) => {
    await stage.signIn()
    const session = await held()
    expect(isWiped(session)).toBe(false)
    await end()
    expect(isWiped(session)).toBe(true)
  })

  test('half a minute after a renewal has replaced it, and not before: who was given it may be sending it', async () => {
    await stage.signIn()
    const before = await held()
    await vi.advanceTimersByTimeAsync(58 * minute)
    await stage.holder.get(5 * minute)
    const after = await held()
    expect(after.sessionToken).not.toBe(before.sessionToken)
    expect([isWiped(before), isWiped(after)]).toEqual([false, false])
    await vi.advanceTimersByTimeAsync(31_000)
    expect([isWiped(before), isWiped(after)]).toEqual([true, false])
  })

  test('at once with the one that has replaced it, when the artist signs out within that half minute', async () => {
    await stage.signIn()
    const before = await held()
    await vi.advanceTimersByTimeAsync(58 * minute)
    await stage.holder.get(5 * minute)
    const after = await held()
    await stage.holder.signOut()
    expect([isWiped(before), isWiped(after)]).toEqual([true, true])
  })

  test('not when the same token is made to last longer', async () => {
    const same = new Secret('same')
    stage.renew = async () => issued(1, { sessionToken: same })
    await stage.holder.signIn(async () => ({ ...stage.signedIn(), session: issued(0, { sessionToken: same }) }))
    await vi.advanceTimersByTimeAsync(58 * minute)
    await stage.holder.get(5 * minute)
    await vi.advanceTimersByTimeAsync(minute)
    expect((await held()).sessionToken.reveal()).toBe('same')
  })

  test('when a sign-in that was cancelled brings it home, or a renewal after the sign-out', async () => {
    const late: ReturnType<typeof issued>[] = []
    const later = async (number: number) => {
      await new Promise((wake) => setTimeout(wake, 5))
      late.push(issued(number))
      return late[late.length - 1] as ReturnType<typeof issued>
    }
    const signingIn = codeOf(stage.holder.signIn(async () => ({ ...stage.signedIn(), session: await later(1) })))
    stage.holder.cancelSignIn()
    expect(await signingIn).toBe('sign_in_cancelled')
    await vi.advanceTimersByTimeAsync(10)
    await stage.signIn()
    stage.renew = () => later(2)
    await vi.advanceTimersByTimeAsync(58 * minute)
    const waiting = codeOf(stage.holder.get(5 * minute))
    await vi.advanceTimersByTimeAsync(1)
    await stage.holder.signOut()
    await vi.advanceTimersByTimeAsync(10)
    expect(await waiting).toBe('login_required')
    expect(late.map((session) => isWiped(session as Session))).toEqual([true, true])
  })
})

test('the site is asked what a sign-out leaves with a token that is not wiped yet, and is afterwards', async () => {
  const asked: Secret[] = []
  const holder = new SessionHolder({
    ...{ site, maxAgeMs: 12 * hour, remindBeforeMs: minute, clock: systemClock, announce: () => undefined },
    log: { debug() {}, info() {}, warn() {}, error() {} },
  })
  const { renewal, ...signedIn } = stage.signedIn()
  const leftAtSiteMs = async ({ sessionToken }: { sessionToken: Secret }): Promise<number> => {
    await Promise.resolve()
    expect(sessionToken.reveal()).toBe('token-0')
    asked.push(sessionToken)
    return 60_000
  }
  await holder.signIn(async () => ({ ...signedIn, renewal: { ...renewal, leftAtSiteMs } }))
  await holder.signOut()
  expect(holder.status().leftAtSite).toMatchObject({ expiry: 'exact' })
  expect(asked.map((sessionToken) => isWiped({ sessionToken } as Session))).toEqual([true])
})

test('who signs out between the question of a tool and its answer keeps the session from it: login_required, no zeros', async () => {
  await stage.signIn()
  const desk = { session: async () => ({ ...(await stage.holder.get(0)), generation: 1 }) } as unknown as Desk
  const caller: Caller = {
    watch() {},
    notifyStep() {},
    release: () => stage.holder.signOut(),
    confirm: () => Promise.reject(new Error('it decides about nobody')),
  }
  const answer = handlers['session/get'](
    { site: undefined, minValidityS: 0, interactive: false } as never,
    desk,
    caller,
  )
  const sent = answer.then((result) => encodeFrame(result, 1_000))
  expect(await codeOf(sent)).toBe('login_required')
})

test('a REST bearer is wiped with its session; one that comes later is given to nobody', async () => {
  vi.useRealTimers()
  const jwt = `e30.${Buffer.from(JSON.stringify({ user: { type: 'HumanUser', id: 7 } })).toString('base64url')}.c2ln`
  let answer: () => void = () => undefined
  const gate = new Promise<void>((resolve) => {
    answer = resolve
  })
  let calls = 0
  const tokens = new RestTokens(async () => {
    calls += 1
    if (calls === 2) await gate
    return Response.json({ access_token: jwt, expires_in: 600 })
  }, systemClock)
  const session = new Secret('session')
  const { accessToken } = await tokens.get(site, session)
  expect(accessToken.reveal()).toBe(jwt)
  const other = new Secret('other')
  const late = codeOf(tokens.get(site, other))
  await vi.waitFor(() => expect(calls).toBe(2))
  tokens.wipe(session)
  tokens.wipe(other)
  answer()
  expect(() => accessToken.reveal()).toThrow()
  expect(await late).toBe('login_required')
})
