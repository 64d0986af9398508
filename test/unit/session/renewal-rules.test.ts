import { describe, expect, test } from 'vitest'
import { Secret } from '../../../src/secrets/secret.ts'
import { judgeRenewalFailure, judgeSession, startSession } from '../../../src/session/renewal-rules.ts'
import { type IssuedSession, timeLeftMs } from '../../../src/session/session.ts'

const hour = 3600_000
const clockAt = (now: number, monotonicMs = now) => ({ now: () => now, monotonicMs: () => monotonicMs })

function issued(lifetimeMs: number): IssuedSession {
  return {
    site: 'https://studio.example',
    apiUrl: 'https://studio.example',
    login: 'artist',
    userId: 1,
    name: 'Artist',
    sessionToken: new Secret('t'),
    lifetimeMs,
    expiry: 'estimated',
    obtainedBy: 'broker',
  }
}

const signedIn = { at: 0, atMonotonicMs: 0 }

describe('when a session ends', () => {
  test('at the end of the time the site gives it', () => {
    const session = startSession(issued(hour), signedIn, 12 * hour, clockAt(0))
    expect(timeLeftMs(session, clockAt(0))).toBe(hour)
    expect(timeLeftMs(session, clockAt(hour - 1))).toBe(1)
    expect(timeLeftMs(session, clockAt(hour))).toBe(0)
    expect(timeLeftMs(session, clockAt(2 * hour))).toBe(0)
  })

  test('with the working day, however long the site would let it live', () => {
    const renewed = startSession(issued(24 * hour), signedIn, 12 * hour, clockAt(11 * hour))
    expect(renewed.expiresAt).toBe(12 * hour)
    const late = startSession(issued(24 * hour), signedIn, 12 * hour, clockAt(13 * hour))
    expect(timeLeftMs(late, clockAt(13 * hour))).toBe(0)
  })

  test('not later because somebody set the clock back', () => {
    const session = startSession(issued(hour), signedIn, 12 * hour, clockAt(0))
    expect(timeLeftMs(session, clockAt(-2 * hour, hour))).toBe(0)
    expect(timeLeftMs(session, clockAt(-2 * hour, hour / 2))).toBe(hour / 2)
    const renewed = startSession(issued(24 * hour), signedIn, 12 * hour, clockAt(-5 * hour, 11 * hour))
    expect(timeLeftMs(renewed, clockAt(-5 * hour, 11 * hour))).toBe(hour)
  })

  test('after sleep, in which only the wall clock moved', () => {
    const session = startSession(issued(hour), signedIn, 12 * hour, clockAt(0))
    expect(timeLeftMs(session, clockAt(9 * hour, 1))).toBe(0)
  })
})

describe('a caller who asks for a session', () => {
  const session = startSession(issued(hour), signedIn, 12 * hour, clockAt(0))

  test('gets it when it lasts long enough', () => {
    expect(judgeSession(session, 300_000, clockAt(hour - 300_000))).toBe('hand_out')
  })

  test('waits for a renewal when it does not', () => {
    expect(judgeSession(session, 300_000, clockAt(hour - 300_000 + 1))).toBe('renew')
  })

  test('who wants more than the site grants does not make every call a renewal', () => {
    expect(judgeSession(session, 24 * hour, clockAt(1))).toBe('hand_out')
    expect(judgeSession(session, 24 * hour, clockAt(hour / 2 + 1))).toBe('renew')
  })

  test('never gets one that has ended, even if any would do', () => {
    expect(judgeSession(session, 0, clockAt(hour))).toBe('renew')
  })
})

test('only a refusal of the person ends a session; trouble on the way keeps it', () => {
  expect(judgeRenewalFailure('account_disabled')).toBe('over')
  expect(judgeRenewalFailure('account_not_mapped')).toBe('over')
  expect(judgeRenewalFailure('identity_rejected')).toBe('not_renewable')
  expect(judgeRenewalFailure('proof_rejected')).toBe('not_renewable')
  for (const code of [
    'site_unreachable',
    'broker_unreachable',
    'identity_unreachable',
    'rate_limited',
    'internal_error',
  ] as const) {
    expect(judgeRenewalFailure(code)).toBe('try_again')
  }
})
