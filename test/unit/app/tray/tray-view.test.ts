import { describe, expect, test } from 'vitest'
import type { SiteSituation, Situation } from '../../../../app/situation.ts'
import type { Language } from '../../../../app/strings/catalogue.ts'
import { type MenuItem, type TrayIcon, trayView } from '../../../../app/tray/tray-view.ts'
import {
  at,
  english,
  french,
  hostileNames,
  hour,
  minute,
  question,
  secondUnit,
  signedIn,
  signedOut,
  signingIn,
  site,
  situation,
  studio,
  tool,
} from '../situations.ts'

/** A menu as one reads it: text in brackets cannot be chosen, what is under it stands behind an arrow. */
function read(items: readonly MenuItem[]): string[] {
  return items.map((item) => {
    switch (item.kind) {
      case 'line':
        return '---'
      case 'text':
        return `[${plain(item.label)}]`
      case 'menu':
        return `${plain(item.label)} > ${read(item.items).join(' | ')}`
      default:
        return `${plain(item.label)}${item.checked === undefined ? '' : item.checked ? ' (on)' : ' (off)'}`
    }
  })
}

/** Clock times hold spaces that do not break. */
const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, ' ')

const menuOf = (change: Partial<Situation>, language: Language = english): string[] =>
  read(trayView(situation(change), language).menu)
const withSite = (one: SiteSituation, change: Partial<Situation> = {}): Partial<Situation> => ({
  sites: [one],
  ...change,
})
/** What the menu says of the one site, without what it always says. */
const siteMenu = (one: SiteSituation, change: Partial<Situation> = {}, language: Language = english): string[] => {
  const menu = menuOf(withSite(one, change), language)
  return menu.slice(0, menu.indexOf('---'))
}

const secondSite = (status: Partial<SiteSituation['status']>): SiteSituation =>
  site(status, { url: secondUnit, name: 'Second Unit' })

