import type { EffectiveConfig } from '../src/config/config.ts'
import { languages, primaryLanguage } from './strings/catalogue.ts'
import { type SettingKey, settingKeys } from './windows/calls.ts'
import type { SettingsNow } from './windows/views/other-views.ts'

/** What the settings window shows of the configuration; `startAtLogin` is as the system has it. */
export function settingsNow({ config, sources }: EffectiveConfig, startAtLogin: boolean): SettingsNow {
  return {
    values: {
      'app.startAtLogin': startAtLogin,
      'app.language': shownLanguage(config.app.language),
      'session.rememberSignIn': config.session.rememberSignIn,
    },
    locked: new Set(settingKeys.filter((key) => sources.get(key)?.source === 'locked')),
  }
}

/** The choice that comes to the same; a language there is not leaves the decision to the system. */
function shownLanguage(setting: string): string {
  const primary = primaryLanguage(setting)
  return languages.has(primary) ? primary : 'auto'
}

/** While the configuration cannot be read, nothing of it can be changed. */
export function unreadable(startAtLogin: boolean): SettingsNow {
  return {
    values: { 'app.startAtLogin': startAtLogin, 'app.language': 'auto', 'session.rememberSignIn': false },
    locked: new Set(settingKeys),
  }
}

/** One setting as a partial document of the settings file. */
export function settingDocument(key: SettingKey, value: string | boolean): Record<string, Record<string, unknown>> {
  const [section = '', name = ''] = key.split('.')
  return { [section]: { [name]: value } }
}

/** Where each value is from, a line each, for the diagnosis; not the values, for a proxy may be given with its password. */
export function configurationLines({ sources }: EffectiveConfig): string[] {
  return [...sources].map(([key, { source, file }]) => `config ${key}: ${source}${file ? ` (${file})` : ''}`)
}
