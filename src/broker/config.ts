import { dirname, isAbsolute, resolve } from 'node:path'
import type { z } from 'zod'
import { type ConfigRules, isLoopback } from '../config.ts'
import { AgentError } from '../errors.ts'
import type { Secret } from '../secret.ts'
import { configFileSchema, type Shape } from './config-schema.ts'
import type { DatabaseLocation } from './database/database.ts'
import { readPassword, readScriptKey, readText } from './secret-files.ts'

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

/**
 * Reads the broker's configuration and the secrets it points to; paths in it are relative to the file. Throws
 * `config_invalid` that names file and key.
 */
export async function readBrokerConfig(file: string, rules: ConfigRules): Promise<BrokerConfig> {
  const parsed = configFileSchema(rules).safeParse(await readJson(file))
  if (!parsed.success) throw invalid(file, parsed.error.issues.map(describeIssue).join('; '))
  const content = parsed.data
  judgeWhole(file, content)
  const { listen, identity, webApps, database, redis, network, limits, audit, metrics, issuer } = content
  const near = (path: string): string => (isAbsolute(path) ? path : resolve(dirname(file), path))
  const { tls } = listen
  return {
    issuer,
    listen: {
      host: listen.host,
      port: listen.port,
      trustedProxies: listen.trustedProxies,
      ...(tls ? { tls: { cert: await readText(near(tls.certFile)), key: await readText(near(tls.keyFile)) } } : {}),
    },
    identity,
    webApps,
    database: 'file' in database ? { file: near(database.file) } : await withPassword(database, near),
    redis: redis && (await withPassword(redis, near)),
    extraCa: network.extraCa === undefined ? undefined : near(network.extraCa),
    limits,
    syslog: audit.syslog,
    metricsReaders: metrics.allow,
    sites: await Promise.all(
      content.sites.map(async ({ scripts, gatewayUrl, emailDomains, ...site }) => ({
        ...site,
        scripts: await Promise.all(
          scripts.map(async ({ name, keyFile }) => ({ name, key: await readScriptKey(near(keyFile)) })),
        ),
        gatewayUrl: gatewayUrl ?? issuer,
        emailDomains,
      })),
    ),
  }
}

/** What no single key can tell. */
function judgeWhole(file: string, { issuer, listen, identity, webApps, sites, database, redis }: ConfigFile): void {
  // A token counts for sign-ins by its own app only: one app for both would let a page's tokens renew the agents'.
  const shared = webApps.find(({ clientId }) => clientId === identity.clientId)
  if (shared) {
    const fix = 'give the web app an Autodesk app of its own'
    throw invalid(file, `"webApps": "${shared.origin}" signs in with the agents' "identity.clientId"; ${fix}`)
  }
  const duplicate = sites.find((site, index) => sites.findIndex((other) => other.url === site.url) !== index)
  if (duplicate) throw invalid(file, `"sites": "${duplicate.url}" is listed twice`)
  const gateways = sites
    .filter(({ issue }) => issue === 'gateway' || issue === 'auto')
    .map(({ gatewayUrl }) => gatewayUrl ?? issuer)
  // Calls without a session (`info`) tell their site by the address alone.
  if (sites.some(({ issue }) => issue === 'gateway') && new Set(gateways).size < gateways.length) {
    throw invalid(file, '"sites": several sites with a gateway need a "gatewayUrl" each, one address a site')
  }
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  const isLocal = listen.host === 'localhost' || isLoopback(new URL(`http://${host}`))
  if (!listen.tls && !listen.behindTlsProxy && !isLocal) {
    throw invalid(
      file,
      '"listen": give "tls", or set "behindTlsProxy" where a proxy speaks TLS for the broker: tokens do not cross a network in clear',
    )
  }
  for (const [key, place] of Object.entries({ database, redis })) {
    if (place && 'url' in place && new URL(place.url).password) {
      throw invalid(file, `"${key}.url": a password belongs in the file that "${key}.passwordFile" names`)
    }
  }
}

async function withPassword(
  place: { readonly url: string; readonly passwordFile?: string | undefined },
  near: (path: string) => string,
): Promise<{ url: string; password?: Secret }> {
  const { url, passwordFile } = place
  return passwordFile === undefined ? { url } : { url, password: await readPassword(near(passwordFile)) }
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

function invalid(file: string, problem: string): AgentError {
  return new AgentError('config_invalid', `${file}: ${problem}`)
}
