import type { SiteSituation, Situation } from '../../../app/situation.ts'
import { chooseLanguage, type Language } from '../../../app/strings/catalogue.ts'
import type { AllowedTool, AuditEntry, ConsentQuestion } from '../../../src/agent.ts'
import type { SiteStatus } from '../../../src/session/changes.ts'
import type { Peer } from '../../../src/socket/peer.ts'
import type { RefusedToday, ToolUse } from '../../../src/socket/tool-log.ts'

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
    refused: [],
    calls: [],
    programs: [],
    refusedPrograms: [],
    answersProblem: undefined,
    consent: 'prompt',
    question: undefined,
    online: true,
    screenLocked: false,
    startAtLogin: false,
    dayMs: 12 * hour,
    remindBeforeMs: 30 * minute,
    trayShown: true,
    problems: [],
    startAtLoginLocked: false,
    collecting: false,
    update: undefined,
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

export const mayaFile = '/usr/autodesk/maya2025/bin/maya.bin'
export const pythonFile = '/usr/bin/python3.11'
export const publishFile = '/tools/publish.py'

export function tool(name: string, change: Partial<ToolUse> = {}): ToolUse {
  const times = { firstAt: at(9), lastAt: at(9, 30), count: 1 }
  return { name, version: '1', pid: 4711, executable: mayaFile, site: studio, ...times, ...change }
}

export function refusal(change: Partial<RefusedToday> = {}): RefusedToday {
  const code = 'consent_denied' as const
  return { ...tool('publish', { executable: pythonFile, script: publishFile }), code, lastAt: at(9, 45), ...change }
}

export function call(change: Partial<AuditEntry> = {}): AuditEntry {
  return {
    ...{ at: at(9, 50), executable: pythonFile, script: publishFile, pid: 4711, site: studio },
    ...{ claimed: { name: 'publish', version: '1' }, method: 'session/get', scope: 'session' },
    ...{ outcome: 'ok', allowedBy: 'remembered', ms: 2, count: 1 },
    ...change,
  }
}

export function allowed(change: Partial<AllowedTool> = {}): AllowedTool {
  return { id: 'allowed-1', executable: mayaFile, site: studio, scope: 'rest', allowedAt: at(9), ...change }
}

/** “May maya.bin?”, from an artist’s launcher; `change`: of what the system says. */
export function question(change: Partial<Peer> = {}, more: Partial<ConsentQuestion> = {}): ConsentQuestion {
  const parents = [
    { pid: 4200, executable: '/opt/tk-desktop/tk-desktop', startMark: '1' },
    { pid: 812, executable: '/usr/bin/gnome-shell', startMark: '1' },
  ]
  const peer = {
    ...{ pid: 4711, executable: mayaFile, startMark: '9', uid: 1000, pids: [4711], parents, socketMark: 'socket' },
    ...change,
  }
  const tool = { identified: { kind: 'known', peer }, claim: { name: 'Maya 2025', version: '1', pid: 4711 } } as const
  return { id: 'question-1', site: studio, scope: 'rest', askedAt: at(10), tool, ...more }
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