describe('the menu of one site', () => {
  test('while the diagnosis is being collected', () => {
    const menu = menuOf({ collecting: true })
    expect(menu).toContain('[Collecting…]')
    expect(menu).not.toContain('Copy diagnosis')
  })

  test('when nobody is signed in', () => {
    expect(menuOf({})).toEqual([
      '[Studio Example: Not signed in]',
      'Sign in…',
      'Sign in as someone else…',
      'Open ShotGrid',
      '---',
      'Tools that used the session today > [None yet]',
      'Programs…',
      'Status…',
      'Settings…',
      'Copy diagnosis',
      'Show logs',
      'Start at login (off)',
      '---',
      'About sg-session',
      'Quit',
    ])
  })

  test.for([
    ['the sign-in being prepared', site(signingIn)],
    ['the browser being waited for', site(signingIn, { waitsForBrowser: true })],
    ['no browser to be had', site(signingIn, { waitsForBrowser: true, browserFailed: true })],
  ] as const)('while signing in, %s', ([, one]) => {
    expect(siteMenu(one)).toEqual(['[Studio Example: Signing in…]', 'Show sign-in…', 'Cancel sign-in', 'Open ShotGrid'])
  })

  test('while login and passphrase are waited for, with no word of a browser', () => {
    const one = site(signingIn, { credentials: { wantsCode: false, refusal: undefined } })
    expect(siteMenu(one)).toEqual([
      '[Studio Example: Waits for your login and passphrase]',
      'Show sign-in…',
      'Cancel sign-in',
      'Open ShotGrid',
    ])
    expect(JSON.stringify(trayView(situation(withSite(one)), english))).not.toMatch(/browser/i)
  })

  test('when somebody is signed in, with the end of the day and not of the session', () => {
    expect(siteMenu(site(signedIn))).toEqual([
      '[Studio Example: Signed in as Plain Artist, until 7:40 PM]',
      'Open ShotGrid',
      'Sign in as someone else…',
      'Sign out',
    ])
  })

  test('near the end, which offers to sign in again', () => {
    expect(siteMenu(site({ ...signedIn, signInEndsAt: at(10, 12) }))).toEqual([
      '[Studio Example: Signed in as Plain Artist, ends in 12 min]',
      'Open ShotGrid',
      'Sign in again…',
      'Sign in as someone else…',
      'Sign out',
    ])
  })

  test.for([
    ['at the browser', site(signedIn, { waitsForBrowser: true })],
    ['not yet at the browser', site({ ...signedIn, reason: 'sign_in_started' })],
    ['near the end', site({ ...signedIn, signInEndsAt: at(10, 5) }, { waitsForBrowser: true })],
  ] as const)('while somebody else signs in, %s: it can be shown and cancelled', ([, one]) => {
    expect(siteMenu(one).slice(1)).toEqual(['Open ShotGrid', 'Show sign-in…', 'Cancel sign-in', 'Sign out'])
  })

  test.for([
    ['offline', site(signedIn), { online: false }],
    ['when the broker could not be reached', site({ ...signedIn, problem: 'broker_unreachable' }), {}],
    ['when both is so', site({ ...signedIn, problem: 'site_unreachable' }), { online: false }],
  ] as const)('says so %s', ([, one, change]) => {
    expect(siteMenu(one, change)[0]).toBe('[Studio Example: Signed in as Plain Artist, until 7:40 PM, offline]')
  })

  test('with somebody who has no name is about their login', () => {
    for (const name of ['', undefined]) {
      const { name: _, ...nameless } = signedIn
      const [text] = siteMenu(site(name === undefined ? nameless : { ...signedIn, name }))
      expect(text).toContain('Signed in as artist@studio.example,')
    }
  })

  test('with an end that is tomorrow has the weekday', () => {
    expect(siteMenu(site({ ...signedIn, signInEndsAt: at(25) }))[0]).toContain('until Wed 1:00 AM')
  })

  test('does what it says, to that site', () => {
    const commands = (one: SiteSituation): unknown[] =>
      trayView(situation(withSite(one)), english).menu.flatMap((item) => (item.kind === 'command' ? item.command : []))
    const always = [
      'showPrograms',
      'showStatus',
      'showSettings',
      'copyDiagnosis',
      'openLogs',
      'toggleStartAtLogin',
      'showAbout',
      'quit',
    ].map((does) => ({ does }))
    const forSite = (...all: string[]): unknown[] => [...all.map((does) => ({ does, site: studio })), ...always]
    expect(commands(site(signedOut))).toEqual(forSite('signIn', 'switchUser', 'openSite'))
    expect(commands(site(signingIn))).toEqual(forSite('showSignIn', 'cancelSignIn', 'openSite'))
    expect(commands(site(signedIn))).toEqual(forSite('openSite', 'switchUser', 'signOut'))
    expect(commands(site({ ...signedIn, signInEndsAt: at(10, 5) }))).toEqual(
      forSite('openSite', 'signIn', 'switchUser', 'signOut'),
    )
    expect(commands(site(signedIn, { waitsForBrowser: true }))).toEqual(
      forSite('openSite', 'showSignIn', 'cancelSignIn', 'signOut'),
    )
  })
})

test('the menu of two sites has one under each, with commands of its own', () => {
  const { menu, tooltip } = trayView(situation({ sites: [site(signedIn), secondSite(signedOut)] }), english)
  expect(read(menu).slice(0, 3)).toEqual([
    'Studio Example: Signed in as Plain Artist, until 7:40 PM > Open ShotGrid | Sign in as someone else… | Sign out',
    'Second Unit: Not signed in > Sign in… | Sign in as someone else… | Open ShotGrid',
    '---',
  ])
  expect(plain(tooltip)).toBe(
    'sg-session\nStudio Example: Signed in as Plain Artist, until 7:40 PM\nSecond Unit: Not signed in',
  )
  const second = menu[1]
  const sites = second?.kind === 'menu' ? second.items.map((item) => 'command' in item && item.command) : []
  expect(sites).toEqual(['signIn', 'switchUser', 'openSite'].map((does) => ({ does, site: secondUnit })))
})

