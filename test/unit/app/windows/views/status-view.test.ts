import { describe, expect, test } from 'vitest'
import type { SiteSituation, Situation } from '../../../../../app/situation.ts'
import type { Language } from '../../../../../app/strings/catalogue.ts'
import type { Action, SiteCard, StatusView } from '../../../../../app/windows/contract.ts'
import { statusView } from '../../../../../app/windows/views/status-view.ts'
import type { AuditEntry } from '../../../../../src/agent.ts'
import { errorCodes } from '../../../../../src/errors.ts'
import {
  at,
  call,
  english,
  french,
  hostileNames,
  hour,
  mayaFile,
  minute,
  publishFile,
  pythonFile,
  question,
  refusal,
  secondUnit,
  signedIn,
  signedOut,
  signingIn,
  site,
  situation,
  studio,
  tool,
} from '../../situations.ts'
import { demandPossible } from './possible.ts'

function view(change: Partial<Situation> = {}, language: Language = english): StatusView {
  const made = statusView(situation(change), language)
  demandPossible(made)
  return made
}

function card(one: SiteSituation, change: Partial<Situation> = {}, language: Language = english): SiteCard {
  const [found] = view({ sites: [one], ...change }, language).sites
  if (!found) throw new Error('there is no card')
  return found
}

const labels = (actions: readonly Action[]): string[] => actions.map(({ label }) => label)
const plain = (text: string | undefined): string | undefined => text?.replace(/[\u00a0\u202f]/g, ' ')

