import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { stringify } from 'csv-stringify'
import { z } from 'zod'
import type { AuditRow } from '../database/tables.ts'
import { auditFields, type ChainLink, chainStart } from './chain.ts'
import { broken, demandReached, type Verification, verifyRows } from './verify.ts'

export const exportFormats = ['jsonl', 'csv'] as const
export type ExportFormat = (typeof exportFormats)[number]

const text = z.string()
const textOrNull = text.nullable()

/** A line of an export, and of what goes to syslog: the row, in this order, by these names. Documented in docs/broker-audit.md. */
const lineSchema = z.strictObject({
  sequence: z.number().int(),
  at: z.number().int(),
  event: text,
  actor: text,
  request_id: textOrNull,
  client_address: textOrNull,
  site: textOrNull,
  issuer: textOrNull,
  subject: textOrNull,
  user_id: z.number().int().nullable(),
  login: textOrNull,
  shape: textOrNull,
  session_uuid: textOrNull,
  outcome: text,
  detail: text,
  previous_hash: text,
  hash: text,
}) satisfies z.ZodType<AuditRow>

const columns = ['sequence', ...auditFields, 'previous_hash', 'hash'] as const

/** The row as one line of JSON, without the line feed. */
export function lineOf(row: AuditRow): string {
  return JSON.stringify(row, [...columns])
}

/** Writes rows out as they come, no faster than they are taken. Ends `out`. */
export function writeExport(rows: AsyncIterable<AuditRow>, format: ExportFormat, out: Writable): Promise<void> {
  if (format === 'jsonl') return pipeline(Readable.from(linesOf(rows)), out)
  const csv = stringify({
    header: true,
    columns: ['time', ...columns],
    // Names and sentences come from outside: a spreadsheet must not take them for formulas.
    escape_formulas: true,
  })
  return pipeline(Readable.from(withTime(rows)), csv, out)
}

export interface VerifiedFile {
  readonly first: number
  readonly head: ChainLink
}

/**
 * Walks the chain of an export. One that does not begin with row 1 is taken to follow whatever its first row says. Throws
 * `audit_broken`, and the file system's error.
 */
export async function verifyFile(file: string, verification: Verification = {}): Promise<VerifiedFile> {
  const rows = rowsOf(file)
  const { value: first } = await rows.next()
  if (!first) throw broken(`"${file}" holds no rows`)
  const { expected } = verification
  if (expected && expected.sequence < first.sequence) {
    throw broken(`row ${expected.sequence} was noted, but "${file}" begins with row ${first.sequence}`)
  }
  const start = first.sequence <= 1 ? chainStart : { sequence: first.sequence - 1, hash: first.previous_hash }
  const all = async function* (): AsyncGenerator<AuditRow> {
    yield first
    yield* rows
  }
  const head = await verifyRows(all(), start, verification)
  demandReached(head, verification)
  return { first: first.sequence, head }
}

async function* rowsOf(file: string): AsyncGenerator<AuditRow, undefined> {
  const input = createReadStream(file)
  // Unlike a readline that is left waiting, this one ends with the stream's error.
  const failed = new Promise<never>((_resolve, reject) => input.once('error', reject))
  failed.catch(() => undefined)
  await Promise.race([failed, new Promise((resolve) => input.once('open', resolve))])
  let number = 0
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1
    const row = judgeLine(line)
    if (!row) throw broken(`line ${number} of "${file}" is no row of the audit`)
    yield row
  }
}

/** The row that a line of an export says; undefined when it says none. */
export function judgeLine(line: string): AuditRow | undefined {
  return lineSchema.safeParse(parseJson(line)).data
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

async function* linesOf(rows: AsyncIterable<AuditRow>): AsyncGenerator<string> {
  for await (const row of rows) yield `${lineOf(row)}\n`
}

async function* withTime(rows: AsyncIterable<AuditRow>): AsyncGenerator<AuditRow & { time: string }> {
  for await (const row of rows) yield { ...row, time: new Date(row.at).toISOString() }
}
