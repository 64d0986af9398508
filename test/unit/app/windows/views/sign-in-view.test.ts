import { describe, expect, test } from 'vitest'
import type { SiteSituation } from '../../../../../app/situation.ts'
import type { Language } from '../../../../../app/strings/catalogue.ts'
import type { SignInView } from '../../../../../app/windows/contract.ts'
import { signInView } from '../../../../../app/windows/views/sign-in-view.ts'
import { errorCodes } from '../../../../../src/errors.ts'
import { english, french, hostileNames, signedIn, signedOut, signingIn, site, studio } from '../../situations.ts'
import { demandPossible } from './possible.ts'

function view(one: SiteSituation, language: Language = english): SignInView {
  const made = signInView(one, language)
  demandPossible(made)
  return made
}

const labels = ({ actions }: SignInView): string[] => actions.map(({ label }) => label)
const switching = { ...signedIn, reason: 'sign_in_started' } as const

describe('the window of a sign-in', () => {
  test.for([
    ['nobody is signed in', signingIn],
    ['somebody else still is', switching],
  ] as const)('begins with a moment’s patience, when %s', ([, status]) => {
    const made = view(site(status))
    expect(made).toMatchObject({
      state: 'starting',
      headline: 'One moment…',
      text: 'Getting ready to sign in to Studio Example.',
    })
    expect([labels(made), made.paste, made.problem]).toEqual([['Cancel'], undefined, undefined])
  })

  test.for([
    ['nobody is signed in', signingIn],
    ['somebody else still is', switching],
    ['somebody else still is, and was renewed meanwhile', { ...signedIn, reason: 'renewed' }],
  ] as const)('sends to the browser, when %s', ([, status]) => {
    const made = view(site(status, { waitsForBrowser: true }))
    expect(made).toMatchObject({ state: 'waiting', headline: 'Finish in your browser', title: 'Sign in' })
    expect(labels(made)).toEqual(['Open the browser again', 'Copy link', 'Cancel'])
    expect(made.actions[1]?.done).toBe('Copied')
    expect(made.paste).toMatchObject({ site: studio, submit: 'Use this address' })
    expect(made.problem).toBeUndefined()
  })

  test('says when no browser could be started, and how to go on', () => {
    const made = view(site(signingIn, { waitsForBrowser: true, browserFailed: true }))
    expect(made.state).toBe('waiting')
    expect(made.problem).toEqual({
      tone: 'warning',
      sentence: 'The browser could not be started.',
      advice: 'Copy the link and open it in any browser.',
    })
  })

  test('ends with the artist signed in', () => {
    const made = view(site(signedIn))
    expect(made).toMatchObject({ state: 'done', headline: 'You are signed in' })
    expect(made.actions).toEqual([{ label: 'Close', kind: 'primary', call: 'closeWindow', args: {} }])
  })

  test.for([
    ['cancelled', { ...signedOut, reason: 'sign_in_cancelled' }],
    ['cancelled, and somebody else still signed in', { ...signedIn, reason: 'sign_in_cancelled' }],
    ['signed out meanwhile', { ...signedOut, reason: 'signed_out' }],
    ['ended by the locked screen', { ...signedOut, reason: 'screen_locked' }],
    ['never begun', signedOut],
  ] as const)('ends %s, and can be tried again', ([, status]) => {
    const made = view(site(status))
    expect(made).toMatchObject({ state: 'failed', headline: 'The sign-in was cancelled' })
    expect([labels(made), made.problem]).toEqual([['Try again', 'Close'], undefined])
  })

  test.for(errorCodes.filter((code) => code !== 'sign_in_cancelled'))(
    'ends with %s: what happened, what to do, and it can be tried again',
    (reason) => {
      for (const status of [signedOut, signedIn]) {
        const made = view(site({ ...status, reason }))
        expect(made).toMatchObject({ state: 'failed', headline: 'That did not work', text: '' })
        expect(made.problem).toEqual({ tone: 'error', ...english.strings.errors[reason] })
        expect(made.actions[0]).toMatchObject({ call: 'signIn', args: { site: studio } })
        expect(made.paste).toBeUndefined()
      }
    },
  )
})

test('in French it says the same', () => {
  const headlines = [
    site(signingIn),
    site(signingIn, { waitsForBrowser: true }),
    site(signedIn),
    site({ ...signedOut, reason: 'sign_in_cancelled' }),
    site({ ...signedOut, reason: 'access_denied' }),
  ].map((one) => view(one, french).headline)
  expect(headlines).toEqual([
    'Un instant…',
    'Terminez dans votre navigateur',
    'Vous êtes connecté',
    'La connexion a été annulée',
    'Cela n’a pas fonctionné',
  ])
  const made = view(site(signingIn, { waitsForBrowser: true }), french)
  expect(made.text).toBe(
    'Connectez-vous à Studio Example avec votre compte Autodesk. Cette fenêtre se fermera d’elle-même.',
  )
  expect(labels(made)).toEqual(['Rouvrir le navigateur', 'Copier le lien', 'Annuler'])
  expect(made.paste?.label).toBe('Le navigateur s’est arrêté sur une page inaccessible\u202f?')
})

test.for(hostileNames)('a site called %j is data, and where to sign in is not its name', (name) => {
  const made = view(site(signingIn, { name, waitsForBrowser: true }))
  expect(made.text).toContain(`Sign in to ${name} with`)
  expect(made.actions).toEqual(view(site(signingIn, { waitsForBrowser: true })).actions)
})
