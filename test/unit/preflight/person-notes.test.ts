import { expect, test } from 'vitest'
import type { PersonFacts } from '../../../src/preflight/person-facts.ts'
import { notesOn } from '../../../src/preflight/person-notes.ts'
import { factsOf, infoOf, someUser } from './facts.ts'

const codes = (changes: Partial<PersonFacts>): string[] => notesOn(factsOf(changes)).map(({ code }) => code)
const always = ['tools_unseen', 'token_believed', 'two_revocations', 'foreign_passphrase']
const newUser = { ...someUser, login: 'Artist@studio.example' }
const accepted: PersonFacts['passphrase'] = { login: 'old-login', withCode: false, outcome: { accepted: true } }
const refused: PersonFacts['passphrase'] = {
  login: 'old-login',
  withCode: false,
  outcome: { accepted: false, code: 'passphrase_rejected', says: '', next: '' },
}

test.each<[string, Partial<PersonFacts>, string[]]>([
  ['nobody knows who', {}, [...always, 'activating_people']],
  ['an artist with an old login', { user: someUser }, ['old_login', ...always]],
  ['an artist whose login is the address', { user: newUser }, ['new_user', ...always]],
  ['an artist whose address is hidden', { user: { ...someUser, email: undefined } }, always],
  [
    'an artist whose address others have',
    { user: { ...someUser, namesakes: ['x'] } },
    ['old_login', 'shared_email', ...always],
  ],
  [
    'an administrator',
    { user: { ...someUser, permissionGroup: 'admin' } },
    ['old_login', ...always, 'activating_people'],
  ],
  ['a vendor', { user: { ...someUser, permissionGroup: 'vendor' } }, ['old_login', ...always]],
  [
    'somebody whose group is hidden',
    { user: { ...someUser, permissionGroup: undefined } },
    ['old_login', ...always, 'activating_people'],
  ],
  ['a try that was taken', { user: someUser, passphrase: accepted }, ['old_login', ...always, 'session_left']],
  ['a try that was refused', { user: someUser, passphrase: refused }, ['old_login', ...always]],
  ['a new user of a SAML site', { user: newUser, info: infoOf('saml2') }, ['tools_unseen']],
])('%s hears what fits', (_who, changes, expected) => {
  expect(codes(changes)).toEqual(expected)
})

test('a passphrase that somebody else set has a way out, and both ways to revoke are named', () => {
  const said = Object.fromEntries(notesOn(factsOf()).map(({ code, says }) => [code, says]))
  expect(said['foreign_passphrase']).toMatch(
    /if no work hangs on the user, .* trash and invites you again; else Autodesk support/,
  )
  expect(said['two_revocations']).toMatch(/change the passphrase .* or delete the token/)
  expect(said['activating_people']).toMatch(/"sg_status_list" to "act".*administrator in person.*"sudo_as_login"/)
})