describe('the card of a site', () => {
  test('when nobody is signed in', () => {
    expect(card(site(signedOut))).toEqual({
      site: studio,
      name: 'Studio Example',
      state: 'signed_out',
      headline: 'Nobody is signed in',
      detail: 'Sign in once, and every tool on this machine has the session.',
      actions: [
        { label: 'Sign in', kind: 'primary', call: 'signIn', args: { site: studio } },
        { label: 'Someone else…', kind: 'plain', call: 'switchUser', args: { site: studio } },
      ],
    })
  })

  test('while signing in', () => {
    const { headline, detail, actions, left, problem } = card(site(signingIn, { waitsForBrowser: true }))
    expect([headline, detail]).toEqual(['Finish signing in, in your browser', 'You have five minutes.'])
    expect(labels(actions)).toEqual(['Show sign-in', 'Cancel'])
    expect([left, problem]).toEqual([undefined, undefined])
  })

  test.for([
    ['is being prepared', {}, 'One moment…'],
    ['waits for login and passphrase', { credentials: { wantsCode: false, refusal: undefined } }, 'Enter your login'],
  ] as const)('while a sign-in %s says no word of a browser', ([, change, headline]) => {
    const made = card(site(signingIn, change))
    expect(made.headline).toContain(headline)
    expect(JSON.stringify(made)).not.toMatch(/browser/i)
    expect(labels(made.actions)).toEqual(['Show sign-in', 'Cancel'])
  })

  test.for([
    ['broker', 'exact', at(11), 'Through your studio’s broker.'],
    ['broker', 'estimated', at(11), 'Through your studio’s broker.'],
    ['web', 'exact', at(11), 'Approved in the browser. Unused, it ends at 11:00 AM.'],
    ['web', 'estimated', at(11), 'Approved in the browser. Unused, it ends at about 11:00 AM.'],
    ['legacy', 'exact', at(11), 'With login and passphrase. Unused, it ends at 11:00 AM.'],
    ['legacy', 'exact', at(19, 40), 'With login and passphrase.'],
    ['legacy', 'exact', at(19, 40) - 3, 'With login and passphrase.'],
    ['identity-direct', 'exact', at(11), 'With your Autodesk account.'],
    ['a newer way', 'exact', at(11), undefined],
  ] as const)('says how the session was obtained, and its own end as well as it is known: %s, %s', (row) => {
    const [obtainedBy, expiry, expiresAt, words] = row
    const made = card(site({ ...signedIn, obtainedBy, expiry, expiresAt }))
    expect(plain(made.obtained)).toBe(words)
    expect(plain(made.left?.label)).toMatch(expiry === 'exact' || expiresAt === at(11) ? /^9 h 40 min left/ : /^About/)
  })

  test.for([
    ['estimated', '2 h 30 min', 'About 2 h 30 min left, until about 12:30 PM'],
    ['exact', '2 h 30 min', '2 h 30 min left, until 12:30 PM'],
  ] as const)('with an end of the session that nothing can move, %s', ([expiry, , label]) => {
    const ends = { expiresAt: at(12, 30), signInEndsAt: at(12, 30) }
    expect(plain(card(site({ ...signedIn, ...ends, expiry })).left?.label)).toBe(label)
  })

  test('when somebody is signed in: who, with which account, and how long', () => {
    const { headline, detail, actions, left } = card(site(signedIn))
    expect([headline, detail]).toEqual([
      'Signed in as Plain Artist',
      'artist@studio.example · plain.artist@autodesk.example',
    ])
    expect(left).toMatchObject({ share: (9 * 60 + 40) / (12 * 60), soon: false })
    expect(plain(left?.label)).toBe('9 h 40 min left, until 7:40 PM')
    expect(labels(actions)).toEqual(['Open ShotGrid', 'Someone else…', 'Sign out'])
    expect(actions.map(({ kind }) => kind)).toEqual(['primary', 'plain', 'danger'])
  })

  test.for([
    [{ account: 'artist@studio.example' }, 'artist@studio.example'],
    [{ account: undefined }, 'artist@studio.example'],
    [{ login: undefined, account: undefined }, ''],
  ] as const)('names login and account once where they are the same: %j', ([change, detail]) => {
    expect(card(site({ ...signedIn, ...(change as object) })).detail).toBe(detail)
  })

  test('near the end offers to renew, before anything else', () => {
    const { actions, left } = card(site({ ...signedIn, signInEndsAt: at(10, 12) }))
    expect(left).toMatchObject({ soon: true, share: 12 / (12 * 60) })
    expect(plain(left?.label)).toBe('12 min left, until 10:12 AM')
    expect(labels(actions)).toEqual(['Renew now', 'Open ShotGrid', 'Someone else…', 'Sign out'])
    expect(actions.filter(({ kind }) => kind === 'primary')).toEqual([actions[0]])
    expect(actions[0]?.call).toBe('signIn')
  })

  test.for([
    ['at the browser', { waitsForBrowser: true }, signedIn],
    ['not yet at the browser', {}, { ...signedIn, reason: 'sign_in_started' as const }],
  ] as const)('while somebody else signs in, %s: it can be shown and cancelled', ([, change, status]) => {
    const { headline, actions } = card(site(status, change))
    expect(headline).toBe('Signed in as Plain Artist')
    expect(labels(actions)).toEqual(['Show sign-in', 'Cancel', 'Sign out'])
  })

  test.for([
    [-minute, 0, '0 min left'],
    [0, 0, '0 min left'],
    [1, 1 / (12 * hour), '1 min left'],
    [hour, 1 / 12, '1 h 0 min left'],
    [13 * hour, 1, '13 h 0 min left'],
  ] as const)('with %i ms left: a share of %d', ([leftMs, share, label]) => {
    const { left } = card(site({ ...signedIn, signInEndsAt: at(10) + leftMs }))
    expect(left?.share).toBeCloseTo(share, 9)
    expect(left?.label).toContain(label)
  })

  test('without an end shows no time', () => {
    expect(card(site({ state: 'signed_in', login: 'artist' })).left).toBeUndefined()
  })
})

