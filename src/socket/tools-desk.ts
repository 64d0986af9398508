import type { CallingTool } from './gate.ts'
import type { Scope } from './scopes.ts'

/** A program that may have the session of a site. Times are wall clock, ms since the epoch. */
export interface AllowedTool {
  readonly id: string
  readonly executable: string
  /** Of an interpreter. */
  readonly script?: string
  readonly site: string
  /** The most it may have. */
  readonly scope: Scope
  readonly allowedAt: number
  /** To a day. */
  readonly lastUsedAt?: number
  /** Allowed only for as long as this process runs; absent: until it is revoked. */
  readonly pid?: number
}

/** A program that was refused, or got no answer, and is not asked about again for a while. */
export interface RefusedTool {
  readonly executable: string
  readonly script?: string
  readonly site: string
  readonly scope: Scope
  /** Until when; wall clock, ms since the epoch. */
  readonly until: number
}

/** A question that nobody has answered yet. */
export interface PendingQuestion {
  readonly id: string
  readonly tool: CallingTool
  readonly site: string
  readonly scope: Scope
  /** Wall clock, ms since the epoch. */
  readonly askedAt: number
  readonly endsAt: number
}

export interface ToolToAllow {
  readonly executable: string
  readonly script?: string
  readonly site: string
  readonly scope: 'rest' | 'autodesk'
}

/** What the socket needs for deciding about programs. `by`: who asks for it, whose identity was checked just now. */
export interface ToolsDesk {
  readonly mode: 'prompt' | 'allow-list' | 'allow-all'
  allowed(): readonly AllowedTool[]
  refused(): readonly RefusedTool[]
  pending(): readonly PendingQuestion[]
  /** Throws `consent_denied` unless `by` is sg-session's own command line; `invalid_request`. */
  allow(by: CallingTool, wanted: ToolToAllow): Promise<AllowedTool>
  /** As `allow`; resolves with what was revoked. */
  revoke(by: CallingTool, id: string): Promise<AllowedTool>
  /** As `allow`; resolves with the question that was answered. */
  answer(by: CallingTool, id: string, answer: 'once' | 'always' | 'deny'): Promise<PendingQuestion>
}
