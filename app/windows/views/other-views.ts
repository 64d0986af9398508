import type { Language } from '../../strings/catalogue.ts'
import { languages } from '../../strings/catalogue.ts'
import type { SettingKey } from '../calls.ts'
import type { AboutView, FirstRunView, SettingsView } from '../contract.ts'
import { act } from './action.ts'

/** The window that asks for the addresses of site and broker when nobody has set them. */
export function firstRunView(known: { site: string; broker: string }, { tag, strings }: Language): FirstRunView {
  const { firstRun } = strings
  return {
    window: 'first-run',
    language: tag,
    title: firstRun.title,
    headline: firstRun.headline,
    text: firstRun.text,
    site: {
      label: firstRun.siteLabel,
      hint: firstRun.siteHint,
      value: known.site,
      placeholder: firstRun.sitePlaceholder,
    },
    broker: {
      label: firstRun.brokerLabel,
      hint: firstRun.brokerHint,
      value: known.broker,
      placeholder: firstRun.brokerPlaceholder,
    },
    checking: firstRun.checking,
    save: firstRun.save,
  }
}

export interface SettingsNow {
  readonly values: Readonly<Record<SettingKey, string | boolean>>
  readonly locked: ReadonlySet<SettingKey>
}

/** The few things an artist may choose. */
export function settingsView({ values, locked }: SettingsNow, { tag, strings }: Language): SettingsView {
  const { settings } = strings
  const item = (key: SettingKey, label: string, hint: string) => ({
    key,
    label,
    hint,
    value: values[key],
    ...(locked.has(key) ? { locked: settings.locked } : {}),
  })
  const choices = [
    { value: 'auto', label: settings.automatic },
    ...[...languages].map(([value, { name }]) => ({ value, label: name })),
  ]
  return {
    window: 'settings',
    language: tag,
    title: settings.title,
    items: [
      item('app.startAtLogin', settings.startAtLogin, settings.startAtLoginHint),
      item('session.rememberSignIn', settings.rememberSignIn, settings.rememberSignInHint),
      { ...item('app.language', settings.language, settings.languageHint), choices },
    ],
    actions: [
      act(settings.programs, 'plain', 'openPrograms'),
      act(settings.openLogs, 'plain', 'openLogs'),
      act(settings.about, 'plain', 'openAbout'),
      act(settings.close, 'primary', 'closeWindow'),
    ],
  }
}

export interface AboutFacts {
  readonly version: string
  readonly runtime: string
  readonly policyFile: string | undefined
  readonly settingsFile: string
  readonly logFolder: string
  /** Newer versions come by themselves; else from whoever installed this one. */
  readonly updatesItself: boolean
}

/** What runs here, and where its files are. */
export function aboutView(facts: AboutFacts, { tag, strings }: Language): AboutView {
  const { about } = strings
  return {
    window: 'about',
    language: tag,
    title: about.title,
    name: 'sg-session',
    text: about.text,
    facts: [
      { label: about.version, value: facts.version },
      { label: about.runtime, value: facts.runtime },
      { label: about.policy, value: facts.policyFile ?? about.none },
      { label: about.settingsFile, value: facts.settingsFile },
      { label: about.logs, value: facts.logFolder },
      { label: about.updates, value: facts.updatesItself ? about.updatesItself : about.updatesFromIt },
    ],
    actions: [
      {
        ...act(about.copyDiagnosis, 'plain', 'copyDiagnosis'),
        doing: strings.diagnosis.collecting,
        done: strings.diagnosis.copied,
      },
      act(about.openLogs, 'plain', 'openLogs'),
      act(about.close, 'primary', 'closeWindow'),
    ],
  }
}
