import { describe, expect, test } from 'vitest'
import { mergeConfig } from '../../../src/config/config.ts'
import { judgeManagedPreferences } from '../../../src/config/managed-preferences.ts'

const file = '/Library/Managed Preferences/org.sg-session.app.plist'

describe('managed preferences, as plutil prints them', () => {
  test('are locked values and defaults; what the system puts beside them is not ours', () => {
    const text =
      '{"PayloadUUID":"58910669-FC8C-8594-925E-4990E778FF59","locked":{"session":{"maxAgeHours":8},"app":{"startAtLogin":true}},"defaults":{"app":{"language":"fr"}}}'
    const { config, sources } = mergeConfig(judgeManagedPreferences(file, text), { insecureLoopback: false })
    expect([config.session.maxAgeHours, config.app]).toEqual([8, { startAtLogin: true, language: 'fr' }])
    expect(sources.get('app.language')).toEqual({ source: 'default', file })
    expect(sources.get('app.startAtLogin')).toEqual({ source: 'locked', file })
  })

  test('may be empty, or have one of the two', () => {
    expect(judgeManagedPreferences(file, '{}')).toEqual([])
    expect(judgeManagedPreferences(file, '{"locked":{}}\n')).toEqual([{ source: 'locked', file, content: {} }])
  })

  test.each([
    ['', /is no JSON/],
    ['<plist/>', /is no JSON/],
    ['[]', /"locked" and "defaults", and no others/],
    ['{"session":{"maxAgeHours":8}}', /"locked" and "defaults", and no others/],
    ['{"Locked":{}}', /"locked" and "defaults", and no others/],
  ])('of another form are refused with their file: %j', (text, message) => {
    expect(() => judgeManagedPreferences(file, text)).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(message) }),
    )
    expect(() => judgeManagedPreferences(file, text)).toThrow(file)
  })

  test('with a wrong value are refused with their file and the key', () => {
    const documents = judgeManagedPreferences(file, '{"locked":{"session":{"maxAgeHours":"8"}}}')
    expect(() => mergeConfig(documents, { insecureLoopback: false })).toThrow(/\.plist: "session\.maxAgeHours":/)
  })
})
