import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, SqliteDialect, type SqliteStatement } from 'kysely'
import { AgentError } from '../../errors.ts'
import { onDiskWithTheNextMark } from './on-disk-with-the-next.ts'
import type { Database, Tables } from './tables.ts'

interface OpenedSqlite {
  readonly database: Database
  /** One at a time, also when several brokers start on one new file, and whole or not at all. */
  exclusively(work: () => Promise<void>): Promise<void>
}

/**
 * A row is on disk when its statement returns (WAL with `synchronous=FULL`), unless that was marked `onDiskWithTheNext`. Throws
 * `config_invalid`.
 */
export function openSqlite(file: string): OpenedSqlite {
  const sqlite = open(file)
  const statements = new Statements(sqlite)
  const database = new Kysely<Tables>({
    dialect: new SqliteDialect({
      database: { close: () => sqlite.close(), prepare: (sql) => statements.of(sql) },
    }),
  })
  return {
    database,
    async exclusively(work) {
      patiently(() => sqlite.exec('BEGIN EXCLUSIVE'))
      try {
        await work()
      } catch (error) {
        sqlite.exec('ROLLBACK')
        throw error
      }
      sqlite.exec('COMMIT')
    },
  }
}

function open(file: string): DatabaseSync {
  try {
    // Made before SQLite would make it: names and addresses are in it. Its journals take over the mode.
    closeSync(openSync(file, 'a', 0o600))
    // The wait stands still for everybody, since SQLite is called in this thread.
    const sqlite = new DatabaseSync(file, { timeout: 1_000 })
    sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
    return sqlite
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause
    throw new AgentError('config_invalid', `"database.file": ${file}: ${reason}`, { cause })
  }
}

/** Those that insert many rows at once are as many as there are numbers of rows. */
const mostStatements = 200

/** Statements as they were prepared the first time: that takes SQLite longer than most of them do. */
class Statements {
  readonly #sqlite: DatabaseSync
  readonly #prepared = new Map<string, SqliteStatement>()

  constructor(sqlite: DatabaseSync) {
    this.#sqlite = sqlite
  }

  of(sql: string): SqliteStatement {
    const known = this.#prepared.get(sql)
    if (known) return known
    const prepared = asKyselyStatement(this.#sqlite, sql)
    if (this.#prepared.size >= mostStatements) this.#prepared.clear()
    this.#prepared.set(sql, prepared)
    return prepared
  }
}

/** Kysely speaks better-sqlite3's dialect; Node's own SQLite differs in how parameters are passed. */
function asKyselyStatement(sqlite: DatabaseSync, sql: string): SqliteStatement {
  const statement = patiently(() => sqlite.prepare(sql))
  const values = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[]
  const waits = sql.endsWith(onDiskWithTheNextMark)
  return {
    reader: statement.columns().length > 0,
    all: (parameters) =>
      patiently(() => {
        // It may write, and return what it wrote.
        demandFull(sqlite)
        return statement.all(...values(parameters))
      }),
    run: (parameters) =>
      patiently(() => {
        // It is not allowed within a transaction, which ends with a wait of its own.
        if (!waits || sqlite.isTransaction) {
          demandFull(sqlite)
          return statement.run(...values(parameters))
        }
        lowered.add(sqlite)
        sqlite.exec('PRAGMA synchronous = NORMAL')
        try {
          return statement.run(...values(parameters))
        } finally {
          demandFull(sqlite)
        }
      }),
    // A statement of its own: one that is being read cannot be asked again.
    iterate: (parameters) => patiently(() => sqlite.prepare(sql).iterate(...values(parameters))),
  }
}

/** Those that do not wait for the disk just now. */
const lowered = new WeakSet<DatabaseSync>()

/** Nothing is written to a database that could not be made to wait again. Within a transaction it is an error. */
function demandFull(sqlite: DatabaseSync): void {
  if (!lowered.has(sqlite)) return
  sqlite.exec('PRAGMA synchronous = FULL')
  lowered.delete(sqlite)
}

/** SQLITE_BUSY and SQLITE_LOCKED: another program held the database longer than we wait. */
const busyCodes = new Set([5, 6])

function patiently<T>(work: () => T): T {
  try {
    return work()
  } catch (cause) {
    const code = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) & 0xff : 0
    if (!busyCodes.has(code)) throw cause
    throw new AgentError('temporarily_unavailable', 'another program holds the broker’s database', { cause })
  }
}
