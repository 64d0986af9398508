import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import type { DatabaseLocation } from '../../src/broker/database/database.ts'

/** The database in the hands of whoever owns it: plain SQL, past the broker. */
export interface OwnedDatabase {
  run(sql: string): Promise<void>
  close(): Promise<void>
}

export async function ownDatabase(location: DatabaseLocation): Promise<OwnedDatabase> {
  if ('file' in location) {
    const sqlite = new DatabaseSync(location.file, { timeout: 5_000 })
    return { run: async (sql) => sqlite.exec(sql), close: async () => sqlite.close() }
  }
  const client = new Client({ connectionString: location.url })
  await client.connect()
  return { run: async (sql) => void (await client.query(sql)), close: () => client.end() }
}

/** What an owner does first who means to change the audit. */
export async function dropAuditTriggers(owned: OwnedDatabase, location: DatabaseLocation): Promise<void> {
  const triggers =
    'file' in location ? ['audit_no_update', 'audit_no_delete', 'audit_no_replace'] : ['audit_is_append_only ON audit']
  for (const trigger of triggers) await owned.run(`DROP TRIGGER ${trigger}`)
}
