import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../../src/errors.ts'
import { judgePerson, wayOf } from '../../../src/preflight/judge-person.ts'
import { type PersonFacts, type Subject, subjects } from '../../../src/preflight/person-facts.ts'
import { factsOf, infoOf, nowMs, someUser } from './facts.ts'

const broker = { url: 'https://broker.example' }

function on(subject: Subject, changes: Partial<PersonFacts> = {}) {
  const finding = judgePerson(factsOf(changes)).find((one) => one.subject === subject)
  if (!finding) throw new Error(`nothing was found on "${subject}"`)
  return finding
}
const stateOf = (subject: Subject, changes: Partial<PersonFacts> = {}): string => {
  const { state, evidence } = on(subject, changes)
  return `${state}, ${evidence}`
}
const lastFailed = (code: ErrorCode): Partial<PersonFacts> => ({
  broker,
  agent: {
    signedIn: false,
    problem: { code: 'login_required', says: 'nobody is signed in', next: 'Sign in.' },
    last: { code, says: `said of ${code}`, next: `done about ${code}` },
  },
})
const signedIn = (obtainedBy: string, account?: string): Partial<PersonFacts> => ({
  agent: { signedIn: true, login: 'old-login', userId: 12, obtainedBy, ...(account ? { account } : {}) },
})
const taken: Partial<PersonFacts> = {
  passphrase: { login: 'old-login', withCode: false, outcome: { accepted: true } },
}

test('there is one finding on each subject, always', () => {
  for (const authentication of ['default', 'ldap', 'saml2', 'oxygen', 'something-new']) {
    const found = judgePerson(factsOf({ info: infoOf(authentication) }))
    expect(found.map(({ subject }) => subject)).toEqual([...subjects])
  }
})

test('a thing is missing only where there is something to do about it, and what cannot be seen is never missing or ok', () => {
  const codes: ErrorCode[] = ['account_disabled', 'account_not_mapped', 'account_ambiguous', 'privileged_account']
  const all = [
    factsOf(),
    ...codes.map((code) => factsOf(lastFailed(code))),
    factsOf({ user: { ...someUser, status: 'dis', canBeImpersonated: false, lockedUntil: nowMs + 1 }, broker }),
    factsOf({ info: infoOf('saml2', false) }),
  ].flatMap(judgePerson)
  for (const { state, evidence, next } of all) {
    if (state === 'missing') expect(next).toMatch(/\w/)
    if (evidence === 'cannot_be_seen') expect(state).toBe('unknown')
  }
})

describe('the site', () => {
  test.each([
    ['default', /own login and passphrase; the site has not moved .* two buttons$/],
    ['ldap', /directory \(LDAP\); the site has not moved/],
    ['saml2', /company’s own sign-in \(SAML\); the site has not moved/],
    ['oxygen', /Autodesk Identity; the site has moved/],
    ['something-new', /"something-new", which sg-session does not know; the site has not moved/],
  ])('"%s" is said in words', (authentication, said) => {
    expect(on('site', { info: infoOf(authentication) })).toMatchObject({
      state: 'ok',
      says: expect.stringMatching(said),
    })
  })

  test('one that hides its version is said to', () => {
    const info = { version: undefined, authentication: 'oxygen', hasLauncher: true }
    expect(on('site', { info }).says).toContain('ShotGrid of an unknown version')
  })
})

describe('the sign-in in the browser', () => {
  const unserved = { code: 'site_unknown', says: 'it does not serve the site', next: 'Ask IT.' } as const
  const down = { code: 'broker_unreachable', says: 'it is down', next: 'Try again.' } as const
  test.each<[string, Partial<PersonFacts>, string, string]>([
    ['a broker that serves the site', { broker }, 'broker', 'ok, tried'],
    ['a broker that does not serve it', { broker: { ...broker, problem: unserved } }, 'broker', 'missing, tried'],
    ['a broker that is down', { broker: { ...broker, problem: down } }, 'broker', 'unknown, tried'],
    ['a broker that is wanted and not named', { signIn: 'broker' }, 'broker', 'missing, known'],
    ['the launcher of the site', {}, 'web', 'ok, known'],
    ['the launcher, chosen before a broker', { broker, signIn: 'web' }, 'web', 'ok, known'],
    ['the launcher, chosen and off', { signIn: 'web', info: infoOf('oxygen', false) }, 'web', 'missing, known'],
    ['a passphrase, where the launcher is off', { info: infoOf('oxygen', false) }, 'legacy', 'not_needed, known'],
    ['a passphrase, because it was chosen', { signIn: 'legacy' }, 'legacy', 'not_needed, known'],
    ['nothing, on a SAML site without launcher', { info: infoOf('saml2', false) }, 'none', 'missing, known'],
  ])('goes by %s', (_what, changes, way, state) => {
    expect(wayOf(factsOf(changes))).toBe(way)
    expect(stateOf('browser_sign_in', changes)).toBe(state)
  })

  test('a broker’s own words are passed on', () => {
    expect(on('browser_sign_in', { broker: { ...broker, problem: down } })).toMatchObject({
      says: 'it is down',
      next: 'Try again.',
    })
  })
})

