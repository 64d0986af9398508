import type { CallingTool } from '../socket/gate.ts'
import type { Scope } from '../socket/scopes.ts'

/** A program that wants something nobody has decided about yet. */
export interface ConsentQuestion {
  readonly id: string
  /** The configured site's address. */
  readonly site: string
  /** What a yes grants: `rest` (the session, and bearers made of it) or `autodesk`. */
  readonly scope: Scope
  readonly tool: CallingTool
  /** Wall clock, ms since the epoch. */
  readonly askedAt: number
}

/** `once`: for as long as the program runs. `always`: until it is revoked. */
export type ConsentAnswer = 'once' | 'always' | 'deny'

/**
 * Puts the question before the artist; never a second one before the first is settled or aborted. Resolves with the answer, `deny`
 * for a window that was closed. What is not answered when `signal` aborts is to be taken off the screen; what is said then counts
 * no more. The signal's reason is how it ended: `unanswered`, `withdrawn` (nobody could be there), or an answer from elsewhere.
 */
export type AskConsent = (question: ConsentQuestion, signal: AbortSignal) => Promise<ConsentAnswer>
