import { Migrator } from 'kysely/migration'
import { AgentError } from '../../errors.ts'
import type { Secret } from '../../secrets/secret.ts'
import { type DatabaseKind, migrationsFor } from './migrations.ts'
import { connectPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'
import type { Database } from './tables.ts'

/** A SQLite file, or the URL of a PostgreSQL database. */
export type DatabaseLocation = { readonly file: string } | { readonly url: string; readonly password?: Secret }

/**
 * Opens the database, making or upgrading its tables. A row is on disk when its statement, or the transaction it is in, has
 * resolved. From then on a database that cannot be had right now is `temporarily_unavailable`. Throws `config_invalid` for
 * a place that is no database of ours.
 */
export async function openDatabase(location: DatabaseLocation): Promise<Database> {
  if ('url' in location) {
    const database = await connectPostgres(location)
    // Kysely holds a lock of PostgreSQL's while it migrates.
    await orClosed(database, migrate(database, 'postgres'))
    return database
  }
  const { database, exclusively } = openSqlite(location.file)
  await orClosed(
    database,
    exclusively(() => migrate(database, 'sqlite')),
  )
  return database
}

async function migrate(database: Database, kind: DatabaseKind): Promise<void> {
  const provider = { getMigrations: async () => migrationsFor(kind) }
  const { error } = await new Migrator({ db: database, provider }).migrateToLatest()
  if (error === undefined) return
  if (error instanceof Error && error.message.startsWith('corrupted migrations')) {
    const said = '"database": was made by another version of sg-broker'
    throw new AgentError('config_invalid', said, { cause: error })
  }
  throw error
}

async function orClosed(database: Database, work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    await database.destroy()
    throw error
  }
}
