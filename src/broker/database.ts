import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { type Generated, Kysely, SqliteDialect, type SqliteStatement } from 'kysely'
import { Migrator } from 'kysely/migration'
import { AgentError } from '../errors.ts'
import { migrations } from './migrations.ts'

/** The broker's tables. Times are wall clock, ms since the epoch. */
export interface Tables {
  /** Challenges handed out; the value itself is not kept, only its hash. */
  challenge: { hash: string; expires_at: number; used_at: number | null }
  /** Who is who: an Autodesk account (issuer, subject) and the one HumanUser it is on a site. */
  person: {
    site: string
    issuer: string
    subject: string
    user_id: number
    matched_by: string
    matched_email: string | null
    created_at: number
  }
  /** Sign-ins whose key may renew: made by the first exchange, gone after `expires_at`. */
  sign_in: { thumbprint: string; site: string; issuer: string; subject: string; expires_at: number }
  /** One row for each judged exchange, written before its answer leaves. */
  audit: {
    id: Generated<number>
    at: number
    request_id: string
    client_address: string
    site: string
    issuer: string
    subject: string
    user_id: number | null
    login: string | null
    /** `issued`, or the code it was refused with. */
    outcome: string
    detail: string
  }
}

export type Database = Kysely<Tables>

/**
 * Opens the SQLite database, making or upgrading its tables. A row is on disk when its statement returns (WAL with
 * `synchronous=FULL`). Throws `config_invalid` for a file that is no database or cannot be written.
 */
export async function openDatabase(file: string): Promise<Database> {
  const sqlite = openSqlite(file)
  const database = new Kysely<Tables>({
    dialect: new SqliteDialect({
      database: { close: () => sqlite.close(), prepare: (sql) => asKyselyStatement(sqlite, sql) },
    }),
  })
  // One at a time, also when two brokers start on one new file, and whole or not at all.
  patiently(() => sqlite.exec('BEGIN EXCLUSIVE'))
  const { error } = await new Migrator({
    db: database,
    provider: { getMigrations: async () => migrations },
  }).migrateToLatest()
  sqlite.exec(error ? 'ROLLBACK' : 'COMMIT')
  if (error) {
    await database.destroy()
    throw error
  }
  return database
}

function openSqlite(file: string): DatabaseSync {
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
  const statement = sqlite.prepare(sql)
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
