import type { CallingTool } from '../socket/connection.ts'
import type { Scope } from '../socket/scopes.ts'

/** A program that wants something nobody has decided about yet. */
export interface ConsentQuestion {
  readonly id: string
  /** The configured site's address. */
  readonly site: string
  readonly scope: Scope
  readonly tool: CallingTool
  /** Wall clock, ms since the epoch. */
  readonly askedAt: number
}

/** `once`: for as long as the program runs. `always`: until it is revoked. */
export type ConsentAnswer = 'once' | 'always' | 'deny'

/** Puts the question before the artist. Resolves with the answer; what is not answered when `signal` aborts is taken off the screen. */
export type AskConsent = (question: ConsentQuestion, signal: AbortSignal) => Promise<ConsentAnswer>
