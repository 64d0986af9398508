import { createHash } from 'node:crypto'
import type { AuditRow } from '../database/tables.ts'

/** What a row says, without its place in the chain's cryptography. */
export type AuditContent = Omit<AuditRow, 'sequence' | 'previous_hash' | 'hash'>

/** In this order, by these names, for ever: every hash depends on it. */
export const auditFields = [
  'at',
  'event',
  'actor',
  'request_id',
  'client_address',
  'site',
  'issuer',
  'subject',
  'user_id',
  'login',
  'shape',
  'session_uuid',
  'outcome',
  'detail',
] as const satisfies readonly (keyof AuditContent)[]

export interface ChainLink {
  readonly sequence: number
  readonly hash: string
}

/** Where every chain begins. */
export const chainStart: ChainLink = { sequence: 0, hash: '' }

/** The row that follows a link. Its hash covers its place, everything it says, and the hash before it. */
export function linkRow(previous: ChainLink, content: AuditContent): AuditRow {
  const sequence = previous.sequence + 1
  return { sequence, ...content, previous_hash: previous.hash, hash: hashOf(sequence, content, previous.hash) }
}

/** What is wrong with a row that is said to follow a link; undefined when nothing is. */
export function faultOf(row: AuditRow, previous: ChainLink): string | undefined {
  if (row.sequence !== previous.sequence + 1) {
    return `row ${previous.sequence + 1} is missing: row ${row.sequence} comes after row ${previous.sequence}`
  }
  if (row.previous_hash !== previous.hash) return `row ${row.sequence} does not follow from row ${previous.sequence}`
  if (row.hash !== hashOf(row.sequence, row, previous.hash)) return `row ${row.sequence} was changed`
  return undefined
}

function hashOf(sequence: number, content: AuditContent, previousHash: string): string {
  const said = ['sg-broker audit 1', sequence, ...auditFields.map((field) => content[field]), previousHash]
  return createHash('sha256').update(JSON.stringify(said), 'utf8').digest('hex')
}
