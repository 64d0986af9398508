import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { configWords, type KeyWords, sectionWords, siteWords, toolRuleWords } from './config-words.ts'

export interface ConfigRules {
  /** Accept `http:` addresses on this machine's loopback. For the sandbox; see `allowInsecureLoopback` in the CLI. */
  readonly insecureLoopback: boolean
}

/** The one frozen configuration. Times carry their unit in the name; URLs are canonical (lower case, no trailing slash). */
export type Config = z.output<ReturnType<typeof wholeSchema>>
export type SiteConfig = Config['sites'][number]
export type ToolRule = Config['tools']['allow'][number]

const loopbackNames = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** True for 127.0.0.0/8, ::1 and `localhost`: addresses that never leave this machine. */
export function isLoopback(url: URL): boolean {
  return loopbackNames.has(url.hostname) || /^127\.\d+\.\d+\.\d+$/.test(url.hostname)
}

/** An origin as written in configuration, in canonical form: `https://studio.shotgrid.autodesk.com`. */
export function originSchema({ insecureLoopback }: ConfigRules) {
  return z.string().transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    const fail = (message: string): never => {
      context.addIssue({ code: 'custom', message, input: text })
      return z.NEVER
    }
    if (!url) return fail('must be a whole URL such as "https://studio.shotgrid.autodesk.com"')
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && insecureLoopback && isLoopback(url))) {
      return fail('must be an https URL')
    }
    if (url.username || url.password) return fail('must not hold a user name or password')
    // The text too: URL forgives line breaks, backslashes and empty parts, which nobody means.
    if (url.pathname !== '/' || url.search || url.hash || !/^https?:\/\/[^\s\\/?#@]+\/?$/i.test(text)) {
      return fail('must be an origin: scheme, host and port only')
    }
    return url.origin
  })
}

/** `auto`, or a language tag in canonical form (RFC 5646: `fr`, `pt-BR`). */
function toLanguage(text: string, context: z.RefinementCtx): string {
  if (text === 'auto') return text
  try {
    const [tag] = Intl.getCanonicalLocales(text)
    if (tag !== undefined && tag.length <= 35) return tag
  } catch {
    // Not of the grammar: said below.
  }
  context.addIssue({ code: 'custom', message: 'must be "auto" or a language tag such as "fr"', input: text })
  return z.NEVER
}

/**
 * Each key with its words, which every generated file takes from here: JSON Schema copies them. Whoever adds a key adds its words
 * to `config-words.ts`, and in French to `policy/french.ts`; a test names those that are missing.
 */
function withWords<Shape extends z.ZodRawShape>(shape: Shape, wordsOf: (key: string) => KeyWords | undefined): Shape {
  const worded = Object.entries(shape).map(([key, schema]) => {
    const words = wordsOf(key)
    if (!words) return [key, schema]
    const { title, description, example } = words
    return [key, (schema as z.ZodType).meta({ title, description, examples: [example] })]
  })
  return Object.fromEntries(worded) as Shape
}

function wordsIn(words: Readonly<Record<string, KeyWords>>, section?: string): (key: string) => KeyWords | undefined {
  return (key) => words[section === undefined ? key : `${section}.${key}`]
}

/** What JSON Schema cannot read off code: as strict as can be without refusing anything that the code takes. */
const looksLike = {
  folder: '^[Hh][Tt][Tt][Pp][Ss]://[^\\s\\\\/?#@]+(/[^\\s\\\\?#]*)?$',
  origin: '^[Hh][Tt][Tt][Pp][Ss]://[^\\s\\\\/?#@]+/?$',
  language: '^(auto|([A-Za-z]{2,3}|[A-Za-z]{5,8})(-[A-Za-z0-9]{1,8})*)$',
  file: '^(/|~/|\\\\|[A-Za-z]:[\\\\/])',
}

