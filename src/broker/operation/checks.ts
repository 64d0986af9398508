import { X509Certificate } from 'node:crypto'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import type { ConfigRules } from '../../config/config.ts'
import { AgentError } from '../../errors.ts'
import type { Fetch } from '../../ports.ts'
import { SiteFault } from '../../shotgrid/faults.ts'
import { readEntities } from '../../shotgrid/json-rpc.ts'
import { systemClock } from '../../system/system-clock.ts'
import type { BrokerConfig, Script } from '../config.ts'
import { connectPostgres } from '../database/postgres.ts'
import { AutodeskIdentity } from '../exchange/autodesk.ts'
import { connectRedis } from './redis.ts'

/** Something the configuration names, tried. `work` says what was found; an AgentError says what is wrong. */
export interface Check {
  readonly name: string
  work(): Promise<string>
}

const callLimitMs = 15_000
const dayMs = 24 * 3600_000

/** Everything a broker of this configuration would need. Nothing is made or changed by trying it. */
export function checksOf(config: BrokerConfig, fetch: Fetch, rules: ConfigRules): Check[] {
  const { listen, database, redis, identity, sites } = config
  const { tls } = listen
  return [
    ...(tls ? [{ name: 'certificate', work: async () => checkCertificate(tls.cert) }] : []),
    { name: 'database', work: () => ('file' in database ? checkSqlite(database.file) : checkPostgres(database)) },
    ...(redis ? [{ name: 'redis', work: () => checkRedis(redis) }] : []),
    {
      name: 'identity',
      work: async () => {
        const settings = { issuer: identity.issuer, clientIds: [identity.clientId], ...rules }
        await new AutodeskIdentity(settings, fetch, systemClock).keys()
        return `"${identity.issuer}" describes itself`
      },
    },
    ...sites.flatMap(({ url, scripts }) =>
      scripts.map((script) => ({ name: 'site', work: () => checkScript(fetch, url, script) })),
    ),
  ]
}

function checkCertificate(cert: string): string {
  const { validFrom, validTo } = new X509Certificate(cert)
  const days = Math.floor((Date.parse(validTo) - Date.now()) / dayMs)
  if (Date.parse(validFrom) > Date.now()) throw bad(`"listen.tls.certFile": is not valid before ${validFrom}`)
  if (days < 0) throw bad(`"listen.tls.certFile": was valid until ${validTo}`)
  return `valid for another ${days} days`
}

/** Read only: a check by root must not leave a file that the service may not write. */
async function checkSqlite(file: string): Promise<string> {
  const mayUse = (path: string) =>
    access(path, constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    )
  if (!(await mayUse(dirname(file)))) throw bad(`"database.file": ${dirname(file)} is no folder that may be written`)
  if (
    !(await access(file).then(
      () => true,
      () => false,
    ))
  )
    return `${file} will be made`
  try {
    const sqlite = new DatabaseSync(file, { readOnly: true, timeout: 1_000 })
    const head = sqlite.prepare('SELECT sequence FROM audit_head').get()
    sqlite.close()
    return `${file}, ${head?.['sequence']} audit rows`
  } catch (cause) {
    throw bad(`"database.file": ${file}: ${cause instanceof Error ? cause.message : cause}`, cause)
  }
}

async function checkPostgres(place: Exclude<BrokerConfig['database'], { file: string }>): Promise<string> {
  const database = await connectPostgres(place)
  try {
    const { rows } = await sql<{ server_version: string }>`SHOW server_version`.execute(database)
    return `PostgreSQL ${rows[0]?.server_version}`
  } finally {
    await database.destroy()
  }
}

async function checkRedis(place: NonNullable<BrokerConfig['redis']>): Promise<string> {
  const redis = connectRedis(place)
  try {
    await new Promise<void>((resolve, reject) => {
      redis.once('ready', resolve)
      redis.once('error', (cause) => reject(trouble(`"redis.url": ${cause.message || cause.name}`, cause)))
    })
    await redis.ping()
    return 'answers'
  } finally {
    redis.disconnect()
  }
}

async function checkScript(fetch: Fetch, site: string, script: Script): Promise<string> {
  const caller = { kind: 'script', ...script } as const
  const signal = AbortSignal.timeout(callLimitMs)
  try {
    await readEntities(fetch, site, caller, { type: 'HumanUser', filters: [], fields: ['id'], limit: 1, signal })
    return `"${site}" takes the script "${script.name}" and lets it read people`
  } catch (cause) {
    if (!(cause instanceof SiteFault)) throw cause
    throw trouble(`"${site}" refuses the script "${script.name}": ${cause.message}`, cause)
  }
}

function bad(message: string, cause?: unknown): AgentError {
  return new AgentError('config_invalid', message, { cause })
}

function trouble(message: string, cause: unknown): AgentError {
  return new AgentError('temporarily_unavailable', message, { cause })
}
