import { describe, expect, test } from 'vitest'
import { type CallName, calls } from '../../../../app/windows/calls.ts'
import { pageAddress } from '../../../../app/windows/contract.ts'
import { demandOwnPage, judgeCall, type Sent } from '../../../../app/windows/judge-call.ts'
import type { Subject } from '../../../../app/windows/windows.ts'
import { AgentError } from '../../../../src/errors.ts'
import { hostileNames, studio } from '../situations.ts'

function refusal(judge: () => unknown): string {
  try {
    judge()
  } catch (error) {
    if (error instanceof AgentError && error.code === 'invalid_request') return error.message
    throw error
  }
  return 'accepted'
}

type Contents = Sent['sender']

describe('who is calling', () => {
  const ours = {} as Contents
  const somebody = {} as Contents
  const subject: Subject = { name: 'sign-in', about: studio }
  const windows = { subjectOf: (contents: Contents) => (contents === ours ? subject : undefined) }
  const page = { url: pageAddress, parent: null }

  test('is the window whose page it is', () => {
    expect(demandOwnPage({ sender: ours, senderFrame: page }, windows)).toBe(subject)
  })

  const parent = { url: pageAddress } as NonNullable<Sent['senderFrame']>['parent']
  const foreign = [
    `${pageAddress}?a`,
    `${pageAddress}#a`,
    `${pageAddress}/`,
    'app://sg-session/other.html',
    'app://sg-session.evil.example/page.html',
    'APP://sg-session/page.html',
    'https://sg-session/page.html',
    'file:///page.html',
    'about:blank',
    'about:srcdoc',
    'data:text/html,x',
    'devtools://devtools/bundled/devtools_app.html',
    '',
  ]
  test.for<readonly [string, Sent]>([
    ['contents that are no window of ours', { sender: somebody, senderFrame: page }],
    ['a frame that is gone', { sender: ours, senderFrame: null }],
    ['a frame inside our page', { sender: ours, senderFrame: { ...page, parent } }],
    ...foreign.map((url) => [`the page “${url}”`, { sender: ours, senderFrame: { url, parent: null } }] as const),
  ])('is nobody: %s', ([, sent]) => {
    expect(refusal(() => demandOwnPage(sent, windows))).toBe('the call came from no page of sg-session')
  })
})

const names = Object.keys(calls) as CallName[]
const windowNames = ['status', 'sign-in', 'first-run', 'consent', 'programs', 'settings', 'about'] as const
const good: { readonly [C in CallName]: Record<string, unknown> } = {
  signIn: { site: studio },
  switchUser: { site: studio },
  cancelSignIn: { site: studio },
  showSignIn: { site: studio },
  signOut: { site: studio },
  openSite: { site: studio },
  openBrowserAgain: { site: studio },
  copyLink: { site: studio },
  paste: { site: studio, address: 'http://localhost:14285/callback?code=1' },
  submitCredentials: { site: studio, login: 'artist', passphrase: 'a passphrase' },
  openHelp: { site: studio, page: 'autodesk-profile' },
  checkAddresses: { site: 'studio', broker: '' },
  saveAddresses: { site: studio, broker: 'https://broker.studio.example' },
  answerConsent: { id: 'question-1', answer: 'once' },
  revokeTool: { id: '1a2b3c4d' },
  askAgain: { executable: '/usr/bin/python3.11', script: '/tools/publish.py', site: studio },
  saveSetting: { key: 'app.language', value: 'fr' },
  copyDiagnosis: {},
  openLogs: {},
  showConsent: {},
  openPrograms: {},
  openSettings: {},
  openFirstRun: {},
  openAbout: {},
  restartForUpdate: {},
  quit: {},
  closeWindow: {},
}

describe('what is called', () => {
  test.for(names)('%s is taken from its windows, with its arguments', (name) => {
    for (const window of calls[name].from) {
      expect(judgeCall(name, good[name], { name: window })).toEqual({ call: name, parsed: good[name] })
    }
  })

  test.for(names)('%s is refused from every other window', (name) => {
    const others = windowNames.filter((window) => !(calls[name].from as readonly string[]).includes(window))
    expect(others.length).toBeGreaterThan(0)
    for (const window of others) {
      expect(refusal(() => judgeCall(name, good[name], { name: window }))).toBe(
        `the window "${window}" may not call "${name}"`,
      )
    }
  })

  test.for<readonly [string, unknown]>([
    ['a call there is not', 'exit'],
    ['the prototype', '__proto__'],
    ['what every object has', 'constructor'],
    ['another thing every object has', 'toString'],
    ['and another', 'hasOwnProperty'],
    ['a call in other letters', 'signin'],
    ['a call with space', 'signIn '],
    ['a call with an end', 'signIn\u0000'],
    ['no text', ''],
    ['nothing', undefined],
    ['null', null],
    ['a number', 0],
    ['a list of calls', ['signIn']],
    ['a thing that calls itself one', { toString: () => 'signIn' }],
    ['an object of text', new String('signIn')],
    ['very much text', 'signIn'.repeat(100_000)],
  ])('is refused: %s', ([, name]) => {
    for (const window of windowNames) {
      expect(refusal(() => judgeCall(name, { site: studio }, { name: window }))).toBe('there is no such call')
    }
  })
})

