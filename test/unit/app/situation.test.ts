import { describe, expect, test } from 'vitest'
import { clockTime, isCutOff, isSignInUnderWay, minutesToEnd } from '../../../app/situation.ts'
import { errorCodes } from '../../../src/errors.ts'
import { at, minute, signedIn, signedOut, signingIn, site, situation } from './situations.ts'

describe('how near the end is', () => {
  const endingIn = (ms: number, remindBeforeMs = 30 * minute): number | undefined =>
    minutesToEnd(site({ ...signedIn, signInEndsAt: at(10) + ms }), situation({ remindBeforeMs }))

  test.for([
    [30 * minute + 1, undefined],
    [30 * minute, 30],
    [29 * minute + 1, 30],
    [minute, 1],
    [1, 1],
    [0, 0],
    [-5 * minute, 0],
  ] as const)('%i ms before it: %s minutes', ([ms, minutes]) => expect(endingIn(ms)).toBe(minutes))

  test('who wants no reminder sees no countdown before the end itself', () => {
    expect(endingIn(1, 0)).toBeUndefined()
    expect(endingIn(0, 0)).toBe(0)
  })

  test('nobody who is not signed in is near an end', () => {
    expect(minutesToEnd(site({ ...signedOut, signInEndsAt: at(10) }), situation())).toBeUndefined()
    expect(minutesToEnd(site({ ...signingIn, signInEndsAt: at(10) }), situation())).toBeUndefined()
    expect(minutesToEnd(site({ state: 'signed_in' }), situation())).toBeUndefined()
  })
})

describe('a sign-in is under way', () => {
  const credentials = { wantsCode: false, refusal: undefined }
  test.for([
    ['when nobody is signed in yet', site(signingIn), true],
    ['waiting for login and passphrase', site(signingIn, { credentials }), true],
    ['waiting for them, behind the session of before', site(signedIn, { credentials }), true],
    ['at the browser, behind the session of before', site(signedIn, { waitsForBrowser: true }), true],
    ['before the browser, behind the session of before', site({ ...signedIn, reason: 'sign_in_started' }), true],
    ['not once it is done', site(signedIn), false],
    ['not once it has failed', site({ ...signedIn, reason: 'sign_in_timeout' }), false],
    ['not after signing out', site({ ...signedOut, reason: 'signed_out' }), false],
  ] as const)('%s', ([, one, expected]) => expect(isSignInUnderWay(one)).toBe(expected))
})

test('cut off is who could not reach site, identity or broker, and nobody else', () => {
  const cutOff = errorCodes.filter((problem) => isCutOff(site({ ...signedIn, problem })))
  expect(cutOff).toEqual(['site_unreachable', 'identity_unreachable', 'broker_unreachable'])
  expect(isCutOff(site(signedIn))).toBe(false)
})

describe('a moment as people read it', () => {
  const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, ' ')

  test('is the time alone today, in the way of the language', () => {
    expect(plain(clockTime(at(19, 5), at(10), 'en'))).toBe('7:05 PM')
    expect(plain(clockTime(at(19, 5), at(10), 'fr'))).toBe('19:05')
    expect(plain(clockTime(at(0), at(23, 59), 'fr'))).toMatch(/^0?0:00$/)
  })

  test('has the weekday tomorrow and yesterday, however few hours away', () => {
    expect(plain(clockTime(at(24, 10), at(23, 59), 'en'))).toBe('Wed 12:10 AM')
    expect(plain(clockTime(at(24, 10), at(23, 59), 'fr'))).toBe('mer. 00:10')
    expect(plain(clockTime(at(-1, 30), at(0, 1), 'fr'))).toBe('lun. 23:30')
  })

  test('has it too on the same day of another week', () => {
    expect(plain(clockTime(at(7 * 24 + 19), at(19), 'fr'))).toBe('mar. 19:00')
  })
})
