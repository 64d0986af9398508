import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Applied in the order of their names; never changed after a release. */
export const migrations: Record<string, Migration> = {
  '2026-11-21-start': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('challenge')
        .addColumn('hash', 'text', (column) => column.primaryKey())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .addColumn('used_at', 'bigint')
        .execute()
      await db.schema.createIndex('challenge_expires_at').on('challenge').column('expires_at').execute()
      await db.schema
        .createTable('person')
        .addColumn('site', 'text', (column) => column.notNull())
        .addColumn('issuer', 'text', (column) => column.notNull())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('user_id', 'integer', (column) => column.notNull())
        .addColumn('matched_by', 'text', (column) => column.notNull())
        .addColumn('matched_email', 'text')
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('person_account', ['site', 'issuer', 'subject'])
        // One HumanUser belongs to one account: an address that changes hands must not carry its ShotGrid user along.
        .addUniqueConstraint('person_user', ['site', 'user_id'])
        .execute()
      await db.schema
        .createTable('sign_in')
        .addColumn('thumbprint', 'text', (column) => column.notNull())
        .addColumn('site', 'text', (column) => column.notNull())
        .addColumn('issuer', 'text', (column) => column.notNull())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('sign_in_key', ['thumbprint', 'site'])
        .execute()
      await db.schema
        .createTable('audit')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('at', 'bigint', (column) => column.notNull())
        .addColumn('request_id', 'text', (column) => column.notNull())
        .addColumn('client_address', 'text', (column) => column.notNull())
        .addColumn('site', 'text', (column) => column.notNull())
        .addColumn('issuer', 'text', (column) => column.notNull())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('user_id', 'integer')
        .addColumn('login', 'text')
        .addColumn('outcome', 'text', (column) => column.notNull())
        .addColumn('detail', 'text', (column) => column.notNull())
        .execute()
    },
  },
}
