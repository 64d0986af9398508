import type { ErrorCode } from '../errors.ts'
import type { ChangeReason } from '../session/changes.ts'
import type { AllowedBy, Call, TurnedAway } from '../socket/calls.ts'
import { isMethod } from '../socket/messages.ts'
import type { Scope } from '../socket/scopes.ts'
import { shownText } from '../socket/tool-log.ts'
import { version } from '../version.ts'

/** What is kept of a call: fixed fields, cleaned and bounded, and never a parameter or an answer. */
export interface AuditEntry {
  /** Wall clock, ms since the epoch; of several, the last. */
  readonly at: number
  /** Absent where nobody could say which program it was; then `pid` is only claimed. */
  readonly executable?: string
  readonly script?: string
  readonly pid: number
  /** Absent where it is not known, and where there are no numeric users. */
  readonly uid?: number
  /** What the program says of itself. */
  readonly claimed: { readonly name: string; readonly version: string }
  /** One of the protocol's, else `unknown`; of sg-session itself `signedIn`, `signedOut`, `toolAllowed`, `toolRevoked` and `audit`. */
  readonly method: string
  /** The program that was decided about. */
  readonly about?: { readonly executable: string; readonly script?: string }
  readonly site?: string
  readonly scope: Scope
  /** Of `signedOut`: why. `lost`: so many entries could not be written. */
  readonly outcome: 'ok' | 'lost' | ErrorCode | TurnedAway | ChangeReason
  readonly allowedBy?: AllowedBy
  /** How long it took; of several, the longest. */
  readonly ms: number
  /** How many such calls of this process this entry stands for. */
  readonly count: number
}

const longestPath = 1_000

export function entryOf(call: Call, at: number): AuditEntry {
  const { identified, claim, site, allowedBy } = call
  const peer = identified?.kind === 'known' ? identified.peer : undefined
  const uid = identified?.kind === 'known' ? identified.peer.uid : identified?.uid
  return {
    at,
    ...(peer ? shownProgram(peer) : {}),
    pid: peer?.pid ?? claim.pid,
    ...(uid === undefined || uid < 0 ? {} : { uid }),
    claimed: { name: claim.name, version: claim.version },
    method: isMethod(call.method) ? call.method : 'unknown',
    ...(site === undefined ? {} : { site }),
    scope: call.scope,
    outcome: call.outcome,
    ...(allowedBy === undefined ? {} : { allowedBy }),
    ms: Math.round(call.ms),
    count: 1,
  }
}

/** What sg-session itself has to say. */
export function ownEntry({
  about,
  ...what
}: Pick<AuditEntry, 'at' | 'method' | 'outcome'> & Partial<AuditEntry>): AuditEntry {
  return {
    ...{ executable: process.execPath, pid: process.pid, claimed: { name: 'sg-session', version } },
    ...{ scope: 'status', ms: 0, count: 1 },
    ...what,
    ...(about === undefined ? {} : { about: shownProgram(about) }),
  }
}

function shownProgram({ executable, script }: NonNullable<AuditEntry['about']>): NonNullable<AuditEntry['about']> {
  return {
    executable: shownText(executable, longestPath),
    ...(script === undefined ? {} : { script: shownText(script, longestPath) }),
  }
}