describe('two sites with different ways in', () => {
  const byPassphrase = { ...signedIn, name: 'Second Login', obtainedBy: 'legacy', signInEndsAt: at(18, 30) } as const
  const wanted = { url: secondUnit, name: 'Second Unit', credentials: { wantsCode: false, refusal: undefined } }

  test('each say who is signed in there and what can be done, whatever the other is at', () => {
    const lines = (sites: SiteSituation[]): string[] => menuOf({ sites }).slice(0, sites.length)
    expect(lines([site(signedIn), site(signingIn, wanted)])).toEqual([
      'Studio Example: Signed in as Plain Artist, until 7:40 PM > Open ShotGrid | Sign in as someone else… | Sign out',
      'Second Unit: Waits for your login and passphrase > Show sign-in… | Cancel sign-in | Open ShotGrid',
    ])
    expect(lines([site(signingIn, { waitsForBrowser: true }), secondSite(byPassphrase)])).toEqual([
      'Studio Example: Signing in… > Show sign-in… | Cancel sign-in | Open ShotGrid',
      'Second Unit: Signed in as Second Login, until 6:30 PM > Open ShotGrid | Sign in as someone else… | Sign out',
    ])
    expect(lines([site({ ...signedOut, reason: 'signed_out' }), secondSite(byPassphrase)])).toEqual([
      'Studio Example: Not signed in > Sign in… | Sign in as someone else… | Open ShotGrid',
      'Second Unit: Signed in as Second Login, until 6:30 PM > Open ShotGrid | Sign in as someone else… | Sign out',
    ])
  })

  test('while one switches to somebody else, the other has its own commands still', () => {
    const { menu, icon } = trayView(situation({ sites: [site(signedIn), site(byPassphrase, wanted)] }), english)
    expect(icon).toBe('signed-in')
    const commands = menu.map((item) =>
      item.kind === 'menu' ? item.items.map((one) => 'command' in one && one.command) : [],
    )
    expect(commands[0]).toEqual(['openSite', 'switchUser', 'signOut'].map((does) => ({ does, site: studio })))
    expect(commands[1]).toEqual(
      ['openSite', 'showSignIn', 'cancelSignIn', 'signOut'].map((does) => ({ does, site: secondUnit })),
    )
  })
})

describe('without a site', () => {
  test('there is nothing to do but set it up', () => {
    const { icon, tooltip } = trayView(situation({ sites: [] }), english)
    expect([icon, tooltip]).toEqual(['signed-out', 'sg-session\nNot set up yet'])
    expect(menuOf({ sites: [] }).slice(0, 4)).toEqual(['[Not set up yet]', 'Set up…', '---', 'Status…'])
  })

  test.for([
    ['config_invalid', 'The configuration cannot be used.'],
    ['agent_already_running', 'sg-session is already running for this user.'],
  ] as const)('because of %s, it says so and does not offer to set it up', ([problem, sentence]) => {
    const broken = { sites: [], problems: [{ code: problem }] }
    const { icon, tooltip } = trayView(situation(broken), english)
    expect([icon, tooltip]).toEqual(['attention', `sg-session\n${sentence}`])
    expect(menuOf(broken).slice(0, 3)).toEqual([`[${sentence}]`, '---', 'Status…'])
  })
})

