import { describe, expect, test } from 'vitest'
import { accessTokenLeftMs, hasEnoughLeft, timeAccessToken } from '../../../src/identity/access-token.ts'
import { Secret } from '../../../src/secrets/secret.ts'

const minute = 60_000

/** Both hands of one clock, each moved by itself. */
function clockAt(wallMs: number, monotonicMs: number) {
  return { now: () => 1_000_000 + wallMs, monotonicMs: () => 5_000 + monotonicMs }
}

const start = clockAt(0, 0)
const hourLong = timeAccessToken(new Secret('token'), { expiresInS: 3600 }, start)

describe('what is left of an access token', () => {
  test.each([
    [0, 0, 60],
    [10, 10, 50],
    [60, 60, 0],
    [90, 90, 0],
    // Somebody sets the wall clock back; the machine sleeps.
    [-120, 10, 50],
    [40, 10, 20],
  ])('%s minutes later by the wall, %s by the other clock: %s', (wall, monotonic, left) => {
    expect(accessTokenLeftMs(hourLong, clockAt(wall * minute, monotonic * minute))).toBe(left * minute)
  })

  test('is nothing where there is none', () => {
    expect(accessTokenLeftMs(undefined, start)).toBe(0)
  })

  test('is an hour, as Autodesk’s documents say, where the answer does not', () => {
    expect(accessTokenLeftMs(timeAccessToken(new Secret('token'), {}, start), start)).toBe(3_599_000)
  })
})

test('an access token that is said to live for ever ends at a moment that a calendar holds', () => {
  for (const expiresInS of [Number.MAX_SAFE_INTEGER, Number.MAX_VALUE]) {
    const { expiresAt } = timeAccessToken(new Secret('token'), { expiresInS }, start)
    expect(new Date(expiresAt).getUTCFullYear()).toBe(1971)
  }
})

describe('a token is enough', () => {
  test.each([
    [5, 0, true],
    [5, 55, true],
    [5, 56, false],
    [0, 59, true],
    [0, 60, false],
    // More than Autodesk grants: half its life is what anybody gets.
    [600, 30, true],
    [600, 31, false],
  ])('for who wants %s minutes, after %s: %s', (wanted, after, enough) => {
    expect(hasEnoughLeft(hourLong, wanted * minute, clockAt(after * minute, after * minute))).toBe(enough)
  })

  test('only if there is one', () => {
    expect(hasEnoughLeft(undefined, 0, start)).toBe(false)
  })
})
