import type { ErrorCode } from '../errors.ts'
import type { Identified } from './peer.ts'
import type { Scope } from './scopes.ts'
import type { Tool } from './tool-log.ts'

/** What let a program have what it asked for: a rule of IT, an answer of earlier, one given now, or a mode that asks nobody. */
export type AllowedBy = 'rule' | 'remembered' | 'asked' | 'mode'

/** Why a connection was cut before it could ask for anything. */
export type TurnedAway = 'no_hello' | 'wrong_key' | 'other_user'

/** One request as it ended, or a connection that was turned away. */
export interface Call {
  /** Absent for who was turned away before anybody looked. */
  readonly identified?: Identified
  readonly claim: Tool
  /** As the caller wrote it. */
  readonly method: string
  /** The configured site that was meant, if any. */
  readonly site?: string
  readonly scope: Scope
  readonly outcome: 'ok' | ErrorCode | TurnedAway
  /** Of what needs leave. */
  readonly allowedBy?: AllowedBy
  readonly ms: number
}

/** Hears of every call, before its answer goes out. Must not throw, and must not keep anybody waiting. */
export interface CallBook {
  note(call: Call): void
}
