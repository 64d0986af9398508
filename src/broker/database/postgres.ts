import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely'
import { DatabaseError, Pool, type PoolClient, types } from 'pg'
import { AgentError } from '../../errors.ts'
import type { Secret } from '../../secrets/secret.ts'
import type { Database, Tables } from './tables.ts'

const connectLimitMs = 5_000
const statementLimitMs = 15_000
const int8 = 20

/**
 * Connects to a PostgreSQL database, with TLS and a checked certificate unless it is on this machine. Throws
 * `config_invalid` for a database that refuses us, `temporarily_unavailable` for one that does not answer.
 */
export async function connectPostgres({
  url,
  password,
}: {
  readonly url: string
  readonly password?: Secret
}): Promise<Database> {
  const isHere = isOnThisMachine(new URL(url))
  const pool = new Pool({
    connectionString: url,
    ...(password ? { password: () => password.reveal() } : {}),
    ...(isHere ? {} : { ssl: true }),
    max: 10,
    connectionTimeoutMillis: connectLimitMs,
    statement_timeout: statementLimitMs,
    query_timeout: statementLimitMs + 1_000,
    idle_in_transaction_session_timeout: statementLimitMs,
    application_name: 'sg-broker',
    keepAlive: true,
    // Times and ids are far below 2^53; pg would hand them over as text.
    types: { getTypeParser: (oid, format) => (oid === int8 ? Number : types.getTypeParser(oid, format)) },
  })
  // A connection that breaks while it rests: the next who needs one gets a new one.
  pool.on('error', () => undefined)
  const database = new Kysely<Tables>({
    dialect: new PostgresDialect({
      pool: {
        connect: async () => asKyselyClient(await pool.connect().catch(translate)),
        end: () => pool.end(),
        options: pool.options,
      },
    }),
  })
  try {
    await demandDurable(pool)
  } catch (cause) {
    await database.destroy()
    if (cause instanceof AgentError) throw cause
    if (isOutage(cause)) throw outage(cause)
    const reason = cause instanceof Error ? cause.message : cause
    throw new AgentError('config_invalid', `"database.url": ${reason}`, { cause })
  }
  return database
}

/** Throws `config_invalid` for a URL by which tokens' hashes and people's names would cross a network in clear, or to anybody. */
function isOnThisMachine({ hostname, searchParams }: URL): boolean {
  // pg takes the host from here before it takes it from its place.
  const host = searchParams.get('host') ?? hostname
  if (host === '' || host.startsWith('/') || ['localhost', '127.0.0.1', '[::1]', '::1'].includes(host)) return true
  const aboutTls = [...searchParams.keys()].find((name) => /ssl|libpqcompat/i.test(name))
  if (aboutTls === undefined) return false
  const said = `"database.url": leave "${aboutTls}" out: off this machine TLS is spoken and checked, always`
  throw new AgentError('config_invalid', said)
}

/** Otherwise a row of the audit could be lost after its session was given out. */
async function demandDurable(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ synchronous_commit: string }>('SHOW synchronous_commit')
  if (rows[0]?.synchronous_commit !== 'off') return
  const said = '"database.url": "synchronous_commit" is off for this server, role or database; the audit needs it on'
  throw new AgentError('config_invalid', said)
}

function asKyselyClient(client: PoolClient): PostgresPoolClient {
  const onError = (): void => undefined
  client.on('error', onError)
  let isBroken = false
  return {
    query: (async (sql: string, parameters: unknown[]) => {
      try {
        return await client.query(sql, parameters)
      } catch (error) {
        isBroken ||= isOutage(error)
        return translate(error)
      }
      // Kysely's other form of the call is for cursors, which nobody here uses.
    }) as unknown as PostgresPoolClient['query'],
    release: () => {
      client.off('error', onError)
      client.release(isBroken)
    },
  }
}

/** Class 08: connection trouble; 53: no resources; 57: shut down, starting up, or cancelled for taking too long. */
const outageClasses = ['08', '53', '57']
/** Somebody else was first; the same statement may succeed the next time. */
const raceCodes = ['40001', '40P01', '55P03']

function isOutage(error: unknown): boolean {
  // What is no answer of the server's is the line's doing.
  if (!(error instanceof DatabaseError)) return true
  return outageClasses.includes(error.code?.slice(0, 2) ?? '') || raceCodes.includes(error.code ?? '')
}

function translate(error: unknown): never {
  throw isOutage(error) ? outage(error) : error
}

function outage(cause: unknown): AgentError {
  return new AgentError('temporarily_unavailable', 'the broker’s database cannot be reached', { cause })
}
