import { createHash } from 'node:crypto'
import type { Secret } from '../../secrets/secret.ts'

/** What the database keeps of a token. The prefix keeps the hash from being any other value's in any other table. */
export function hashOf(kind: 'gateway session' | 'gateway bearer', token: Secret): string {
  return createHash('sha256').update(`${kind} ${token.reveal()}`, 'utf8').digest('hex')
}