describe('what is wrong with a site', () => {
  test.for(errorCodes)('a sign-in that ended with %s: what happened and what to do', (reason) => {
    const { problem } = card(site({ ...signedOut, reason }))
    if (reason === 'sign_in_cancelled') return expect(problem).toBeUndefined()
    expect(problem).toEqual({
      tone: reason === 'session_ended' ? 'info' : 'error',
      ...english.strings.errors[reason],
    })
  })

  test.for(errorCodes)('a renewal that failed with %s, while the session lives on', (code) => {
    const onTheWay = ['site_unreachable', 'identity_unreachable', 'broker_unreachable'].includes(code)
    const { problem } = card(site({ ...signedIn, reason: code, problem: code }))
    expect(problem).toEqual({ tone: onTheWay ? 'info' : 'warning', ...english.strings.errors[code] })
  })

  test.for(['signed_out', 'screen_locked', 'slept_too_long', 'sign_in_cancelled'] as const)(
    'nothing is, when signed out by %s',
    (reason) => expect(card(site({ ...signedOut, reason })).problem).toBeUndefined(),
  )

  test('the browser that did not start comes first', () => {
    expect(card(site(signingIn, { waitsForBrowser: true, browserFailed: true })).problem).toEqual({
      tone: 'warning',
      sentence: 'The browser could not be started.',
      advice: 'Copy the link and open it in any browser.',
    })
  })

  test('login and passphrase that nobody entered in time have words of their own', () => {
    const { problem } = card(site({ ...signedOut, reason: 'sign_in_timeout' }, { waitedFor: 'credentials' }))
    expect(problem).toMatchObject({ tone: 'error', sentence: 'No login and passphrase were entered in time.' })
    expect(JSON.stringify(problem)).not.toMatch(/browser/i)
  })

  test('a reason of a newer agent is none we could tell', () => {
    expect(card(site({ ...signedOut, reason: 'newer' as 'signed_out' })).problem).toBeUndefined()
  })
})

describe('the window', () => {
  test('has what can always be done at its foot', () => {
    const { actions, problems, window, language, title } = view()
    expect([window, language, title, problems]).toEqual(['status', 'en', 'sg-session', []])
    expect(actions.map(({ label, call, doing, done }) => [label, call, doing, done])).toEqual([
      ['Copy diagnosis', 'copyDiagnosis', 'Collecting…', 'Copied'],
      ['Settings…', 'openSettings', undefined, undefined],
      ['About…', 'openAbout', undefined, undefined],
    ])
  })

  test('offers to set up where there is no site, and nothing is broken', () => {
    expect(labels(view({ sites: [] }).actions)[0]).toBe('Set up…')
    expect(view({ sites: [] }).actions[0]).toMatchObject({ kind: 'primary', call: 'openFirstRun' })
    const { actions, problems } = view({ sites: [], problems: [{ code: 'config_invalid' }] })
    expect(labels(actions)).not.toContain('Set up…')
    expect(problems).toEqual([{ tone: 'warning', ...english.strings.errors.config_invalid }])
    const detail = 'settings.json: "sites" must be a list.'
    const named = view({ sites: [], problems: [{ code: 'config_invalid', detail }] }).problems
    expect(named[0]?.advice).toBe(`${detail} ${english.strings.errors.config_invalid.advice}`)
  })

  test('has a card for each site, in their order, each with actions of its own', () => {
    const second = site(signedOut, { url: secondUnit, name: 'Second Unit' })
    const { sites } = view({ sites: [site(signedIn), second] })
    expect(sites.map(({ name, site: url }) => [name, url])).toEqual([
      ['Studio Example', studio],
      ['Second Unit', secondUnit],
    ])
    for (const { site: url, actions } of sites) {
      expect(new Set(actions.map(({ args }) => args['site']))).toEqual(new Set([url]))
    }
  })

  test('says all that is wrong, in one order', () => {
    const { problems } = view({ online: false, trayShown: false, problems: [{ code: 'secret_store_unavailable' }] })
    expect(problems.map(({ tone, sentence }) => [tone, sentence])).toEqual([
      ['info', 'This machine is offline.'],
      ['info', 'This desktop shows no tray icons.'],
      ['warning', 'The keychain of this system cannot be used.'],
    ])
  })

  test('lists every tool of the day', () => {
    const tools = [tool('Maya 2025'), tool('', { count: 2 }), ...Array.from({ length: 50 }, () => tool('Nuke'))]
    const { heading, none, rows } = view({ tools }).tools
    expect([heading, none, rows.length]).toEqual(['Tools today', 'No tool has asked for the session yet.', 52])
    expect(rows.slice(0, 2).map(({ name, detail }) => [name, plain(detail)])).toEqual([
      ['maya.bin', 'calls itself “Maya 2025” · at 9:30 AM'],
      ['maya.bin', 'calls itself “An unnamed tool” · last at 9:30 AM, 2 times'],
    ])
    expect(rows[0]?.whole).toBe(mayaFile)
  })

  test('lists who asked in vain among them, with the reason', () => {
    const tools = [tool('Maya 2025'), tool('Nuke', { lastAt: at(9, 59) })]
    const { rows } = view({ tools, refused: [refusal()] }).tools
    expect(rows.map(({ name, refused }) => [name, refused])).toEqual([
      ['maya.bin', false],
      ['python3.11 running publish.py', true],
      ['maya.bin', false],
    ])
    expect(plain(rows[1]?.detail)).toBe(
      'calls itself “publish” · at 9:45 AM · Refused: This program was not allowed to use the session.',
    )
    expect(rows[1]?.whole).toBe(`${pythonFile}\n${publishFile}`)
  })

  test('names the site of each where there are several', () => {
    const sites = [site(signedIn), site(signedOut, { url: secondUnit, name: 'Second Unit' })]
    expect(plain(view({ sites, tools: [tool('Maya')] }).tools.rows[0]?.detail)).toBe(
      'calls itself “Maya” · Studio Example · at 9:30 AM',
    )
  })

  test('leads to the programs that may', () => {
    expect(view().tools.actions).toMatchObject([{ label: 'Programs that may…', call: 'openPrograms' }])
  })

  test('says that a program waits for an answer, and leads to the question', () => {
    const { problems, actions } = view({ question: question() })
    expect(problems[0]).toEqual({
      tone: 'info',
      sentence: 'maya.bin asks for your session',
      advice: 'It waits for your answer; without one it gets nothing.',
    })
    expect(actions[0]).toMatchObject({ label: 'Answer…', kind: 'primary', call: 'showConsent' })
  })

  test('says when answers about programs are not kept, and why', () => {
    expect(view({ answersProblem: 'consent.json: no space is left.' }).problems).toEqual([
      {
        tone: 'warning',
        sentence: 'Your answers about programs are not kept.',
        advice: 'consent.json: no space is left. They are good until sg-session ends. Send IT the diagnosis.',
      },
    ])
  })
})

