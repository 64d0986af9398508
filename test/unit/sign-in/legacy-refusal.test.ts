import { describe, expect, test } from 'vitest'
import { SiteFault } from '../../../src/shotgrid/faults.ts'
import { explainRefusal, type RefusedTry, takesNoPassphrases } from '../../../src/sign-in/legacy-refusal.ts'

const site = 'https://studio.shotgrid.autodesk.com'
const echoed = "Can't authenticate user 'artist' with 'correct horse battery staple'"

interface Row {
  readonly fault: number | undefined
  readonly on?: string
  readonly tries?: number
  readonly code?: boolean
}

function explain({ fault, on = 'default', tries = 1, code = false }: Row) {
  const refused: RefusedTry = {
    fault: new SiteFault(echoed, fault),
    site,
    info: { authentication: on, hasLauncher: true },
    refusedTries: tries,
    codeGiven: code,
  }
  return explainRefusal(refused)
}

describe('what a refusal means', () => {
  test.each<[string, Row, string, RegExp, RegExp]>([
    [
      'a wrong login or passphrase on a site of its own',
      { fault: 102 },
      'passphrase_rejected',
      /did not accept login and passphrase; .*disabled or locked/,
      /not the Autodesk password.*in a browser.*administrator/,
    ],
    [
      'the same where a code was given: it may be the code',
      { fault: 102, code: true },
      'passphrase_rejected',
      /login, passphrase and two-factor code/,
      /wait for the next one/,
    ],
    [
      'the same where the directory of the company judges',
      { fault: 102, on: 'ldap' },
      'passphrase_rejected',
      /did not accept/,
      /directory \(LDAP\)/,
    ],
    [
      'the same on a site of a kind that nobody knows yet',
      { fault: 102, on: 'passkeys' },
      'passphrase_rejected',
      /did not accept/,
      /administrator/,
    ],
    [
      'anything wrong at all on an Identity site',
      { fault: 102, on: 'oxygen' },
      'personal_access_token_required',
      /Autodesk Identity .*missing or deleted, no passphrase was ever set, or the user is disabled or locked/,
      /Account Settings.*profile\.autodesk\.com.*product scope.*bind it.*about an hour/s,
    ],
    [
      'the number that Identity sites have for it',
      { fault: 110, on: 'oxygen' },
      'personal_access_token_required',
      /only with a valid Personal Access Token/,
      /bind it/,
    ],
    [
      'that number from a site that calls itself something else',
      { fault: 110 },
      'personal_access_token_required',
      /Personal Access Token/,
      /bind it/,
    ],
    ['a missing code', { fault: 106 }, 'two_factor_required', /asks for a two-factor code/, /authenticator/],
    [
      'a code that the site did not see',
      { fault: 106, code: true },
      'two_factor_required',
      /asks for one again/,
      /authenticator/,
    ],
    [
      'the company’s own sign-in',
      { fault: 108, on: 'saml2' },
      'legacy_sign_in_unavailable',
      /company's own sign-in only \(saml2\)/,
      /"web"/,
    ],
    [
      'a fault about something else',
      { fault: 100 },
      'site_unreachable',
      /did not judge the login: .*number 100/,
      /tell IT/,
    ],
    ['a fault without a number', { fault: undefined }, 'site_unreachable', /without a number/, /tell IT/],
  ])('%s', (_what, row, code, message, advice) => {
    const error = explain(row)
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(error.advice).toMatch(advice)
    expect(error.message).toContain(`"${site}"`)
  })

  test.each([
    ['default', 1, false],
    ['default', 2, false],
    ['default', 3, true],
    ['ldap', 4, true],
    ['oxygen', 2, false],
    ['oxygen', 3, true],
  ])('on a %s site the refused try number %i warns of a locked user: %s', (on, tries, warns) => {
    const error = explain({ fault: 102, on, tries })
    const warning = `After ${tries} refused tries it may have locked the user, and does not say until when`
    expect(error.message.includes(warning)).toBe(warns)
    expect(error.advice.includes('Do not go on guessing: wait a while, or ask an administrator')).toBe(warns)
  })

  test('repeats nothing of what the site wrote, and does not keep it as a cause', () => {
    for (const fault of [100, 102, 106, 108, 110, undefined]) {
      for (const on of ['default', 'ldap', 'oxygen', 'saml2']) {
        const error = explain({ fault, on, tries: 5, code: true })
        expect(`${error.message}${error.advice}`).not.toMatch(/battery|'artist'/)
        expect(error.cause).toBeUndefined()
      }
    }
  })

  test('fits into an answer of the socket, also for a long address', () => {
    const longest = `https://${'a'.repeat(63)}.shotgrid.autodesk.com`
    for (const fault of [100, 102, 106, 108, 110]) {
      for (const authentication of ['default', 'ldap', 'oxygen', 'saml2']) {
        const error = explainRefusal({
          fault: new SiteFault('', fault),
          site: longest,
          info: { authentication, hasLauncher: false },
          refusedTries: 12,
          codeGiven: true,
        })
        expect(error.message.length).toBeLessThanOrEqual(1_000)
        expect(error.advice.length).toBeLessThanOrEqual(1_000)
      }
    }
  })
})

test('a site with the company’s own sign-in names the way it does offer', () => {
  const withLauncher = takesNoPassphrases(site, { authentication: 'saml2', hasLauncher: true })
  const without = takesNoPassphrases(site, { authentication: 'saml2', hasLauncher: false })
  expect([withLauncher.code, without.code]).toEqual(['legacy_sign_in_unavailable', 'legacy_sign_in_unavailable'])
  expect(withLauncher.advice).toMatch(/through the browser, which this site offers/)
  expect(without.advice).toMatch(/switch on the App Session Launcher .* or to name a broker/)
})
