import { describe, expect, test } from 'vitest'
import type { CredentialsWanted, SiteSituation } from '../../../../../app/situation.ts'
import type { Language } from '../../../../../app/strings/catalogue.ts'
import type { SignInView } from '../../../../../app/windows/contract.ts'
import { signInView } from '../../../../../app/windows/views/sign-in-view.ts'
import { errorCodes } from '../../../../../src/errors.ts'
import type { SiteStatus } from '../../../../../src/session/changes.ts'
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

  test('sends to the site to approve there, where no address comes back that could be pasted', () => {
    const made = view(site(signingIn, { waitsForBrowser: true, takesRedirect: false }))
    expect(made).toMatchObject({ state: 'waiting', headline: 'Approve in your browser' })
    expect(made.text).toBe(
      'Studio Example asks there whether sg-session may sign you in. Say yes, and this window closes by itself.',
    )
    expect(labels(made)).toEqual(['Open the browser again', 'Copy link', 'Cancel'])
    expect(made.paste).toBeUndefined()
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
        const headline = reason === 'access_denied' ? 'The sign-in was declined' : 'That did not work'
        expect(made).toMatchObject({ state: 'failed', headline, text: '' })
        expect(made.problem).toEqual({ tone: 'error', ...english.strings.errors[reason] })
        expect(made.actions[0]).toMatchObject({ call: 'signIn', args: { site: studio } })
        expect(made.paste).toBeUndefined()
      }
    },
  )
})

describe('the window that asks for login and passphrase', () => {
  const wanted = (change: Partial<CredentialsWanted> = {}, status: Partial<SiteStatus> = signingIn): SiteSituation =>
    site(status, { credentials: { wantsCode: false, refusal: undefined, ...change } })

  test.for([
    ['nobody is signed in', signingIn],
    ['somebody else still is', switching],
    ['somebody else still is, and was renewed meanwhile', { ...signedIn, reason: 'renewed' }],
  ] as const)('has two lines to fill in, when %s, and no word of a browser', ([, status]) => {
    const made = view(wanted({}, status))
    expect(made).toMatchObject({ state: 'asking', headline: 'Sign in to Studio Example', title: 'Sign in' })
    // The address, not what somebody calls the site.
    expect(made.text).toBe('Your passphrase goes to studio-example.shotgrid.example once, and is kept nowhere.')
    expect(made.credentials).toMatchObject({
      site: studio,
      login: { label: 'ShotGrid login' },
      passphrase: { label: 'ShotGrid passphrase', hint: 'Not the password of your Autodesk account.' },
      submit: 'Sign in',
    })
    expect(made.credentials?.code).toBeUndefined()
    expect([labels(made), made.problem, made.help, made.paste]).toEqual([['Cancel'], undefined, undefined, undefined])
    expect(JSON.stringify(made)).not.toMatch(/browser/i)
  })

  test('has a third line when the site wants a code', () => {
    const made = view(wanted({ wantsCode: true, refusal: 'two_factor_required' }))
    expect(made.credentials?.code).toEqual({ label: 'Two-factor code', hint: '' })
    expect(made.problem).toMatchObject({ tone: 'info', sentence: 'The site asks for a two-factor code.' })
  })

  test.for([
    ['passphrase_rejected', 4, ['site']],
    ['personal_access_token_required', 3, ['autodesk-profile', 'site']],
    ['two_factor_required', 3, ['site']],
  ] as const)(
    'says after %s each step to what the site takes, and opens the pages for it',
    ([refusal, count, pages]) => {
      for (const language of [english, french]) {
        const made = view(wanted({ refusal }), language)
        expect(made.state).toBe('asking')
        expect(made.problem?.sentence).toBe(language.strings.errors[refusal].sentence)
        expect(made.problem?.advice).toBe('')
        expect(made.problem?.steps).toHaveLength(count)
        expect(made.help?.map(({ call, args }) => [call, args])).toEqual(
          pages.map((page) => ['openHelp', { site: studio, page }]),
        )
      }
    },
  )

  test.for(errorCodes)('goes on asking after %s, and says what happened and what to do', (refusal) => {
    const made = view(wanted({ refusal }))
    expect(made.credentials?.passphrase.label).toBe('ShotGrid passphrase')
    const { sentence, advice, steps = [] } = made.problem ?? {}
    expect(sentence).toBe(english.strings.errors[refusal].sentence)
    expect(advice === '' ? steps.length > 0 : advice === english.strings.errors[refusal].advice).toBe(true)
  })

  test('ends in words of its own when nobody typed anything in time', () => {
    const made = view(site({ ...signedOut, reason: 'sign_in_timeout' }, { waitedFor: 'credentials' }))
    expect(made.problem?.sentence).toBe('No login and passphrase were entered in time.')
    expect(JSON.stringify(made)).not.toMatch(/browser/i)
  })

  test('speaks French', () => {
    const made = view(wanted(), french)
    expect([made.headline, made.credentials?.login.label, made.credentials?.submit]).toEqual([
      'Connexion à Studio Example',
      'Identifiant ShotGrid',
      'Se connecter',
    ])
  })
})

test('in French it says the same', () => {
  const headlines = [
    site(signingIn),
    site(signingIn, { waitsForBrowser: true }),
    site(signedIn),
    site({ ...signedOut, reason: 'sign_in_cancelled' }),
    site({ ...signedOut, reason: 'identity_rejected' }),
    site({ ...signedOut, reason: 'access_denied' }),
    site(signingIn, { waitsForBrowser: true, takesRedirect: false }),
  ].map((one) => view(one, french).headline)
  expect(headlines).toEqual([
    'Un instant…',
    'Terminez dans votre navigateur',
    'Vous êtes connecté',
    'La connexion a été annulée',
    'Cela n’a pas fonctionné',
    'La connexion a été refusée',
    'Approuvez dans votre navigateur',
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
