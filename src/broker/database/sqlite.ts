import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, SqliteDialect, type SqliteStatement } from 'kysely'
import { AgentError } from '../../errors.ts'
import type { Database, Tables } from './tables.ts'

interface OpenedSqlite {
  readonly database: Database
  /** One at a time, also when several brokers start on one new file, and whole or not at all. */
  exclusively(work: () => Promise<void>): Promise<void>
}

/** A row is on disk when its statement returns (WAL with `synchronous=FULL`). Throws `config_invalid`. */
export function openSqlite(file: string): OpenedSqlite {
  const sqlite = open(file)
  const database = new Kysely<Tables>({
    dialect: new SqliteDialect({
      database: { close: () => sqlite.close(), prepare: (sql) => asKyselyStatement(sqlite, sql) },
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

/** Kysely speaks better-sqlite3's dialect; Node's own SQLite differs in how parameters are passed. */
function asKyselyStatement(sqlite: DatabaseSync, sql: string): SqliteStatement {
  const statement = patiently(() => sqlite.prepare(sql))
  const values = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[]
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => patiently(() => statement.all(...values(parameters))),
    run: (parameters) => patiently(() => statement.run(...values(parameters))),
    iterate: (parameters) => patiently(() => statement.iterate(...values(parameters))),
  }
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