/** Which programs a rule means: every member that is there must fit. Patterns: `consent/path-pattern.ts`. */
function toolRuleSchema(rules: ConfigRules) {
  const pattern = z
    .string()
    .max(1_000)
    .regex(/^(\/|\*\*|[a-zA-Z]:[\\/]|\\\\)/, 'must be a whole path, or begin with "**"')
  const members = {
    executable: pattern.optional(),
    script: pattern.optional(),
    parent: pattern.optional(),
    owner: z.literal('root').optional(),
    sha256: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/)
      .optional(),
    client: z.string().min(1).max(1_000).optional(),
    sites: z
      .array(originSchema(rules).meta({ pattern: looksLike.origin }))
      .min(1)
      .optional(),
    scope: z.enum(['status', 'session', 'rest', 'autodesk']).optional(),
  }
  return z.strictObject(withWords(members, wordsIn(toolRuleWords)))
}

/** What the system itself says of a program; its own word, and which site it wants, let nobody in. */
const verifiable = ['executable', 'script', 'parent', 'owner', 'sha256'] as const

function isAboutAProgram(rule: Partial<Record<(typeof verifiable)[number], unknown>>): boolean {
  return verifiable.some((member) => rule[member] !== undefined)
}

/** The folder of an update feed, with a slash at its end: `https://updates.studio.example/sg-session/`. */
function feedUrlSchema({ insecureLoopback }: ConfigRules) {
  return z.string().transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    const fail = (message: string): never => {
      context.addIssue({ code: 'custom', message, input: text })
      return z.NEVER
    }
    if (!url) return fail('must be a whole URL such as "https://updates.studio.example/sg-session/"')
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && insecureLoopback && isLoopback(url))) {
      return fail('must be an https URL')
    }
    if (url.username || url.password) return fail('must not hold a user name or password')
    // The text too, as for an origin.
    if (url.search || url.hash || !/^https?:\/\/[^\s\\/?#@]+(\/[^\s\\?#]*)?$/i.test(text))
      return fail('must be a folder: no query and no fragment')
    if (!url.pathname.endsWith('/')) url.pathname += '/'
    return url.href
  })
}

/** Browsers open no page there, whoever listens: of https://fetch.spec.whatwg.org/#port-blocking those that users may listen on. */
const blockedByBrowsers = [
  ...[
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
  ],
]

const portSchema = z
  .number()
  .int()
  .min(1024)
  .max(65_535)
  .refine((port) => !blockedByBrowsers.includes(port), 'is a port that browsers refuse to open')
  .meta({ not: { enum: blockedByBrowsers } })

