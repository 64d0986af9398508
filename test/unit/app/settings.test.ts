import { describe, expect, test } from 'vitest'
import { configurationLines, settingDocument, settingsNow, unreadable } from '../../../app/settings.ts'
import { settingKeys } from '../../../app/windows/calls.ts'
import { type ConfigDocument, mergeConfig } from '../../../src/config/config.ts'

const rules = { insecureLoopback: false }
const settings = (content: unknown): ConfigDocument => ({ source: 'settings', file: 'settings.json', content })
const locked = (content: unknown): ConfigDocument => ({ source: 'locked', file: 'policy.json', content })
const merge = (...documents: ConfigDocument[]) => mergeConfig(documents, rules)

describe('the settings as they are now', () => {
  test('are what is built in, without a file', () => {
    expect(settingsNow(merge(), false)).toEqual({
      values: { 'app.startAtLogin': false, 'app.language': 'auto', 'session.rememberSignIn': false },
      locked: new Set(),
    })
  })

  test('are the artist’s where the artist chose', () => {
    const effective = merge(settings({ app: { language: 'fr' }, session: { rememberSignIn: true } }))
    expect(settingsNow(effective, false).values).toMatchObject({
      'app.language': 'fr',
      'session.rememberSignIn': true,
    })
  })

  test('start at login is as the system has it, whatever was configured', () => {
    const effective = merge(settings({ app: { startAtLogin: true } }))
    expect(settingsNow(effective, false).values['app.startAtLogin']).toBe(false)
    expect(settingsNow(merge(), true).values['app.startAtLogin']).toBe(true)
  })

  test('are locked one by one, and only by IT’s word', () => {
    const effective = merge(locked({ session: { rememberSignIn: false } }), settings({ app: { language: 'fr' } }), {
      source: 'default',
      file: 'policy.json',
      content: { app: { startAtLogin: true } },
    })
    expect(settingsNow(effective, false).locked).toEqual(new Set(['session.rememberSignIn']))
  })

  test.for([
    ['fr', 'fr'],
    ['fr-CA', 'fr'],
    ['en-GB', 'en'],
    ['de', 'auto'],
    ['auto', 'auto'],
  ] as const)('language “%s” is the choice “%s”', ([language, choice]) => {
    expect(settingsNow(merge(settings({ app: { language } })), false).values['app.language']).toBe(choice)
  })

  test('cannot be changed while the configuration cannot be read', () => {
    const { values, locked: all } = unreadable(true)
    expect(all).toEqual(new Set(settingKeys))
    expect(values['app.startAtLogin']).toBe(true)
    expect(Object.keys(values).sort()).toEqual([...settingKeys].sort())
  })
})

describe('one setting as a document', () => {
  test.for([
    ['app.startAtLogin', true, { app: { startAtLogin: true } }],
    ['app.language', 'fr', { app: { language: 'fr' } }],
    ['session.rememberSignIn', false, { session: { rememberSignIn: false } }],
  ] as const)('%s: %s', ([key, value, document]) => {
    expect(settingDocument(key, value)).toEqual(document)
    expect(() => merge(settings(settingDocument(key, value)))).not.toThrow()
  })

  test.for([
    ['app.startAtLogin', 'yes'],
    ['app.language', true],
    ['app.language', '../../etc'],
    ['session.rememberSignIn', 'true'],
  ] as const)('%s: %j is no configuration, and says so', ([key, value]) => {
    expect(() => merge(settings(settingDocument(key, value)))).toThrow(`"${key}"`)
  })
})

test('the diagnosis names where values are from, and no value', () => {
  const lines = configurationLines(
    merge(
      settings({ network: { proxy: 'http://artist:proxy-password@proxy.example:3128' } }),
      locked({ identity: { clientId: 'the-client-id' } }),
    ),
  )
  expect(lines).toContain('config network.proxy: settings (settings.json)')
  expect(lines).toContain('config identity.clientId: locked (policy.json)')
  expect(lines).toContain('config session.maxAgeHours: built-in')
  expect(lines.join('\n')).not.toMatch(/proxy-password|proxy\.example|the-client-id/)
})
