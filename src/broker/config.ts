import { createPrivateKey, X509Certificate } from 'node:crypto'
import { dirname, isAbsolute, resolve } from 'node:path'
import type { z } from 'zod'
import { type ConfigRules, isLoopback } from '../config/config.ts'
import { AgentError } from '../errors.ts'
import { Secret } from '../secrets/secret.ts'
import { configFileSchema, type Shape } from './config-schema.ts'
import type { DatabaseLocation } from './database/database.ts'
import { readPassword, readPrivateText, readScriptKey, readText } from './secret-files.ts'

type ConfigFile = z.output<ReturnType<typeof configFileSchema>>

/** The script a broker calls a site as. */
export interface Script {
  readonly name: string
  readonly key: Secret
}

/** One site the broker may make sessions for. */
export interface BrokerSite {
  readonly url: string
  /** One, or during a change of keys two. */
  readonly scripts: readonly Script[]
  readonly issue: 'auto' | Shape
  /** Where tools reach the gateway for this site. */
  readonly gatewayUrl: string
  /** E-mail domains a first match may come from; undefined: any. Lower case. */
  readonly emailDomains: readonly string[] | undefined
  /** Codes of the permission groups whose members may be signed in. */
  readonly permissionGroups: readonly string[]
  /** Logins of people of other groups who may be signed in all the same. */
  readonly allowPrivileged: readonly string[]
  /** How long the site keeps an idle session: its preference "User Session Expiry". */
  readonly sessionLifetimeS: number
}

export interface BrokerConfig {
  /** The address agents know the broker by; audience of the metadata and of every proof. */
  readonly issuer: string
  readonly listen: {
    readonly host: string
    readonly port: number
    readonly trustedProxies: readonly string[]
    /** After a signal to stop: how long it still takes connections while it says that it is not ready. */
    readonly drainSeconds: number
    readonly tls?: { readonly cert: string; readonly key: string }
  }
  readonly identity: { readonly issuer: string; readonly clientId: string }
  readonly webApps: readonly { readonly origin: string; readonly clientId: string }[]
  readonly database: DatabaseLocation
  readonly redis: { readonly url: string; readonly password?: Secret } | undefined
  /** PEM file of certificate authorities to trust beside the system's. */
  readonly extraCa: string | undefined
  readonly limits: ConfigFile['limits']
  readonly syslog: ConfigFile['audit']['syslog']
  /** Addresses and networks that may read the metrics. */
  readonly metricsReaders: readonly string[]
  readonly sites: readonly BrokerSite[]
}

/** Everything that is wrong with a configuration, one sentence each. */
export class BadConfig extends AgentError {
  readonly problems: readonly string[]

  constructor(file: string, problems: readonly string[]) {
    super('config_invalid', `${file}: ${problems.join('; ')}`)
    this.problems = problems
  }
}

/**
 * Reads the broker's configuration and the secrets it points to; paths in it are relative to the file. Throws
 * `config_invalid`, as BadConfig where the file itself can be read: it names each key or file that is wrong.
 */
export async function readBrokerConfig(file: string, rules: ConfigRules): Promise<BrokerConfig> {
  const parsed = configFileSchema(rules).safeParse(await readJson(file))
  if (!parsed.success) throw new BadConfig(file, parsed.error.issues.map(describeIssue))
  const content = parsed.data
  const { listen, identity, webApps, database, redis, network, limits, audit, metrics, issuer } = content
  const problems = judgeWhole(content)
  /** What a file holds, or, when that is nothing we can use, a note of it and something to go on with. */
  const noting = async <T>(instead: T, reading: Promise<T>): Promise<T> => {
    try {
      return await reading
    } catch (error) {
      if (!(error instanceof AgentError)) throw error
      problems.push(error.message)
      return instead
    }
  }
  const near = (path: string): string => (isAbsolute(path) ? path : resolve(dirname(file), path))
  const withPassword = async ({ url, passwordFile }: { url: string; passwordFile?: string | undefined }) => {
    if (passwordFile === undefined) return { url }
    return { url, password: await noting(new Secret(''), readPassword(near(passwordFile))) }
  }
  const { tls, behindTlsProxy: _, ...address } = listen
  const config: BrokerConfig = {
    issuer,
    listen: { ...address, ...(tls ? { tls: await noting({ cert: '', key: '' }, readCertificate(tls, near)) } : {}) },
    identity,
    webApps,
    database: 'file' in database ? { file: near(database.file) } : await withPassword(database),
    redis: redis && (await withPassword(redis)),
    extraCa: network.extraCa === undefined ? undefined : near(network.extraCa),
    limits,
    syslog: audit.syslog,
    metricsReaders: metrics.allow,
    sites: await Promise.all(
      content.sites.map(async ({ scripts, gatewayUrl, emailDomains, ...site }) => ({
        ...site,
        scripts: await Promise.all(
          scripts.map(async ({ name, keyFile }) => ({
            name,
            key: await noting(new Secret(''), readScriptKey(near(keyFile))),
          })),
        ),
        gatewayUrl: gatewayUrl ?? issuer,
        emailDomains,
      })),
    ),
  }
  if (problems.length > 0) throw new BadConfig(file, problems)
  return config
}

