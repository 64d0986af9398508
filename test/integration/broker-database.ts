import { join } from 'node:path'
import { inject } from 'vitest'
import { createDatabase } from '../sandbox/postgres.ts'

/** A new empty database for a broker, of the kind this project's tests are about: a file in the folder, or one on the server. */
export async function databaseForTest(folder: string): Promise<{ readonly file: string } | { readonly url: string }> {
  if (inject('database') !== 'postgres') return { file: join(folder, 'broker.sqlite') }
  const server = inject('postgresUrl')
  if (!server) throw new Error('no PostgreSQL was started for this project')
  return { url: await createDatabase(server) }
}
