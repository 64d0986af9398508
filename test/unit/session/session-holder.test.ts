import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { AgentError, type ErrorCode } from '../../../src/errors.ts'
import { Secret } from '../../../src/secret.ts'
import type { SiteStatus } from '../../../src/session/changes.ts'
import type { IssuedSession, Renewal, SignedIn } from '../../../src/session/session.ts'
import { SessionHolder } from '../../../src/session/session-holder.ts'
import { signInLimitMs } from '../../../src/session/sign-in-attempt.ts'

const site = 'https://studio.example'
const minute = 60_000
const hour = 60 * minute

/** Timers and both clocks move together under vitest's fake timers; `jump` moves the wall clock alone. */
class Stage {
  readonly announced: SiteStatus[] = []
  readonly holder: SessionHolder
  renewals = 0
  checks = 0
  forgotten = 0
  renew: () => Promise<IssuedSession> = async () => issued(this.renewals)
  check: () => Promise<'accepted' | 'refused'> = async () => 'accepted'
  #jumpedMs = 0

  constructor() {
    this.holder = new SessionHolder({
      site,
      maxAgeMs: 12 * hour,
      remindBeforeMs: 30 * minute,
      clock: { now: () => Date.now() + this.#jumpedMs, monotonicMs: () => performance.now() },
      log: { debug() {}, info() {}, warn() {}, error() {} },
      announce: (status) => this.announced.push(status),
    })
  }

  jump(ms: number): void {
    this.#jumpedMs += ms
  }

  get reasons(): (string | undefined)[] {
    return this.announced.map((status) => status.reason)
  }

  signedIn(): SignedIn {
    const renewal: Renewal = {
      renew: () => {
        this.renewals += 1
        return this.renew()
      },
      check: () => {
        this.checks += 1
        return this.check()
      },
      forget: async () => {
        this.forgotten += 1
      },
    }
    return { session: issued(0), renewal, account: 'artist@studio.example' }
  }

  signIn(): Promise<unknown> {
    return this.holder.signIn(async () => this.signedIn())
  }
}

function issued(number: number, change: Partial<IssuedSession> = {}): IssuedSession {
  return {
    site,
    login: 'artist',
    userId: 7,
    name: 'Artist',
    sessionToken: new Secret(`token-${number}`),
    lifetimeMs: hour,
    obtainedBy: 'broker',
    ...change,
  }
}

function failing(code: ErrorCode): () => Promise<never> {
  return async () => {
    throw new AgentError(code)
  }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  )
}

async function tokenOf(stage: Stage, minValidityMs = 5 * minute): Promise<string> {
  return (await stage.holder.get(minValidityMs)).session.sessionToken.reveal()
}

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
    expect(stage.holder.cancelSignIn()).toBe(true)
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
    expect(await tokenOf(stage)).toBe('token-3')
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

test('signing out forgets at once and revokes behind it', async () => {
  await stage.signIn()
  await stage.holder.signOut()
  expect(stage.holder.status()).toEqual({ site, state: 'signed_out', reason: 'signed_out' })
  expect(stage.forgotten).toBe(1)
  await stage.holder.signOut()
  expect(stage.forgotten).toBe(1)
})