function partSchemas(rules: ConfigRules) {
  const origin = originSchema(rules).meta({ pattern: looksLike.origin })
  const section = <Shape extends z.ZodRawShape>(name: string, shape: Shape) =>
    z.strictObject(withWords(shape, wordsIn(configWords, name)))
  const site = z.strictObject(
    withWords(
      {
        url: origin,
        name: z.string().min(1).max(80).optional(),
        signIn: z.enum(['auto', 'broker', 'web', 'legacy', 'identity-direct']).default('auto'),
        broker: origin.optional(),
      },
      wordsIn(siteWords),
    ),
  )
  const allowRule = toolRuleSchema(rules)
    .refine(isAboutAProgram, {
      error: `must name a program by ${verifiable.join(', ')}: what it calls itself is no proof`,
    })
    .meta({ anyOf: verifiable.map((member) => ({ required: [member] })) })
  return {
    ...withWords({ sites: z.array(site) }, wordsIn(configWords)),
    identity: section('identity', {
      issuer: origin,
      clientId: z.string().min(1).max(200),
      redirectPorts: z.array(portSchema).min(1).max(8),
      scopes: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/)).min(1),
      serveAccessToken: z.boolean(),
    }),
    session: section('session', {
      maxAgeHours: z.number().positive().max(24),
      remindBeforeMinutes: z
        .number()
        .nonnegative()
        .max(24 * 60),
      endOnScreenLock: z.boolean(),
      endOnSuspendHours: z.number().positive().max(24).optional(),
      rememberSignIn: z.boolean(),
    }),
    tools: section('tools', {
      consent: z.enum(['prompt', 'allow-list', 'allow-all']),
      allow: z.array(allowRule).max(500),
      deny: z.array(toolRuleSchema(rules)).max(500),
    }),
    audit: section('audit', {
      file: z
        .string()
        .refine((file) => isAbsolute(file) || file.startsWith('~/'), 'must be an absolute path, or begin with "~/"')
        .meta({ pattern: looksLike.file })
        .optional(),
      retentionDays: z.number().int().min(1).max(3_650),
      systemLog: z.boolean(),
    }),
    app: section('app', {
      startAtLogin: z.boolean(),
      language: z.string().transform(toLanguage).meta({ pattern: looksLike.language }),
    }),
    network: section('network', {
      proxy: z
        .url({ protocol: /^https?$/ })
        .regex(/^[Hh][Tt][Tt][Pp][Ss]?:\/\/\S+$/)
        .optional(),
      extraCa: z.string().min(1).optional(),
    }),
    update: section('update', {
      enabled: z.boolean(),
      feedUrl: feedUrlSchema(rules).meta({ pattern: looksLike.folder }).optional(),
      // RFC 8032 §5.1.5
      publicKey: z
        .string()
        .regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 'must be an Ed25519 public key: base64 of 32 bytes')
        .optional(),
      channel: z.enum(['latest', 'beta']),
    }),
  }
}

/** The whole configuration, with what keys demand of each other. */
export function wholeSchema(rules: ConfigRules) {
  const parts = partSchemas(rules)
  return z
    .strictObject({ ...parts, identity: parts.identity.extend({ clientId: parts.identity.shape.clientId.optional() }) })
    .superRefine((config, context) => {
      for (const key of ['feedUrl', 'publicKey'] as const) {
        if (config.update.enabled && config.update[key] === undefined) {
          const message = `needs "update.${key}": no feed is taken without its signature`
          context.addIssue({ code: 'custom', path: ['update', 'enabled'], message })
        }
      }
      const seen = new Set<string>()
      config.sites.forEach((site, index) => {
        if (seen.has(site.url)) {
          context.addIssue({ code: 'custom', path: ['sites', index, 'url'], message: `"${site.url}" is listed twice` })
        }
        seen.add(site.url)
        if (site.signIn === 'broker' && !site.broker) {
          context.addIssue({
            code: 'custom',
            path: ['sites', index, 'broker'],
            message: 'is needed to sign in through a broker',
          })
        }
        if (site.signIn === 'identity-direct' && !config.identity.clientId) {
          context.addIssue({
            code: 'custom',
            path: ['identity', 'clientId'],
            message: 'is needed to sign in at Autodesk: the client id of your Autodesk app',
          })
        }
        if (site.broker && !config.identity.clientId) {
          context.addIssue({
            code: 'custom',
            path: ['identity', 'clientId'],
            message: 'is needed to sign in through a broker: the client id of your Autodesk app',
          })
        }
      })
    })
}

/** A partial document, as a file holds it. */
export type PartialConfig = z.input<ReturnType<typeof documentSchema>>

export function documentSchema(rules: ConfigRules) {
  const parts = partSchemas(rules)
  const part = <Shape extends z.ZodRawShape>(
    name: keyof typeof sectionWords,
    schema: z.ZodObject<Shape, z.core.$strict>,
  ) => schema.partial().optional().meta({ title: sectionWords[name] })
  return z.strictObject({
    sites: parts.sites.optional(),
    identity: part('identity', parts.identity),
    session: part('session', parts.session),
    tools: part('tools', parts.tools),
    audit: part('audit', parts.audit),
    app: part('app', parts.app),
    network: part('network', parts.network),
    update: part('update', parts.update),
  })
}
