import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export type DatabaseKind = 'sqlite' | 'postgres'

/** Applied in the order of their names; never changed after a release. */
export function migrationsFor(kind: DatabaseKind): Record<string, Migration> {
  return {
    '2026-11-22-start': {
      async up(db: Kysely<unknown>): Promise<void> {
        await makeSignInTables(db)
        await makePeopleTables(db)
        await makeGatewayTables(db)
        await makeAuditTables(db)
        await forbidChanges(db, kind)
      },
    },
  }
}

async function makeSignInTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('challenge')
    .addColumn('hash', 'text', (column) => column.primaryKey())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('used_at', 'bigint')
    .execute()
  await db.schema.createIndex('challenge_expires_at').on('challenge').column('expires_at').execute()
  await db.schema
    .createTable('sign_in')
    .addColumn('thumbprint', 'text', (column) => column.notNull())
    .addColumn('site', 'text', (column) => column.notNull())
    .addColumn('issuer', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('sign_in_key', ['thumbprint', 'site'])
    .execute()
  await db.schema.createIndex('sign_in_expires_at').on('sign_in').column('expires_at').execute()
}

async function makePeopleTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('person')
    .addColumn('site', 'text', (column) => column.notNull())
    .addColumn('issuer', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('user_id', 'bigint', (column) => column.notNull())
    .addColumn('login', 'text', (column) => column.notNull())
    .addColumn('matched_by', 'text', (column) => column.notNull())
    .addColumn('matched_email', 'text')
    .addColumn('set_by', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('person_account', ['site', 'issuer', 'subject'])
    // One HumanUser belongs to one account: an address that changes hands must not carry its ShotGrid user along.
    .addUniqueConstraint('person_user', ['site', 'user_id'])
    .execute()
  await db.schema
    .createTable('expected_person')
    .addColumn('site', 'text', (column) => column.notNull())
    .addColumn('email', 'text', (column) => column.notNull())
    .addColumn('user_id', 'bigint', (column) => column.notNull())
    .addColumn('login', 'text', (column) => column.notNull())
    .addColumn('matched_by', 'text', (column) => column.notNull())
    .addColumn('set_by', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('expected_person_address', ['site', 'email'])
    .addUniqueConstraint('expected_person_user', ['site', 'user_id'])
    .execute()
}

async function makeGatewayTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('site_shape')
    .addColumn('site', 'text', (column) => column.primaryKey())
    .addColumn('shape', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('chosen_at', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('gateway_session')
    .addColumn('hash', 'text', (column) => column.primaryKey())
    .addColumn('site', 'text', (column) => column.notNull())
    .addColumn('issuer', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('user_id', 'bigint', (column) => column.notNull())
    .addColumn('login', 'text', (column) => column.notNull())
    .addColumn('session_uuid', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('used_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .execute()
  await db.schema.createIndex('gateway_session_created_at').on('gateway_session').column('created_at').execute()
  await db.schema
    .createTable('gateway_bearer')
    .addColumn('hash', 'text', (column) => column.primaryKey())
    .addColumn('session_hash', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema.createIndex('gateway_bearer_expires_at').on('gateway_bearer').column('expires_at').execute()
}

async function makeAuditTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('stop')
    .addColumn('scope', 'text', (column) => column.primaryKey())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('stopped_by', 'text', (column) => column.notNull())
    .addColumn('stopped_at', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('audit')
    .addColumn('sequence', 'bigint', (column) => column.primaryKey())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('event', 'text', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('request_id', 'text')
    .addColumn('client_address', 'text')
    .addColumn('site', 'text')
    .addColumn('issuer', 'text')
    .addColumn('subject', 'text')
    .addColumn('user_id', 'bigint')
    .addColumn('login', 'text')
    .addColumn('shape', 'text')
    .addColumn('session_uuid', 'text')
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('detail', 'text', (column) => column.notNull())
    .addColumn('previous_hash', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .execute()
  // For the question how many people were signed in to a site lately.
  await db.schema.createIndex('audit_issued').on('audit').columns(['site', 'outcome', 'at', 'subject']).execute()
  await sql`CREATE INDEX audit_resume ON audit (sequence) WHERE event = 'resume'`.execute(db)
  await db.schema
    .createTable('audit_head')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .execute()
  await sql`INSERT INTO audit_head (id, sequence, hash) VALUES (1, 0, '')`.execute(db)
}

/** No mistake of ours, and no careless statement, changes a row of the audit. Whoever owns the database still can: hence the chain. */
async function forbidChanges(db: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  if (kind === 'postgres') {
    await sql`CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$`.execute(db)
    await sql`CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
      EXECUTE FUNCTION audit_is_append_only()`.execute(db)
    return
  }
  // INSERT OR REPLACE deletes without asking the trigger for DELETE.
  await sql`CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE sequence = NEW.sequence)
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END`.execute(db)
  for (const change of ['UPDATE', 'DELETE']) {
    await sql`CREATE TRIGGER ${sql.id(`audit_no_${change.toLowerCase()}`)} BEFORE ${sql.raw(change)} ON audit
      BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END`.execute(db)
  }
}
