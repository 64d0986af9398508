import type { Transaction } from 'kysely'
import type { ErrorCode } from '../../errors.ts'
import { AgentError } from '../../errors.ts'
import type { Clock, Log } from '../../ports.ts'
import type { Database, Tables } from '../database/tables.ts'
import { type AuditContent, type ChainLink, linkRow } from './chain.ts'

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

/**
 * Judges an entry in the transaction that appends it, while no other broker can append. It may throw an AgentError: then a
 * row that says so takes the entry's place.
 */
export type Condition = (transaction: Transaction<Tables>) => Promise<void>

/** Thrown by a condition: what the entry says did not come about, and needs no row. */
export class NothingHappened extends Error {}

/** Hears of each row once it is on disk. Must not throw. */
export type AuditListener = (row: AuditContent & ChainLink) => void

interface Waiting {
  readonly entry: AuditEntry
  readonly condition: Condition | undefined
  resolve(): void
  reject(error: unknown): void
}

interface Written {
  readonly waiting: Waiting
  readonly row?: AuditContent & ChainLink
  readonly refusal?: AgentError | undefined
}

/**
 * Who got what, or why not: one row an outcome, each chained to the one before it. Rows that come while a transaction runs
 * go into the next one together, so that one write to disk serves all who wait.
 */
export class AuditLog {
  readonly #database: Database
  readonly #clock: Pick<Clock, 'now'>
  readonly #log: Log
  readonly #listener: AuditListener
  #waiting: Waiting[] = []
  #isWriting = false

  constructor(database: Database, clock: Pick<Clock, 'now'>, log: Log, listener: AuditListener = () => undefined) {
    this.#database = database
    this.#clock = clock
    this.#log = log
    this.#listener = listener
  }

  /**
   * Resolves when the row is on disk; whoever waits for that has nothing released without a row. Rejects with what the
   * condition threw, whose row is on disk then, or with the database's trouble.
   */
  write(entry: AuditEntry, condition?: Condition): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, condition, resolve, reject })
      if (!this.#isWriting) void this.#writeAll()
    })
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, mostTogether)
      try {
        const written = await this.#append(batch)
        for (const { row, refusal, waiting } of written) {
          if (row) {
            this.#log.info(row, 'audit')
            this.#listener(row)
          }
          if (refusal) waiting.reject(refusal)
          else waiting.resolve()
        }
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isWriting = false
  }

  #append(batch: readonly Waiting[]): Promise<Written[]> {
    return this.#database.transaction().execute(async (transaction) => {
      // A write comes first: it takes the chain, and with SQLite the file, before anything is read.
      let head: ChainLink = await transaction
        .updateTable('audit_head')
        .set((column) => ({ sequence: column('audit_head.sequence', '+', 0) }))
        .where('id', '=', 1)
        .returning(['sequence', 'hash'])
        .executeTakeFirstOrThrow()
      const written: Written[] = []
      for (const waiting of batch) {
        const refusal = await refusalOf(waiting.condition, transaction)
        if (refusal instanceof NothingHappened) {
          written.push({ waiting })
          continue
        }
        const entry = refusal ? { ...waiting.entry, outcome: refusal.code, detail: refusal.message } : waiting.entry
        const row = linkRow(head, contentOf(entry, this.#clock.now()))
        await transaction.insertInto('audit').values(row).execute()
        head = row
        written.push({ row, refusal, waiting })
      }
      const { sequence, hash } = head
      await transaction.updateTable('audit_head').set({ sequence, hash }).where('id', '=', 1).execute()
      return written
    })
  }
}

const mostTogether = 100

async function refusalOf(
  condition: Condition | undefined,
  transaction: Transaction<Tables>,
): Promise<AgentError | NothingHappened | undefined> {
  try {
    await condition?.(transaction)
    return undefined
  } catch (error) {
    if (error instanceof NothingHappened) return error
    if (error instanceof AgentError && error.code !== 'temporarily_unavailable') return error
    throw error
  }
}

function contentOf(entry: AuditEntry, at: number): AuditContent {
  return {
    at,
    event: entry.event,
    actor: entry.actor,
    request_id: entry.requestId ?? null,
    client_address: entry.clientAddress ?? null,
    site: entry.site ?? null,
    issuer: entry.issuer ?? null,
    subject: entry.subject ?? null,
    user_id: entry.userId ?? null,
    login: entry.login ?? null,
    shape: entry.shape ?? null,
    session_uuid: entry.sessionUuid ?? null,
    outcome: entry.outcome,
    detail: entry.detail,
  }
}