describe('the newest calls', () => {
  const read = (change: Partial<AuditEntry>): string => {
    const { when, who, what, outcome, refused } = view({ calls: [call(change)] }).calls.rows[0] ?? {}
    return `${plain(when)} | ${who} | ${what} | ${outcome}${refused ? ' | refused' : ''}`
  }
  const unleft = { allowedBy: undefined } as unknown as Partial<AuditEntry>

  test('say when, who, what, and how it ended', () => {
    expect(read({})).toBe('9:50 AM | python3.11 running publish.py | the session | given, as you allowed before')
    expect(read({ method: 'rest/get', allowedBy: 'rule', count: 40 })).toBe(
      '9:50 AM | python3.11 running publish.py | a REST token, 40 times | given, by your studio’s rule',
    )
    expect(read({ ...unleft, outcome: 'consent_denied' })).toBe(
      '9:50 AM | python3.11 running publish.py | the session | This program was not allowed to use the session. | refused',
    )
    expect(read({ ...unleft, method: 'hello', outcome: 'other_user' })).toContain('another user’s. | refused')
    expect(read({ ...unleft, method: 'signedOut', outcome: 'screen_locked' })).toBe(
      '9:50 AM | sg-session | signed out | the screen was locked',
    )
    const about = { executable: mayaFile }
    expect(read({ ...unleft, method: 'toolRevoked', about })).toBe(
      '9:50 AM | maya.bin | may not use it any more | done',
    )
    expect(read({ ...unleft, method: 'a/newer', outcome: 'ok' })).toContain('| a/newer | done')
    expect(read({ ...unleft, method: 'constructor' })).toContain('| constructor |')
  })

  test('are whole in the tooltip: paths, claim and process', () => {
    expect(view({ calls: [call()] }).calls.rows[0]?.whole).toBe(
      `${pythonFile}\n${publishFile}\ncalls itself “publish”\nProcess 4711`,
    )
  })

  test('are sixty at most, and the rest is said to be in the audit', () => {
    const { rows, hint } = view({ calls: Array.from({ length: 200 }, (_, pid) => call({ pid })) }).calls
    expect([rows.length, hint]).toEqual([60, 'All of it: “sg-session audit” in a terminal.'])
  })

  test('are none at first', () => expect(view().calls).toMatchObject({ rows: [], none: expect.stringMatching(/./) }))
})