describe('the icon', () => {
  const near = { ...signedIn, signInEndsAt: at(10, 30) }
  const cases: readonly (readonly [string, Partial<Situation>, TrayIcon])[] = [
    ['signed out', withSite(site(signedOut)), 'signed-out'],
    ['signed out and offline', withSite(site(signedOut), { online: false }), 'offline'],
    ['signing in', withSite(site(signingIn)), 'signing-in'],
    ['signing in while offline', withSite(site(signingIn), { online: false }), 'signing-in'],
    ['signed in', withSite(site(signedIn)), 'signed-in'],
    ['signed in and offline', withSite(site(signedIn), { online: false }), 'offline'],
    ['signed in, and cut off from the site', withSite(site({ ...signedIn, problem: 'site_unreachable' })), 'offline'],
    [
      'signed in, and the broker refuses to renew',
      withSite(site({ ...signedIn, problem: 'proof_rejected' })),
      'attention',
    ],
    ['near the end', withSite(site(near)), 'attention'],
    ['near the end and offline', withSite(site(near), { online: false }), 'attention'],
    ['locked, whatever else', withSite(site(near), { screenLocked: true, online: false }), 'locked'],
    ['locked, and nobody signed in', { screenLocked: true }, 'locked'],
    ['locked, and broken', { sites: [], problems: [{ code: 'config_invalid' }], screenLocked: true }, 'locked'],
    ['one of two signed in', { sites: [site(signedOut), secondSite(signedIn)] }, 'signed-in'],
    ['one of two signing in', { sites: [site(signedIn), secondSite(signingIn)] }, 'signing-in'],
    ['one of two near the end', { sites: [site(signedIn), secondSite(near)] }, 'attention'],
    [
      'one of two cut off',
      { sites: [site(signedIn), secondSite({ ...signedIn, problem: 'broker_unreachable' })] },
      'offline',
    ],
    ['no keychain', withSite(site(signedIn), { problems: [{ code: 'secret_store_unavailable' }] }), 'signed-in'],
  ]
  test.for(cases)('%s', ([, change, icon]) => expect(trayView(situation(change), english).icon).toBe(icon))
})

describe('the tools of the day', () => {
  const toolsIn = (tools: Situation['tools'], language = english): string | undefined =>
    menuOf({ tools }, language).find((one) => one.includes(' > '))

  test('are listed with when and how often', () => {
    expect(toolsIn([tool('Maya 2025'), tool('Nuke', { lastAt: at(9, 59), count: 3 })])).toBe(
      'Tools that used the session today > [maya.bin, as “Maya 2025” (at 9:30 AM)] | [maya.bin, as “Nuke” (last at 9:59 AM, 3 times)]',
    )
  })

  test('are ten at most, the newest', () => {
    const items = toolsIn(Array.from({ length: 30 }, (_, index) => tool(`Tool ${index}`)))?.split(' | ')
    expect(items).toHaveLength(10)
    expect(items?.[9]).toBe('[maya.bin, as “Tool 9” (at 9:30 AM)]')
  })

  test('may have no name', () => expect(toolsIn([tool('')])).toContain('[maya.bin, as “An unnamed tool” (at 9:30 AM)]'))

  test.for(hostileNames)('may be called %j: that is text, and nobody can choose it', (name) => {
    const menu = trayView(situation({ tools: [tool(name)] }), english).menu.find(({ kind }) => kind === 'menu')
    const [item, ...others] = menu?.kind === 'menu' ? menu.items : []
    expect(others).toEqual([])
    expect(item?.kind).toBe('text')
    expect(item && 'label' in item && item.label.startsWith(`maya.bin, as “${name}” (`)).toBe(true)
  })
})

describe('a program that waits for an answer', () => {
  const one = situation({ question: question() })

  test('stands above everything else, and draws attention', () => {
    const { menu, icon, tooltip } = trayView(one, english)
    expect(read(menu).slice(0, 3)).toEqual(['[maya.bin asks for your session]', 'Answer…', '---'])
    expect(menu[1]).toMatchObject({ command: { does: 'showConsent' } })
    expect(tooltip.split('\n').slice(0, 2)).toEqual(['sg-session', 'maya.bin asks for your session'])
    expect(icon).toBe('attention')
  })

  test('in French too, and not behind a locked screen', () => {
    expect(read(trayView(one, french).menu).slice(0, 2)).toEqual(['[maya.bin demande votre session]', 'Répondre…'])
    expect(trayView({ ...one, screenLocked: true }, english).icon).toBe('locked')
  })
})

test('start at login is ticked as the system has it', () => {
  expect(menuOf({ startAtLogin: true })).toContain('Start at login (on)')
})

