import { describe, expect, test } from 'vitest'
import { type ErrorCode, errorCodes } from '../../../src/errors.ts'
import { judgePerson } from '../../../src/preflight/judge-person.ts'
import type { PersonFacts, Subject } from '../../../src/preflight/person-facts.ts'
import { factsOf, infoOf, someUser } from './facts.ts'

const legacySubjects = ['legacy_sign_in', 'passphrase', 'personal_access_token', 'two_factor'] as const

/** The four states in one line, as `ok! missing! unknown- …`: `!` tried, `=` known, `-` cannot be seen. */
function line(changes: Partial<PersonFacts>): string {
  const marks = { tried: '!', known: '=', cannot_be_seen: '-' } as const
  return legacySubjects
    .map((subject) => on(subject, changes))
    .map(({ state, evidence }) => state + marks[evidence])
    .join(' ')
}
function on(subject: Subject, changes: Partial<PersonFacts>) {
  const finding = judgePerson(factsOf(changes)).find((one) => one.subject === subject)
  if (!finding) throw new Error(`nothing was found on "${subject}"`)
  return finding
}
const tried = (code: ErrorCode | 'accepted', withCode = false, login = 'old-login'): Partial<PersonFacts> => ({
  passphrase: {
    login,
    withCode,
    outcome:
      code === 'accepted' ? { accepted: true } : { accepted: false, code, says: `said of ${code}`, next: 'Do it.' },
  },
})
const site = (authentication: string): Partial<PersonFacts> => ({ info: infoOf(authentication) })

describe('login and passphrase, by site and outcome', () => {
  test.each<[string, Partial<PersonFacts>, string]>([
    ['default, not tried', site('default'), 'unknown- unknown- unknown- unknown-'],
    ['ldap, not tried', site('ldap'), 'unknown- unknown- unknown- unknown-'],
    ['unheard of, not tried', site('something-new'), 'unknown- unknown- unknown- unknown-'],
    ['oxygen, not tried', site('oxygen'), 'unknown- unknown- unknown- not_needed='],
    ['saml2', site('saml2'), 'not_needed= not_needed= not_needed= not_needed='],
    [
      'saml2, where sg-session is told to',
      { ...site('saml2'), signIn: 'legacy' },
      'missing= not_needed= not_needed= not_needed=',
    ],
    ['default, taken', { ...site('default'), ...tried('accepted') }, 'ok! ok! not_needed! not_needed!'],
    ['default, taken with a code', { ...site('default'), ...tried('accepted', true) }, 'ok! ok! not_needed! ok!'],
    ['oxygen, taken', { ...site('oxygen'), ...tried('accepted') }, 'ok! ok! ok! not_needed='],
    ['oxygen, taken with a code', { ...site('oxygen'), ...tried('accepted', true) }, 'ok! ok! ok! ok!'],
    [
      'default, refused',
      { ...site('default'), ...tried('passphrase_rejected') },
      'missing! missing! unknown! unknown!',
    ],
    ['ldap, refused', { ...site('ldap'), ...tried('passphrase_rejected') }, 'missing! missing! unknown! unknown!'],
    [
      'default, refused with a code',
      { ...site('default'), ...tried('passphrase_rejected', true) },
      'missing! missing! unknown! unknown!',
    ],
    [
      'oxygen, refused',
      { ...site('oxygen'), ...tried('personal_access_token_required') },
      'missing! unknown! unknown! not_needed=',
    ],
    [
      'default, refused with the number for tokens',
      { ...site('default'), ...tried('personal_access_token_required') },
      'missing! unknown! unknown! unknown!',
    ],
    [
      'default, a code is wanted',
      { ...site('default'), ...tried('two_factor_required') },
      'missing! unknown! unknown! missing!',
    ],
    [
      'default, the code was not taken',
      { ...site('default'), ...tried('two_factor_required', true) },
      'missing! unknown! unknown! missing!',
    ],
    [
      'default, and yet no passphrase is taken from anybody',
      { ...site('default'), ...tried('legacy_sign_in_unavailable') },
      'missing! not_needed! not_needed! not_needed!',
    ],
    [
      'default, the site went away',
      { ...site('default'), ...tried('site_unreachable') },
      'unknown! unknown! unknown! unknown!',
    ],
  ])('%s', (_what, changes, expected) => {
    expect(line(changes)).toBe(expected)
  })

  test('no code of the table, whatever it is, leaves it open what became of the try', () => {
    for (const code of errorCodes) {
      for (const authentication of ['default', 'oxygen']) {
        expect(on('legacy_sign_in', { ...site(authentication), ...tried(code) })).toMatchObject({
          state: expect.stringMatching(/^(missing|unknown)$/),
          evidence: 'tried',
          says: `said of ${code}`,
        })
      }
    }
  })
})

describe('what is said', () => {
  test.each([
    ['no_terminal', 'there is no terminal to ask for the passphrase at'],
    ['declined', 'you did not ask for it'],
    ['pointless', 'it can lead nowhere on this site'],
  ] as const)('without a try (%s), why there was none', (notTried, why) => {
    expect(on('legacy_sign_in', { passphrase: { notTried } })).toMatchObject({
      says: expect.stringContaining(why),
      next: expect.stringContaining('--try-legacy'),
    })
  })

  test('another login than one’s own is said first, with the hint that it was the address', () => {
    const user = someUser
    const next = (login: string) =>
      on('legacy_sign_in', { user, ...tried('personal_access_token_required', false, login) }).next
    expect(next('old-login')).toBe('Do it.')
    expect(next('somebody')).toBe('You tried "somebody"; your login is "old-login". Do it.')
    expect(next('Artist@Studio.example')).toBe(
      'You tried "Artist@Studio.example"; your login is "old-login", which is not your e-mail address. Do it.',
    )
  })

  test('that a deleted token can look valid, where one was taken', () => {
    expect(on('personal_access_token', tried('accepted')).says).toContain('within about the last hour')
  })

  test('that a token is needed once the site has moved, where none was asked for', () => {
    const finding = on('personal_access_token', { ...site('default'), ...tried('accepted') })
    expect(finding.says).toContain('after it has moved')
    expect(finding.next).toContain('https://profile.autodesk.com')
  })
})