test('in French it says the same', () => {
  const sites = [
    site({ ...signedIn, signInEndsAt: at(11, 45) }),
    site({ ...signedOut, reason: 'account_not_mapped' }, { url: secondUnit, name: 'Second Unit' }),
  ]
  const { language, problems, tools, actions, ...shown } = view({ sites, online: false, trayShown: false }, french)
  const [first, second] = shown.sites
  expect(language).toBe('fr')
  expect(first?.headline).toBe('Connecté en tant que Plain Artist')
  expect(plain(first?.left?.label)).toBe('Encore 1 h 45 min, jusqu’à 11:45')
  expect(labels(first?.actions ?? [])).toEqual(['Ouvrir ShotGrid', 'Autre compte…', 'Se déconnecter'])
  expect(second?.headline).toBe('Personne n’est connecté')
  expect(second?.problem?.sentence).toBe('Ce compte Autodesk n’appartient à aucun utilisateur ShotGrid.')
  expect(problems.map(({ sentence }) => sentence)).toEqual([
    'Cette machine est hors ligne.',
    'Ce bureau n’affiche pas d’icônes de notification.',
  ])
  expect(tools.heading).toBe('Outils aujourd’hui')
  expect(labels(actions)).toEqual(['Copier le diagnostic', 'Réglages…', 'À propos…', 'Quitter'])
  expect(first?.obtained).toBe('Par le courtier de votre studio.')
  const web = site({ ...signedIn, obtainedBy: 'web' })
  expect(plain(card(web, {}, french).obtained)).toContain('Sans utilisation, elle se termine vers 11:00.')
  expect(card(site(signingIn, { waitsForBrowser: true }), {}, french).headline).toBe(
    'Terminez la connexion dans votre navigateur',
  )
})

test.for(hostileNames)('what people call themselves, their site and their tools is data: %j', (name) => {
  const one = site({ ...signedIn, name, login: name, account: name }, { name })
  const made = view({ sites: [one], tools: [tool(name)] })
  expect(made.sites[0]).toMatchObject({ name, headline: `Signed in as ${name}`, detail: name, site: studio })
  expect(made.tools.rows[0]?.name).toBe('maya.bin')
  expect(made.tools.rows[0]?.detail).toContain(`calls itself “${name}” ·`)
  const ordinary = view({ sites: [site(signedIn)], tools: [tool('Maya')] })
  expect(made.actions).toEqual(ordinary.actions)
  expect(made.sites[0]?.actions).toEqual(ordinary.sites[0]?.actions)
})

describe('a newer version', () => {
  test('is told of, with what it waits for', () => {
    const { problems, actions } = view({ update: { version: '1.4.0', obstacle: 'session' } })
    expect(problems).toEqual([
      {
        tone: 'info',
        sentence: 'Version 1.4.0 is ready.',
        advice: 'It is put in place when you have signed out, or quit sg-session.',
      },
    ])
    expect(labels(actions)).not.toContain('Restart now')
  })

  test('can be had at once where nothing but this window is in the way', () => {
    const { actions } = view({ update: { version: '1.4.0', obstacle: 'window' } })
    expect(actions[0]).toEqual({ label: 'Restart now', kind: 'plain', call: 'restartForUpdate', args: {} })
  })
})