test('in French it says the same', () => {
  const sites = [site({ ...signedIn, signInEndsAt: at(10, 12) }), secondSite(signedIn)]
  const { tooltip } = trayView(situation({ sites, online: false }), french)
  expect(plain(tooltip).split('\n')).toEqual([
    'sg-session',
    'Studio Example : Connecté en tant que Plain Artist, se termine dans 12 min, hors ligne',
    'Second Unit : Connecté en tant que Plain Artist, jusqu’à 19:40, hors ligne',
  ])
  const lastAt = at(10, 5)
  expect(menuOf({ tools: [tool('Maya', { lastAt }), tool('', { lastAt, count: 2 })] }, french)).toEqual([
    '[Studio Example : Non connecté]',
    'Se connecter…',
    'Se connecter avec un autre compte…',
    'Ouvrir ShotGrid',
    '---',
    'Outils ayant utilisé la session aujourd’hui > [maya.bin, dit « Maya » (à 10:05)] | [maya.bin, dit « Un outil sans nom » (dernière fois à 10:05, 2 fois)]',
    'Programmes…',
    'État…',
    'Réglages…',
    'Copier le diagnostic',
    'Afficher les journaux',
    'Lancer à l’ouverture de session (off)',
    '---',
    'À propos de sg-session',
    'Quitter',
  ])
  expect(menuOf({ sites: [] }, french).slice(0, 2)).toEqual(['[Pas encore configuré]', 'Configurer…'])
  expect(siteMenu(site(signingIn), {}, french)).toEqual([
    '[Studio Example : Connexion en cours…]',
    'Afficher la connexion…',
    'Annuler la connexion',
    'Ouvrir ShotGrid',
  ])
})

test('the same situation gives the same view, and is left as it was', () => {
  const one = situation({ sites: [site(signedIn), secondSite(signingIn)], tools: [tool('Maya')] })
  const before = structuredClone(one)
  expect(trayView(one, english)).toEqual(trayView(structuredClone(one), english))
  expect(one).toEqual(before)
})

test('no minute of the day, and no site without facts, makes it say nonsense', () => {
  for (let now = at(7); now < at(22); now += 7 * minute) {
    for (const status of [signedOut, signingIn, signedIn, { state: 'signed_in' as const }]) {
      const one = situation({ now, sites: [site(status)], remindBeforeMs: 24 * hour })
      expect(JSON.stringify(trayView(one, english))).not.toMatch(/undefined|NaN|Invalid|-\d+ min/)
    }
  }
})

describe('a newer version', () => {
  const update = (obstacle: NonNullable<Situation['update']>['obstacle']) => ({
    update: { version: '1.4.0', obstacle },
  })
  test('is no matter while there is none', () => {
    expect(menuOf({}).filter((label) => /version|restart/i.test(label))).toEqual([])
  })

  test('is told of, with what it waits for', () => {
    expect(menuOf(update('session'))).toContain(
      '[Version 1.4.0 is ready. It is put in place when you have signed out, or quit sg-session.]',
    )
    expect(menuOf(update('sign-in'))).toContain(
      '[Version 1.4.0 is ready. It is put in place once the sign-in is over.]',
    )
    expect(menuOf(update('question'), french)).toContain(
      '[La version 1.4.0 est prête. Elle sera installée après la réponse à la question du programme.]',
    )
  })

  test.each([
    ['only a window is in the way', 'window', true],
    ['somebody would lose their session', 'session', false],
    ['a sign-in is under way', 'sign-in', false],
    ['a program waits for its answer', 'question', false],
    ['it goes ahead anyway', undefined, false],
  ] as const)('can be had at once where that is the artist’s alone to say: %s', (_when, obstacle, offered) => {
    expect(menuOf(update(obstacle)).includes('Restart now')).toBe(offered)
  })

  test('is restarted into by its own command', () => {
    const items = trayView(situation(update('window')), english).menu
    expect(items).toContainEqual({ kind: 'command', label: 'Restart now', command: { does: 'restartForUpdate' } })
  })
})
