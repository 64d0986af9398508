import type { AllowedTool, AuditEntry, ConsentQuestion, RefusedTool } from '../src/agent.ts'
import type { ErrorCode } from '../src/errors.ts'
import type { SiteStatus } from '../src/session/changes.ts'
import type { RefusedToday, ToolUse } from '../src/socket/tool-log.ts'
import type { Strings } from './strings/en.ts'
import type { Obstacle } from './update/obstacle.ts'

/** Everything the tray and the windows show is a pure function of this. Times are wall clock, ms since the epoch. */
export interface Situation {
  readonly now: number
  readonly sites: readonly SiteSituation[]
  /** The tools that had a session today, and those that asked in vain; newest first. */
  readonly tools: readonly ToolUse[]
  readonly refused: readonly RefusedToday[]
  /** What programs asked for lately, newest first. */
  readonly calls: readonly AuditEntry[]
  /** The programs the artist has allowed. */
  readonly programs: readonly AllowedTool[]
  /** Those that nobody is asked about for a while. */
  readonly refusedPrograms: readonly RefusedTool[]
  /** Why answers about programs are not kept; undefined when all is well. */
  readonly answersProblem: string | undefined
  /** Who decides about programs: the artist, IT's list, or nobody. */
  readonly consent: 'prompt' | 'allow-list' | 'allow-all'
  /** A program that waits for the artist's word. */
  readonly question: ConsentQuestion | undefined
  readonly online: boolean
  readonly screenLocked: boolean
  readonly startAtLogin: boolean
  /** How long a sign-in lasts at most, and how long before its end the artist is reminded. */
  readonly dayMs: number
  readonly remindBeforeMs: number
  /** False where the desktop has no place for tray icons. */
  readonly trayShown: boolean
  /** What is wrong with the app as a whole. */
  readonly problems: readonly AppProblem[]
  /** IT has decided whether the app starts at login. */
  readonly startAtLoginLocked: boolean
  /** The diagnosis is being collected, for the clipboard. */
  readonly collecting: boolean
  /** A newer version that waits to be put in place. */
  readonly update: ReadyUpdate | undefined
}

export interface ReadyUpdate {
  readonly version: string
  /** What it waits for; undefined when it goes ahead. */
  readonly obstacle: Obstacle | undefined
}

export interface AppProblem {
  readonly code: ErrorCode
  /** What the table's sentence leaves open: which file and which value, as the error said it. */
  readonly detail?: string
}

export interface SiteSituation {
  readonly url: string
  /** What people call the site. */
  readonly name: string
  readonly status: SiteStatus
  /** A sign-in is at the browser. */
  readonly waitsForBrowser: boolean
  /** The browser is sent back to this machine, by an address that can be pasted; else the artist approves at the site. */
  readonly takesRedirect: boolean
  readonly browserFailed: boolean
  /** A sign-in waits for a login and passphrase. */
  readonly credentials: CredentialsWanted | undefined
  /** What the newest sign-in waited for last. */
  readonly waitedFor: WaitedFor | undefined
}

export interface CredentialsWanted {
  /** With the code of the second factor. */
  readonly wantsCode: boolean
  /** Why the last ones were not taken. */
  readonly refusal: ErrorCode | undefined
}

export type WaitedFor = 'browser' | 'credentials'

/** What a menu entry, a button or a notification asks the app to do. */
export type Command =
  | {
      readonly does: 'signIn' | 'switchUser' | 'cancelSignIn' | 'signOut' | 'openSite' | 'showSignIn'
      readonly site: string
    }
  | {
      readonly does:
        | 'showStatus'
        | 'showFirstRun'
        | 'showConsent'
        | 'showPrograms'
        | 'showSettings'
        | 'showAbout'
        | 'copyDiagnosis'
        | 'toggleStartAtLogin'
        | 'openLogs'
        | 'restartForUpdate'
        | 'quit'
    }

/** How near the end is: whole minutes once the reminder is due, else undefined. */
export function minutesToEnd(site: SiteSituation, { now, remindBeforeMs }: Situation): number | undefined {
  const { state, signInEndsAt } = site.status
  if (state !== 'signed_in' || signInEndsAt === undefined) return undefined
  const left = signInEndsAt - now
  return left <= remindBeforeMs ? Math.max(0, Math.ceil(left / 60_000)) : undefined
}

/** Whether a sign-in is on its way, also one behind a session that is held until somebody else is signed in. */
export function isSignInUnderWay({ status, waitsForBrowser, credentials }: SiteSituation): boolean {
  const { state, reason } = status
  const waits = waitsForBrowser || credentials !== undefined
  return state === 'signing_in' || waits || (state === 'signed_in' && reason === 'sign_in_started')
}

/** What went wrong and what to do, in words that fit what the sign-in waited for. */
export function failureWords(
  code: ErrorCode,
  waitedFor: WaitedFor | undefined,
  { signIn, errors }: Strings,
): { readonly sentence: string; readonly advice: string } {
  return code === 'sign_in_timeout' && waitedFor === 'credentials' ? signIn.credentialsLate : errors[code]
}

const networkCodes: ReadonlySet<string> = new Set(['site_unreachable', 'identity_unreachable', 'broker_unreachable'])

/** Whether the last renewal failed on the way. */
export function isCutOff({ status }: SiteSituation): boolean {
  return status.problem !== undefined && networkCodes.has(status.problem)
}

/** A moment as people read it, in their language: the time alone, with the weekday if it is not today. */
export function clockTime(at: number, now: number, language: string): string {
  const today = new Date(at).toDateString() === new Date(now).toDateString()
  return new Intl.DateTimeFormat(language, {
    hour: 'numeric',
    minute: '2-digit',
    ...(today ? {} : { weekday: 'short' }),
  }).format(at)
}
