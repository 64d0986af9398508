import type { Transaction } from 'kysely'
import { AgentError } from '../../errors.ts'
import type { Clock, Log } from '../../ports.ts'
import type { AuditRow, Database, Tables } from '../database/tables.ts'
import { type AuditEntry, contentOf } from './audit-entry.ts'
import { type ChainLink, linkRow } from './chain.ts'

export type { AuditEntry, AuditEvent } from './audit-entry.ts'

/**
 * Judges an entry in the transaction that appends it, while no other broker can append. It may throw an AgentError: then a
 * row that says so takes the entry's place, and what it wrote before stays. `record` puts another row before the entry's.
 */
export type Condition = (transaction: Transaction<Tables>, record: (entry: AuditEntry) => void) => Promise<void>

/** A condition that says itself what is to be recorded: nothing, one entry or many. May run a second time, in a new transaction. */
export type Change = (
  transaction: Transaction<Tables>,
  record: (entry: AuditEntry) => void,
) => Promise<readonly AuditEntry[]>

/** Hears of each row once it is on disk. */
export type AuditListener = (row: AuditRow) => void

interface Waiting {
  readonly entry: AuditEntry
  readonly change: Change
  resolve(): void
  reject(error: unknown): void
}

interface Appended {
  readonly rows: readonly AuditRow[]
  readonly outcomes: readonly { readonly waiting: Waiting; readonly refusal: AgentError | undefined }[]
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
   * condition threw, whose row is on disk then, or with the database's trouble: then nobody knows whether there is a row.
   */
  write(entry: AuditEntry, condition?: Condition): Promise<void> {
    return this.writeChange(entry, async (transaction, record) => {
      await condition?.(transaction, record)
      return [entry]
    })
  }

  /**
   * Makes a change and records it: the entries it returns are on disk together with it, or neither is. `entry` is what a
   * refusal is recorded as. Resolves and rejects like `write`.
   */
  writeChange(entry: AuditEntry, change: Change): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, change, resolve, reject })
      if (!this.#isWriting) void this.#writeAll()
    })
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      // SQLite commits in this thread: whoever has their answers from outside by now would come one write too late.
      await new Promise((resolve) => setImmediate(resolve))
      await this.#writeTogether(this.#waiting.splice(0, mostTogether))
    }
    this.#isWriting = false
  }

  async #writeTogether(batch: readonly Waiting[]): Promise<void> {
    let mayBeOnDisk = false
    try {
      const { rows, outcomes } = await this.#append(batch, () => {
        mayBeOnDisk = true
      })
      for (const { waiting, refusal } of outcomes) {
        if (refusal) waiting.reject(refusal)
        else waiting.resolve()
      }
      for (const row of rows) this.#announce(row)
    } catch (error) {
      if (batch.length > 1 && !mayBeOnDisk && !isOutage(error)) {
        // One of them is at fault, and the others must not pay for it.
        for (const waiting of batch) await this.#writeTogether([waiting])
        return
      }
      for (const { reject } of batch) reject(error)
    }
  }

  #append(batch: readonly Waiting[], willCommit: () => void): Promise<Appended> {
    return this.#database.transaction().execute(async (transaction) => {
      // A write comes first: it takes the chain, and with SQLite the file, before anything is read.
      let head: ChainLink = await transaction
        .updateTable('audit_head')
        .set((column) => ({ sequence: column('audit_head.sequence', '+', 0) }))
        .where('id', '=', 1)
        .returning(['sequence', 'hash'])
        .executeTakeFirstOrThrow()
      const rows: AuditRow[] = []
      const outcomes = []
      for (const waiting of batch) {
        const { entries, refusal } = await outcomeOf(waiting, transaction)
        const added: AuditRow[] = []
        for (const entry of entries) {
          const row = linkRow(head, contentOf(entry, this.#clock.now()))
          added.push(row)
          head = row
        }
        // At once, since the next one's condition counts them.
        for (let from = 0; from < added.length; from += mostRowsAStatement) {
          const some = added.slice(from, from + mostRowsAStatement)
          await transaction.insertInto('audit').values(some).execute()
        }
        rows.push(...added)
        outcomes.push({ waiting, refusal })
      }
      const { sequence, hash } = head
      await transaction.updateTable('audit_head').set({ sequence, hash }).where('id', '=', 1).execute()
      willCommit()
      return { rows, outcomes }
    })
  }

  /** The row is on disk, and who waited for it has been told: whatever goes wrong here is no refusal any more. */
  #announce(row: AuditRow): void {
    try {
      this.#listener(row)
      this.#log.info(row, 'audit')
    } catch (error) {
      process.emitWarning(`a row of the audit could not be logged: ${error}`)
    }
  }
}

const mostTogether = 100
/** Databases limit the parameters of a statement: SQLite to 32,766. */
const mostRowsAStatement = 500

async function outcomeOf(
  { entry, change }: Waiting,
  transaction: Transaction<Tables>,
): Promise<{ entries: readonly AuditEntry[]; refusal: AgentError | undefined }> {
  const before: AuditEntry[] = []
  try {
    const entries = await change(transaction, (other) => before.push(other))
    return { entries: [...before, ...entries], refusal: undefined }
  } catch (error) {
    if (!(error instanceof AgentError) || isOutage(error)) throw error
    return { entries: [...before, { ...entry, outcome: error.code, detail: error.message }], refusal: error }
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof AgentError && error.code === 'temporarily_unavailable'
}