describe('with what it is called', () => {
  const judged = (name: CallName, args: unknown): string =>
    refusal(() => judgeCall(name, args, { name: calls[name].from[0] }))

  test.for(names)('%s takes an object, no more and no less than its own', (name) => {
    for (const args of [undefined, null, 0, '', 'x', true, [], [good[name]], () => good[name]]) {
      expect(judged(name, args), String(args)).toContain(`"${name}":`)
    }
    expect(judged(name, { ...good[name], more: 1 })).toContain(`"${name}":`)
    for (const key of Object.keys(good[name])) {
      const { [key]: _, ...less } = good[name]
      expect(judged(name, less)).toBe(`"${name}": "${key}" is missing or wrong`)
    }
  })

  test.for(names)('%s takes nothing but text, or what else it names', (name) => {
    for (const key of Object.keys(good[name])) {
      for (const wrong of [null, undefined, 1, [], {}, ['x'], { toString: () => studio }, 'x'.repeat(10_000)]) {
        expect(judged(name, { ...good[name], [key]: wrong }), key).toBe(`"${name}": "${key}" is missing or wrong`)
      }
    }
  })

  test.for<readonly [string, CallName, Record<string, unknown>]>([
    ['a setting that is none of the artist’s', 'saveSetting', { key: 'session.maxAgeHours', value: true }],
    ['a setting of the prototype', 'saveSetting', { key: '__proto__', value: true }],
    ['a number as a setting', 'saveSetting', { key: 'app.startAtLogin', value: 1 }],
    ['a long language', 'saveSetting', { key: 'app.language', value: 'x'.repeat(33) }],
    ['an answer nobody asked for', 'answerConsent', { id: 'question-1', answer: 'yes' }],
    ['a long question', 'answerConsent', { id: 'x'.repeat(65), answer: 'once' }],
    ['a program without an id', 'revokeTool', { id: '' }],
    ['a long id', 'revokeTool', { id: 'x'.repeat(65) }],
    ['a long path', 'askAgain', { ...good.askAgain, executable: 'x'.repeat(4_097) }],
    ['a long address', 'paste', { site: studio, address: 'x'.repeat(8_193) }],
    ['a long site', 'signIn', { site: 'x'.repeat(2_049) }],
    ['an address of the page’s own', 'openHelp', { site: studio, page: 'https://evil.example' }],
    ['a page that every object has', 'openHelp', { site: studio, page: 'constructor' }],
    ['no login', 'submitCredentials', { ...good.submitCredentials, login: ' ' }],
    ['no passphrase', 'submitCredentials', { ...good.submitCredentials, passphrase: '' }],
    ['a long passphrase', 'submitCredentials', { ...good.submitCredentials, passphrase: 'x'.repeat(1_001) }],
    ['an empty code', 'submitCredentials', { ...good.submitCredentials, code: '' }],
    ['a code that is a number', 'submitCredentials', { ...good.submitCredentials, code: 123_456 }],
  ])('is refused: %s', ([, name, args]) => expect(judged(name, args)).toMatch(/is missing or wrong$/))

  test('a prototype is no argument, and none is changed by one', () => {
    const args = JSON.parse('{"site": "https://studio.example", "__proto__": {"isAdmin": true}}')
    try {
      const { parsed } = judgeCall('signIn', args, { name: 'status' })
      expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
      expect(parsed).not.toHaveProperty('isAdmin')
    } catch (error) {
      expect(error).toBeInstanceOf(AgentError)
    }
    expect({}).not.toHaveProperty('isAdmin')
  })

  test.for(hostileNames.filter((name) => name.length < 2_000))(
    'text that names no site goes on as text: %j',
    (text) => {
      expect(judgeCall('signIn', { site: text }, { name: 'status' }).parsed).toEqual({ site: text })
    },
  )

  test('a passphrase goes on as it was typed, with the code if there is one', () => {
    const typed = { site: studio, login: ' artist ', passphrase: ' a passphrase ', code: '123456' }
    const { parsed } = judgeCall('submitCredentials', typed, { name: 'sign-in' })
    expect(parsed).toEqual({ ...typed, login: 'artist' })
  })

  test('a refusal says nothing of what was sent', () => {
    expect(judged('submitCredentials', { site: studio, login: 1, passphrase: 'SECRET' })).not.toContain('SECRET')
    expect(judged('submitCredentials', { SECRET: 1 })).not.toContain('SECRET')
    expect(judged('paste', { site: studio, address: 7, code: 'SECRET-CODE' })).not.toContain('SECRET')
    expect(refusal(() => judgeCall('SECRET', {}, { name: 'status' }))).not.toContain('SECRET')
  })
})
