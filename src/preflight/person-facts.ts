import type { SiteConfig } from '../config/config.ts'
import type { ErrorCode } from '../errors.ts'
import type { SiteInfo } from '../shotgrid/site-info.ts'
import type { PassphraseTry } from './passphrase-try.ts'
import type { SiteUser } from './site-user.ts'

/** Everything there is to judge: what was asked and what was answered, and nothing that is secret. */
export interface PersonFacts {
  readonly nowMs: number
  readonly site: string
  readonly info: SiteInfo
  /** How sg-session is told to sign in; `auto` for a site it is not configured for. */
  readonly signIn: SiteConfig['signIn']
  /** Absent where none is configured. */
  readonly broker?: BrokerFacts
  readonly agent: AgentFacts
  /** Absent when nobody's session could be used to look, or the site does not show the row. */
  readonly user: SiteUser | undefined
  readonly passphrase: PassphraseTry | NoTry
}

export interface BrokerFacts {
  readonly url: string
  /** Why it cannot be used for the site; absent when its metadata says that it serves it. */
  readonly problem?: Problem
}

export interface Problem {
  readonly code: ErrorCode
  readonly says: string
  readonly next: string
}

/** What the agent says of the site. */
export type AgentFacts =
  | SignedInFacts
  | { readonly signedIn: false; readonly problem: Problem; readonly last?: Problem }

export interface SignedInFacts {
  readonly signedIn: true
  readonly login: string
  readonly userId: number
  readonly obtainedBy: string
  /** The Autodesk account, where the sign-in went through one. */
  readonly account?: string
}

/** Why login and passphrase were not tried. */
export interface NoTry {
  readonly notTried: 'no_terminal' | 'declined' | 'pointless'
}

export const subjects = [
  'site',
  'browser_sign_in',
  'mapping',
  'impersonation',
  'seat',
  'lock',
  'legacy_sign_in',
  'passphrase',
  'personal_access_token',
  'two_factor',
] as const
export type Subject = (typeof subjects)[number]

/** `not_needed`: here and now nothing hangs on it. */
export type State = 'ok' | 'missing' | 'unknown' | 'not_needed'

/** `known`: somebody who knows said so; `tried`: it was done; `cannot_be_seen`: neither, so the state is a guess or none. */
export type Evidence = 'known' | 'tried' | 'cannot_be_seen'

export interface Finding {
  readonly subject: Subject
  readonly state: State
  readonly evidence: Evidence
  /** What was found, in a sentence for the person it is about. */
  readonly says: string
  /** What to do; absent where nothing is to be done. */
  readonly next?: string
}

/** What is found of a subject. */
export type Found = Omit<Finding, 'subject'>

export const found = (state: State, evidence: Evidence, says: string, next?: string): Found => ({
  state,
  evidence,
  says,
  ...(next === undefined ? {} : { next }),
})