/** What no single key can tell. */
function judgeWhole({ issuer, listen, identity, webApps, sites, database, redis }: ConfigFile): string[] {
  const problems: string[] = []
  // A token counts for sign-ins by its own app only: one app for both would let a page's tokens renew the agents'.
  const shared = webApps.find(({ clientId }) => clientId === identity.clientId)
  if (shared) {
    const fix = 'give the web app an Autodesk app of its own'
    problems.push(`"webApps": "${shared.origin}" signs in with the agents' "identity.clientId"; ${fix}`)
  }
  const duplicate = sites.find((site, index) => sites.findIndex((other) => other.url === site.url) !== index)
  if (duplicate) problems.push(`"sites": "${duplicate.url}" is listed twice`)
  const gateways = sites
    .filter(({ issue }) => issue === 'gateway' || issue === 'auto')
    .map(({ gatewayUrl }) => gatewayUrl ?? issuer)
  // Calls without a session (`info`) tell their site by the address alone.
  if (sites.some(({ issue }) => issue === 'gateway') && new Set(gateways).size < gateways.length) {
    problems.push('"sites": several sites with a gateway need a "gatewayUrl" each, one address a site')
  }
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  const isLocal = listen.host === 'localhost' || isLoopback(new URL(`http://${host}`))
  if (!listen.tls && !listen.behindTlsProxy && !isLocal) {
    problems.push(
      '"listen": give "tls", or set "behindTlsProxy" where a proxy speaks TLS for the broker: tokens do not cross a network in clear',
    )
  } else if (!listen.tls && !listen.behindTlsProxy && new URL(issuer).protocol === 'https:') {
    problems.push(
      '"listen": "issuer" is https, and nothing here speaks TLS: give "tls", or set "behindTlsProxy" and name the proxy in "trustedProxies"',
    )
  }
  // Else every request would count as the proxy's own: for the limits, the audit, and whoever may read the metrics.
  if (listen.behindTlsProxy && listen.trustedProxies.length === 0) {
    problems.push('"listen.trustedProxies": name the proxy that "behindTlsProxy" speaks of, by its address')
  }
  for (const [key, place] of Object.entries({ database, redis })) {
    if (place && 'url' in place && new URL(place.url).password) {
      problems.push(`"${key}.url": a password belongs in the file that "${key}.passwordFile" names`)
    }
  }
  return problems
}

async function readCertificate(
  { certFile, keyFile }: { certFile: string; keyFile: string },
  near: (path: string) => string,
): Promise<{ cert: string; key: string }> {
  const cert = await readText(near(certFile))
  const key = await readPrivateText(near(keyFile))
  const judged = <T>(key: string, file: string, what: string, judge: () => T): T => {
    try {
      return judge()
    } catch (cause) {
      throw new AgentError('config_invalid', `"listen.tls.${key}": ${file}: holds no ${what} in PEM`, { cause })
    }
  }
  const certificate = judged('certFile', near(certFile), 'certificate', () => new X509Certificate(cert))
  const privateKey = judged('keyFile', near(keyFile), 'private key', () => createPrivateKey(key))
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new AgentError('config_invalid', `"listen.tls": ${near(keyFile)} is not the key of ${near(certFile)}`)
  }
  return { cert, key }
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const where = issue.path.join('.')
  if (issue.code !== 'unrecognized_keys') return where ? `"${where}": ${issue.message}` : issue.message
  return issue.keys.map((key) => `"${where ? `${where}.` : ''}${key}" is not a key sg-broker knows`).join('; ')
}

async function readJson(file: string): Promise<unknown> {
  const text = await readText(file)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AgentError('config_invalid', `${file}: is not JSON: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}
