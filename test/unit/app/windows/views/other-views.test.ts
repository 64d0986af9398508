import { describe, expect, test } from 'vitest'
import { settingKeys } from '../../../../../app/windows/calls.ts'
import { aboutView, firstRunView, settingsView } from '../../../../../app/windows/views/other-views.ts'
import { english, french } from '../../situations.ts'
import { demandPossible } from './possible.ts'

describe('the first-run window', () => {
  test('asks for two addresses', () => {
    const view = firstRunView({ site: '', broker: '' }, english)
    demandPossible(view)
    expect(view).toMatchObject({ window: 'first-run', language: 'en', headline: 'Where is your ShotGrid?' })
    expect([view.site.label, view.site.value, view.broker.label, view.broker.value, view.save]).toEqual([
      ...['ShotGrid site', '', 'Identity broker, if your studio has one', ''],
      'Save and sign in',
    ])
  })

  test('begins with what is known', () => {
    const view = firstRunView({ site: 'https://a.example', broker: 'https://b.example' }, english)
    expect([view.site.value, view.broker.value]).toEqual(['https://a.example', 'https://b.example'])
  })

  test('speaks French', () => {
    const view = firstRunView({ site: '', broker: '' }, french)
    expect([view.headline, view.save]).toEqual(['Où se trouve votre ShotGrid\u202f?', 'Enregistrer et se connecter'])
  })
})

describe('the settings window', () => {
  const values = { 'app.startAtLogin': true, 'app.language': 'fr', 'session.rememberSignIn': false } as const

  test('has every setting of the artist, as it is now', () => {
    const view = settingsView({ values, locked: new Set() }, english)
    demandPossible(view)
    expect(view.items.map(({ key, value }) => [key, value])).toEqual([
      ['app.startAtLogin', true],
      ['session.rememberSignIn', false],
      ['app.language', 'fr'],
    ])
    expect(view.items.map(({ key }) => key).sort()).toEqual([...settingKeys].sort())
    expect(view.items.map(({ locked }) => locked)).toEqual([undefined, undefined, undefined])
  })

  test('offers the languages there are, each by its own name', () => {
    const { items } = settingsView({ values, locked: new Set() }, french)
    const choices = items.map((item) => item.choices)
    expect(choices).toEqual([
      undefined,
      undefined,
      [
        { value: 'auto', label: 'Comme le système' },
        { value: 'en', label: 'English' },
        { value: 'fr', label: 'Français' },
      ],
    ])
  })

  test('says why what IT has set cannot be changed', () => {
    const locked = new Set(['session.rememberSignIn', 'app.language'] as const)
    const reasons = (language = english) => settingsView({ values, locked }, language).items.map((item) => item.locked)
    expect(reasons()).toEqual([undefined, 'Set by your studio.', 'Set by your studio.'])
    expect(reasons(french)).toEqual([undefined, 'Défini par votre studio.', 'Défini par votre studio.'])
  })
})

describe('the about window', () => {
  const facts = {
    version: '1.2.3',
    runtime: 'Electron 45, Chromium 150, Node 24',
    policyFile: undefined,
    settingsFile: '/home/artist/.config/sg-session/settings.json',
    logFolder: '/home/artist/.local/state/sg-session',
    updatesItself: false,
  }

  test('says what runs here, and where its files are', () => {
    const view = aboutView(facts, english)
    demandPossible(view)
    expect(view.facts.map(({ label, value }) => [label, value])).toEqual([
      ['Version', '1.2.3'],
      ['Runs on', facts.runtime],
      ['Policy', 'none'],
      ['Settings', facts.settingsFile],
      ['Logs', facts.logFolder],
      ['Updates', 'from your studio’s IT'],
    ])
    expect(view.actions.map(({ label }) => label)).toEqual(['Copy diagnosis', 'Show the logs', 'Close'])
  })

  test('names the policy there is', () => {
    const view = aboutView({ ...facts, policyFile: '/etc/sg-session/policy.json' }, english)
    expect(view.facts[2]?.value).toBe('/etc/sg-session/policy.json')
  })

  test('says where updates come by themselves', () => {
    expect(aboutView({ ...facts, updatesItself: true }, english).facts.at(-1)?.value).toBe('by themselves')
  })

  test('speaks French', () => {
    const view = aboutView(facts, french)
    expect(view.title).toBe('À propos de sg-session')
    expect(view.facts.map(({ label }) => label)).toEqual([
      'Version',
      'Fonctionne sur',
      'Politique',
      'Réglages',
      'Journaux',
      'Mises à jour',
    ])
    expect(view.facts[2]?.value).toBe('aucune')
  })
})
