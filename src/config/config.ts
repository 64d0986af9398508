import type { z } from 'zod'
import { AgentError } from '../errors.ts'
import { version } from '../version.ts'
import { type Config, type ConfigRules, documentSchema, type SiteConfig, wholeSchema } from './config-schema.ts'
import { policyOnlyKeys } from './config-words.ts'

export {
  type Config,
  type ConfigRules,
  isLoopback,
  originSchema,
  type PartialConfig,
  type SiteConfig,
  type ToolRule,
} from './config-schema.ts'

/** Where a value came from. `locked` beats everything: it is IT's word; `built-in` is what the program ships with. */
export type ConfigSource = 'locked' | 'settings' | 'default' | 'built-in'

/** A document of partial configuration and the file it was read from; of a native policy, the registry's key or the plist. */
export interface ConfigDocument {
  readonly source: Exclude<ConfigSource, 'built-in'>
  readonly file: string
  readonly content: unknown
}

export interface EffectiveConfig {
  readonly config: Config
  /** For each leaf key (`session.maxAgeHours`), where its value came from; `file` is absent for built-in values. */
  readonly sources: ReadonlyMap<string, { readonly source: ConfigSource; readonly file?: string }>
}

export const builtInConfig = {
  sites: [],
  identity: {
    issuer: 'https://developer.api.autodesk.com',
    redirectPorts: [14285, 21842, 27391],
    scopes: ['openid', 'user-profile:read'],
    serveAccessToken: false,
  },
  session: { maxAgeHours: 12, remindBeforeMinutes: 30, endOnScreenLock: false, rememberSignIn: false },
  tools: { consent: 'prompt', allow: [], deny: [] },
  audit: { retentionDays: 90, systemLog: false },
  app: { startAtLogin: false, language: 'auto' },
  network: {},
  update: { enabled: false, channel: 'latest' },
}

const rank: readonly ConfigDocument['source'][] = ['default', 'settings', 'locked']

/** Making the schemas takes longer than using them. */
const strict = makeSchemas({ insecureLoopback: false })
const withLoopback = makeSchemas({ insecureLoopback: true })

function makeSchemas(rules: ConfigRules) {
  return { document: documentSchema(rules), whole: wholeSchema(rules) }
}

/**
 * One configuration from several documents: locked machine policy over user settings over machine defaults over what is
 * built in, key by key; of the same rank the later document. A list is one value: it is replaced, never merged.
 * Throws `config_invalid` naming file and key for an unknown key, a wrong value, or one in the settings that is the policy's alone.
 */
export function mergeConfig(documents: readonly ConfigDocument[], rules: ConfigRules): EffectiveConfig {
  const sources = new Map<string, { source: ConfigSource; file?: string }>()
  const merged: Record<string, Record<string, unknown> | unknown[]> = {}
  const lay = (content: Record<string, unknown>, from: { source: ConfigSource; file?: string }): void => {
    for (const [section, value] of Object.entries(content)) {
      if (value === undefined) continue
      if (Array.isArray(value)) {
        merged[section] = value
        sources.set(section, from)
        continue
      }
      for (const [key, leaf] of Object.entries(value as Record<string, unknown>)) {
        if (leaf === undefined) continue
        merged[section] = { ...merged[section], [key]: leaf }
        sources.set(`${section}.${key}`, from)
      }
      merged[section] ??= {}
    }
  }
  const { document: partial, whole: complete } = rules.insecureLoopback ? withLoopback : strict
  lay(builtInConfig, { source: 'built-in' })
  for (const source of rank) {
    for (const document of documents.filter((candidate) => candidate.source === source)) {
      const parsed = partial.safeParse(document.content)
      if (!parsed.success) throw invalid(document.file, parsed.error)
      if (source === 'settings') refusePolicyOnly(document.file, parsed.data)
      lay(parsed.data, { source, file: document.file })
    }
  }
  const whole = complete.safeParse(merged)
  if (!whole.success) {
    const key = whole.error.issues[0]?.path.slice(0, 2).join('.') ?? ''
    const section = whole.error.issues[0]?.path[0]?.toString() ?? ''
    throw invalid(
      (sources.get(key) ?? sources.get(section))?.file ?? documents[0]?.file ?? 'the configuration',
      whole.error,
    )
  }
  return { config: deepFreeze(whole.data), sources }
}

function refusePolicyOnly(file: string, content: Record<string, unknown>): void {
  for (const key of policyOnlyKeys) {
    const [section = '', name = ''] = key.split('.')
    const values = content[section] as Record<string, unknown> | undefined
    if (values?.[name] !== undefined) {
      throw new AgentError('config_invalid', `${file}: "${key}" counts in the machine's policy only`)
    }
  }
}

function invalid(file: string, error: z.ZodError): AgentError {
  const problems = error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const where = issue.path.length > 0 ? `${issue.path.join('.')}.` : ''
      return issue.keys.map((key) => `"${where}${key}" is not a key sg-session knows`).join('; ')
    }
    return issue.path.length > 0 ? `"${issue.path.join('.')}": ${issue.message}` : issue.message
  })
  const isUnknown = error.issues.some(({ code }) => code === 'unrecognized_keys')
  return new AgentError(
    'config_invalid',
    `${file}: ${problems.join('; ')}`,
    isUnknown ? { advice: unknownKeyAdvice } : {},
  )
}

/** A name alone does not tell a slip of the pen from a key that a newer version brought; nothing is guessed about a policy. */
export const unknownKeyAdvice = `Correct its name. If it is a key of a newer sg-session than ${version}, update this one or take the key out.`

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner)
    Object.freeze(value)
  }
  return value
}

/** The configured site a caller means. Without a name: the first. Throws `site_unknown`, naming what was asked for. */
export function findSite(config: Config, wanted: string | undefined): SiteConfig {
  const site =
    wanted === undefined ? config.sites[0] : config.sites.find((candidate) => candidate.url === originOf(wanted))
  if (site) return site
  if (config.sites.length === 0) {
    throw new AgentError('site_unknown', 'no site is configured: name one under "sites" in the settings or the policy')
  }
  throw new AgentError(
    'site_unknown',
    `"${wanted}" is none of the configured sites: ${config.sites.map((s) => s.url).join(', ')}`,
  )
}

/** The origin of an address as people write it, with or without a scheme. */
export function originOf(wanted: string): string | undefined {
  const text = wanted.includes('://') ? wanted : `https://${wanted}`
  return URL.canParse(text) ? new URL(text).origin : undefined
}

/** The address of the configured site that is meant; undefined for what means none. */
export function knownSite(config: Config, wanted: unknown): string | undefined {
  if (wanted !== undefined && typeof wanted !== 'string') return undefined
  try {
    return findSite(config, wanted).url
  } catch {
    return undefined
  }
}
