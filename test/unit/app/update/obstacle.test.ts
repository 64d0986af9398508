import { expect, test } from 'vitest'
import { mayRestart, obstacleOf } from '../../../../app/update/obstacle.ts'
import { question, signedIn, signedOut, signingIn, site, situation } from '../situations.ts'

const alone = { anyWindow: false, handsOver: false, isBusy: false }
const handing = { ...alone, handsOver: true }

test('nothing is in the way of a restart while nobody is signed in and no window is open', () => {
  expect(obstacleOf(situation(), alone)).toBeUndefined()
  expect(obstacleOf(situation({ sites: [] }), alone)).toBeUndefined()
})

test('a question about a program is, whatever else there is', () => {
  expect(obstacleOf(situation({ question: question(), sites: [site(signedIn)] }), alone)).toBe('question')
})

test.each([
  ['that has begun', site(signingIn)],
  ['at the browser', site(signingIn, { waitsForBrowser: true })],
  ['as somebody else, behind a session that is held', site({ ...signedIn, reason: 'sign_in_started' })],
  ['that waits for a login and passphrase', site(signingIn, { credentials: { wantsCode: false, refusal: undefined } })],
])('a sign-in %s is, even where sessions are handed over', (_what, one) => {
  expect(obstacleOf(situation({ sites: [site(signedOut), one] }), handing)).toBe('sign-in')
})

test('a session is, but where it is handed over', () => {
  const sites = [site(signedOut), site(signedIn)]
  expect(obstacleOf(situation({ sites }), alone)).toBe('session')
  expect(obstacleOf(situation({ sites }), handing)).toBeUndefined()
})

test('work that is not to be cut in the middle is, a renewal for one, even where sessions are handed over', () => {
  const sites = [site(signedIn)]
  expect(obstacleOf(situation({ sites }), { ...handing, isBusy: true })).toBe('work')
  expect(obstacleOf(situation({ sites }), { ...alone, isBusy: true })).toBe('session')
})

test('an open window is, and the artist may restart all the same; nothing else is theirs alone', () => {
  expect(obstacleOf(situation(), { ...alone, anyWindow: true })).toBe('window')
  const all = [undefined, 'window', 'question', 'sign-in', 'session', 'work', 'start'] as const
  expect(all.filter((one) => mayRestart(one))).toEqual([undefined, 'window'])
})
