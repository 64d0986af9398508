import { readFile, stat } from 'node:fs/promises'
import { dirname, isAbsolute, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { type ConfigRules, isLoopback, originSchema } from '../config.ts'
import { AgentError } from '../errors.ts'
import { Secret } from '../secret.ts'

/** One site the broker may make sessions for. */
export interface BrokerSite {
  readonly url: string
  readonly scriptName: string
  readonly scriptKey: Secret
  /** E-mail domains a first match may come from; undefined: any. Lower case. */
  readonly emailDomains: readonly string[] | undefined
  /** Codes of the permission roles whose members may be signed in. */
  readonly roles: readonly string[]
  /** Logins of people of other roles who may be signed in all the same. */
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
  /** File of the SQLite database. */
  readonly databaseFile: string
  /** PEM file of certificate authorities to trust beside the system's. */
  readonly extraCa: string | undefined
  readonly sites: readonly BrokerSite[]
}

function fileSchema(rules: ConfigRules) {
  const origin = originSchema(rules)
  const path = z.string().min(1)
  return z.strictObject({
    issuer: origin,
    listen: z.strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.number().int().min(0).max(65_535).default(8443),
      tls: z.strictObject({ certFile: path, keyFile: path }).optional(),
      /** A proxy ends TLS in front of the broker: plain HTTP may then be heard off loopback. */
      behindTlsProxy: z.boolean().default(false),
      /** Addresses or networks of proxies whose X-Forwarded-For is believed. */
      trustedProxies: z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])).default([]),
    }),
    identity: z.strictObject({
      issuer: origin.default('https://developer.api.autodesk.com'),
      /** Client id of the Autodesk app that the agents sign in with; no other audience is accepted. */
      clientId: z.string().min(1),
    }),
    database: z.strictObject({ file: path }),
    network: z.strictObject({ extraCa: path.optional() }).default({}),
    sites: z
      .array(
        z.strictObject({
          url: origin,
          scriptName: z.string().min(1),
          scriptKeyFile: path,
          emailDomains: z.array(z.string().min(1).toLowerCase()).min(1).optional(),
          roles: z.array(z.string().min(1)).default(['artist', 'manager', 'vendor']),
          allowPrivileged: z.array(z.string().min(1)).default([]),
          sessionLifetimeS: z
            .number()
            .int()
            .min(1)
            .max(7 * 24 * 3600)
            .default(3600),
        }),
      )
      .min(1),
  })
}

/**
 * Reads the broker's configuration and the secrets it points to; paths in it are relative to the file. Throws
 * `config_invalid` that names file and key.
 */
export async function readBrokerConfig(file: string, rules: ConfigRules): Promise<BrokerConfig> {
  const parsed = fileSchema(rules).safeParse(await readJson(file))
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `"${issue.path.join('.')}": ${issue.message}`)
    throw new AgentError('config_invalid', `${file}: ${problems.join('; ')}`)
  }
  const { listen, identity, database, network, sites, issuer } = parsed.data
  const near = (path: string): string => (isAbsolute(path) ? path : resolve(dirname(file), path))
  const duplicate = sites.find((site, index) => sites.findIndex((other) => other.url === site.url) !== index)
  if (duplicate) throw new AgentError('config_invalid', `${file}: "sites": "${duplicate.url}" is listed twice`)
  const local =
    listen.host === 'localhost' ||
    isLoopback(new URL(`http://${listen.host.includes(':') ? `[${listen.host}]` : listen.host}`))
  if (!listen.tls && !listen.behindTlsProxy && !local) {
    throw new AgentError(
      'config_invalid',
      `${file}: "listen": give "tls", or set "behindTlsProxy" where a proxy speaks TLS for the broker: tokens do not cross a network in clear`,
    )
  }
  return {
    issuer,
    listen: {
      host: listen.host,
      port: listen.port,
      trustedProxies: listen.trustedProxies,
      ...(listen.tls
        ? { tls: { cert: await readText(near(listen.tls.certFile)), key: await readText(near(listen.tls.keyFile)) } }
        : {}),
    },
    identity,
    databaseFile: near(database.file),
    extraCa: network.extraCa === undefined ? undefined : near(network.extraCa),
    sites: await Promise.all(
      sites.map(async ({ scriptKeyFile, emailDomains, ...site }) => ({
        ...site,
        emailDomains,
        scriptKey: await readScriptKey(near(scriptKeyFile)),
      })),
    ),
  }
}

const keyVariable = 'SG_BROKER_SCRIPT_KEY'

/** The key alone, or an environment file (as systemd reads them) with SG_BROKER_SCRIPT_KEY. It never enters our environment. */
async function readScriptKey(file: string): Promise<Secret> {
  const text = await readText(file)
  if (process.platform !== 'win32' && ((await stat(file)).mode & 0o007) !== 0) {
    throw new AgentError(
      'config_invalid',
      `${file}: holds a script key and must not be open to every user (chmod o= it)`,
    )
  }
  const key = new RegExp(`^\\s*(export\\s+)?${keyVariable}\\s*=`, 'm').test(text)
    ? parseEnv(text)[keyVariable]
    : text.trim()
  if (!key || /\s/.test(key)) throw new AgentError('config_invalid', `${file}: holds no script key`)
  return new Secret(key)
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

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new AgentError('config_invalid', `${file}: cannot be read`, { cause })
  }
}
