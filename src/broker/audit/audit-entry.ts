import type { ErrorCode } from '../../errors.ts'
import type { AuditContent } from './chain.ts'

/** What is to be recorded; what does not apply is left out. */
export interface AuditEntry {
  readonly event: AuditEvent
  readonly actor: string
  readonly outcome: 'issued' | 'done' | ErrorCode
  readonly detail: string
  readonly requestId?: string
  readonly clientAddress?: string
  readonly site?: string
  readonly issuer?: string
  readonly subject?: string
  readonly userId?: number
  readonly login?: string
  readonly shape?: string
  readonly sessionUuid?: string
}

/** `exchange`: somebody asked for a session. The others are an operator's acts, or the broker's own. */
export type AuditEvent = 'exchange' | 'person' | 'stop' | 'resume' | 'shape' | 'gateway'

const mostCharacters = 2_000

/** What a row says of an entry: text that every database gives back as it took it, so that its hash holds. */
export function contentOf(entry: AuditEntry, at: number): AuditContent {
  return {
    at: Math.trunc(at),
    event: entry.event,
    actor: storable(entry.actor),
    request_id: storableOrNull(entry.requestId),
    client_address: storableOrNull(entry.clientAddress),
    site: storableOrNull(entry.site),
    issuer: storableOrNull(entry.issuer),
    subject: storableOrNull(entry.subject),
    user_id: entry.userId ?? null,
    login: storableOrNull(entry.login),
    shape: storableOrNull(entry.shape),
    session_uuid: storableOrNull(entry.sessionUuid),
    outcome: entry.outcome,
    detail: storable(entry.detail),
  }
}

/** PostgreSQL takes no NUL, SQLite gives half a surrogate pair back as another character; and a site may say a whole page. */
function storable(text: string): string {
  return text.slice(0, mostCharacters).replaceAll('\0', '\uFFFD').toWellFormed()
}

function storableOrNull(text: string | undefined): string | null {
  return text === undefined ? null : storable(text)
}
