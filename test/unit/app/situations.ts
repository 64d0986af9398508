import type { SiteSituation, Situation } from '../../../app/situation.ts'
import { chooseLanguage, type Language } from '../../../app/strings/catalogue.ts'
import type { SiteStatus } from '../../../src/session/changes.ts'
import type { ToolUse } from '../../../src/socket/tool-log.ts'

/** Situations of an artist of “Studio Example” on a Tuesday morning; a test says what is different. */
export const studio = 'https://studio-example.shotgrid.example'
export const secondUnit = 'https://second-unit.shotgrid.example'
export const minute = 60_000
export const hour = 60 * minute

/** A time on the wall of that Tuesday, in the zone of whoever runs the tests. */
export const at = (hours: number, minutes = 0): number => new Date(2026, 4, 12, hours, minutes).getTime()

export const english: Language = chooseLanguage('en', [])
export const french: Language = chooseLanguage('fr', [])

export function situation(change: Partial<Situation> = {}): Situation {
  return {
    now: at(10),
    sites: [site(signedOut)],
    tools: [],
    online: true,
    screenLocked: false,
    startAtLogin: false,
    dayMs: 12 * hour,
    remindBeforeMs: 30 * minute,
    trayShown: true,
    problems: [],
    startAtLoginLocked: false,
    collecting: false,
    ...change,
  }
}

export const signedOut: Partial<SiteStatus> = { state: 'signed_out' }
export const signingIn: Partial<SiteStatus> = { state: 'signing_in', reason: 'sign_in_started' }
export const signedIn: Partial<SiteStatus> = {
  state: 'signed_in',
  reason: 'signed_in',
  login: 'artist@studio.example',
  userId: 7,
  name: 'Plain Artist',
  expiry: 'estimated',
  obtainedBy: 'broker',
  account: 'plain.artist@autodesk.example',
  expiresAt: at(11),
  signInEndsAt: at(19, 40),
  generation: 1,
}

export function statusOf(status: Partial<SiteStatus>): SiteStatus {
  return { site: studio, state: 'signed_out', ...status }
}

export function site(status: Partial<SiteStatus>, change: Partial<SiteSituation> = {}): SiteSituation {
  const url = change.url ?? studio
  return {
    url,
    name: 'Studio Example',
    status: statusOf({ site: url, ...status }),
    waitsForBrowser: false,
    takesRedirect: change.waitsForBrowser ?? false,
    browserFailed: false,
    credentials: undefined,
    waitedFor: undefined,
    ...change,
  }
}

export function tool(name: string, change: Partial<ToolUse> = {}): ToolUse {
  return { name, version: '1', pid: 4711, site: studio, firstAt: at(9), lastAt: at(9, 30), count: 1, ...change }
}

/** Every text somewhere in a value. */
export function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsIn)
}

/** What people may call themselves, their sites and their tools. None of it may become anything but that text. */
export const hostileNames = [
  '<img src=x onerror=alert(1)>',
  '"; DROP TABLE users; --',
  '&Quit',
  '__proto__',
  'constructor',
  '$(reboot)',
  '%s%n%1$s',
  '\u202egnp.exe',
  'a\nb\tc\u0000d',
  'x'.repeat(10_000),
  '👩🏽\u200d🎨 שלום 日本',
]