describe('whom the broker takes the account for', () => {
  const shared = { ...someUser, namesakes: ['other-1', 'other-2'] }
  test.each<[string, Partial<PersonFacts>, string]>([
    ['nobody looks without a broker', {}, 'not_needed, known'],
    ['a sign-in through it proves it', { broker, ...signedIn('broker', 'me@autodesk.example') }, 'ok, tried'],
    ['one around it does not', { broker, ...signedIn('web') }, 'unknown, cannot_be_seen'],
    ['an account it does not know', lastFailed('account_not_mapped'), 'missing, tried'],
    ['an address of several users', lastFailed('account_ambiguous'), 'missing, tried'],
    ['a refusal for something else', lastFailed('account_disabled'), 'unknown, cannot_be_seen'],
    ['an address others have too', { broker, user: shared }, 'unknown, known'],
    [
      'an address others have too, and a sign-in that worked',
      { broker, user: shared, ...signedIn('broker') },
      'ok, tried',
    ],
    ['an address of one’s own', { broker, user: someUser }, 'unknown, cannot_be_seen'],
  ])('%s', (_what, changes, state) => {
    expect(stateOf('mapping', changes)).toBe(state)
  })

  test('the account is named, and so are the first five who share the address', () => {
    expect(on('mapping', { broker, ...signedIn('broker', 'me@autodesk.example') }).says).toBe(
      'the broker took the Autodesk account "me@autodesk.example" for HumanUser 12 ("old-login")',
    )
    const namesakes = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const finding = on('mapping', { broker, user: { ...someUser, namesakes } })
    expect(finding.says).toContain('"artist@studio.example" is also the address of "a", "b", "c", "d", "e", 2 more')
    expect(finding.next).toContain('sg-broker people set --email ADDRESS --user-id 12')
  })
})

describe('whether the broker may act for the person', () => {
  test.each<[string, Partial<PersonFacts>, string]>([
    ['no broker', {}, 'not_needed, known'],
    ['it has done so', { broker, ...signedIn('broker') }, 'ok, tried'],
    ['the box is ticked', { broker, user: someUser }, 'ok, known'],
    ['the box is not ticked', { broker, user: { ...someUser, canBeImpersonated: false } }, 'missing, known'],
    ['the box is empty', { broker, user: { ...someUser, canBeImpersonated: null } }, 'unknown, cannot_be_seen'],
    ['the box is hidden', { broker, user: { ...someUser, canBeImpersonated: undefined } }, 'unknown, cannot_be_seen'],
    ['nobody is there to look', { broker }, 'unknown, cannot_be_seen'],
    ['it refuses administrators', lastFailed('privileged_account'), 'missing, tried'],
  ])('%s', (_what, changes, state) => {
    expect(stateOf('impersonation', changes)).toBe(state)
  })

  test('the group is said, since the broker’s policy goes by it', () => {
    const user = { ...someUser, permissionGroup: 'admin' }
    expect(on('impersonation', { broker, user }).says).toContain('your permission group is "admin"')
  })
})

describe('the seat', () => {
  test.each<[string, Partial<PersonFacts>, string]>([
    ['active', { user: someUser }, 'ok, known'],
    ['disabled', { user: { ...someUser, status: 'dis' } }, 'missing, known'],
    ['a status of the studio’s own', { user: { ...someUser, status: 'hold' } }, 'missing, known'],
    ['a status that is hidden', { user: { ...someUser, status: undefined } }, 'unknown, cannot_be_seen'],
    [
      'a status that is hidden, and a sign-in that worked',
      { user: { ...someUser, status: undefined }, ...taken },
      'ok, tried',
    ],
    ['nobody signed in', {}, 'unknown, cannot_be_seen'],
    ['nobody signed in, and the last sign-in was refused', lastFailed('account_disabled'), 'missing, tried'],
    [
      'nobody signed in, and the last sign-in failed otherwise',
      lastFailed('sign_in_cancelled'),
      'unknown, cannot_be_seen',
    ],
    ['somebody whom the site does not show', signedIn('web'), 'unknown, cannot_be_seen'],
  ])('%s', (_what, changes, state) => {
    expect(stateOf('seat', changes)).toBe(state)
  })

  test('why nobody could look is said', () => {
    expect(on('seat').says).toContain('nobody is signed in')
    expect(on('seat', signedIn('web')).says).toContain('the site does not show the user of the session')
  })
})

describe('the lock', () => {
  test.each<[string, Partial<PersonFacts>, string]>([
    ['to come to its end', { user: { ...someUser, lockedUntil: nowMs + 1 } }, 'missing, known'],
    ['that is over', { user: { ...someUser, lockedUntil: nowMs } }, 'ok, known'],
    ['that never was', { user: someUser }, 'ok, known'],
    ['that is hidden', { user: { ...someUser, lockedUntil: undefined } }, 'unknown, cannot_be_seen'],
    [
      'that is hidden from somebody who got in',
      { user: { ...someUser, lockedUntil: undefined }, ...taken },
      'ok, tried',
    ],
    ['that nobody can look at', {}, 'unknown, cannot_be_seen'],
  ])('%s', (_what, changes, state) => {
    expect(stateOf('lock', changes)).toBe(state)
  })
})
