import { isAbsolute } from 'node:path'
import { z } from 'zod'

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
    if (url.pathname !== '/' || url.search || url.hash) return fail('must be an origin: scheme, host and port only')
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

/** Which programs a rule means: every member that is there must fit. Patterns: `consent/path-pattern.ts`. */
function toolRuleSchema(rules: ConfigRules) {
  const pattern = z
    .string()
    .max(1_000)
    .regex(/^(\/|\*\*|[a-zA-Z]:[\\/]|\\\\)/, 'must be a whole path, or begin with "**"')
  return z.strictObject({
    /** Path of the program file. */
    executable: pattern.optional(),
    /** Path of the script that an interpreter runs; from its command line, which it can rewrite. */
    script: pattern.optional(),
    /** Path of a program above it. */
    parent: pattern.optional(),
    /** Who owns the program file and every folder above it. */
    owner: z.literal('root').optional(),
    /** Of the program file: 64 hexadecimal digits. */
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/i)
      .optional(),
    /** What the program calls itself: a hint, no proof. */
    client: z.string().min(1).max(1_000).optional(),
    /** Only these; every one when not given. */
    sites: z.array(originSchema(rules)).min(1).optional(),
    /** The most it may have; in `deny`, the least it may not. */
    scope: z.enum(['status', 'session', 'rest', 'autodesk']).optional(),
  })
}

/** What the system itself says of a program; its own word, and which site it wants, let nobody in. */
const verifiable = ['executable', 'script', 'parent', 'owner', 'sha256'] as const

function isAboutAProgram(rule: Partial<Record<(typeof verifiable)[number], unknown>>): boolean {
  return verifiable.some((member) => rule[member] !== undefined)
}

const portSchema = z.number().int().min(1024).max(65_535)

function partSchemas(rules: ConfigRules) {
  const origin = originSchema(rules)
  return {
    sites: z.array(
      z.strictObject({
        url: origin,
        /** What people call the site; its host name when not given. */
        name: z.string().min(1).max(80).optional(),
        signIn: z.enum(['auto', 'broker', 'web', 'legacy', 'identity-direct']).default('auto'),
        broker: origin.optional(),
      }),
    ),
    identity: z.strictObject({
      issuer: origin,
      clientId: z.string().min(1).max(200),
      /** Each must be registered with Autodesk as http://localhost:<port>/callback; Autodesk compares exactly. */
      redirectPorts: z.array(portSchema).min(1).max(8),
      scopes: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/)).min(1),
      /** Tools may have the Autodesk access token of the sign-in too (`autodesk/get`), with these scopes. */
      serveAccessToken: z.boolean(),
    }),
    session: z.strictObject({
      /** No session is served or renewed longer than this after the artist signed in. */
      maxAgeHours: z.number().positive().max(24),
      /** How long before its end a session that cannot be renewed is announced as `ending`. */
      remindBeforeMinutes: z
        .number()
        .nonnegative()
        .max(24 * 60),
      /** Locking the screen signs out. */
      endOnScreenLock: z.boolean(),
      /** A machine that slept longer than this is signed out when it wakes; absent: sleep alone ends nothing. */
      endOnSuspendHours: z.number().positive().max(24).optional(),
      /** Keep the Autodesk sign-in in the system's keychain, so that a restart within the same day needs no browser. */
      rememberSignIn: z.boolean(),
    }),
    tools: z.strictObject({
      /** `prompt`: ask the artist, once a program; `allow-list`: only what `allow` names; `allow-all`: every program of this user. */
      consent: z.enum(['prompt', 'allow-list', 'allow-all']),
      /** Let through without a question. */
      allow: z
        .array(
          toolRuleSchema(rules).refine(isAboutAProgram, {
            error: `must name a program by ${verifiable.join(', ')}: what it calls itself is no proof`,
          }),
        )
        .max(500),
      /** Refused whatever else says yes. */
      deny: z.array(toolRuleSchema(rules)).max(500),
    }),
    audit: z.strictObject({
      /** Where the local audit is written, an absolute path or one below the home folder (`~/…`); absent: among this user's state files. */
      file: z
        .string()
        .refine((file) => isAbsolute(file) || file.startsWith('~/'), 'must be an absolute path, or begin with "~/"')
        .optional(),
      retentionDays: z.number().int().min(1).max(3_650),
      /** Hand each entry to the system's log too (syslog, journal). */
      systemLog: z.boolean(),
    }),
    app: z.strictObject({
      startAtLogin: z.boolean(),
      /** `auto`: the system's language. */
      language: z.string().transform(toLanguage),
    }),
    network: z.strictObject({
      /** Takes the place of the system's (in the tray app) or the environment's (in the headless agent). */
      proxy: z.url({ protocol: /^https?$/ }).optional(),
      /** PEM file of certificate authorities that the headless agent trusts beside the system's; the app asks Chromium's store. */
      extraCa: z.string().min(1).optional(),
    }),
  }
}

/** The whole configuration, with what keys demand of each other. */
export function wholeSchema(rules: ConfigRules) {
  const parts = partSchemas(rules)
  return z
    .strictObject({ ...parts, identity: parts.identity.extend({ clientId: parts.identity.shape.clientId.optional() }) })
    .superRefine((config, context) => {
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
  return z.strictObject({
    sites: parts.sites.optional(),
    identity: parts.identity.partial().optional(),
    session: parts.session.partial().optional(),
    tools: parts.tools.partial().optional(),
    audit: parts.audit.partial().optional(),
    app: parts.app.partial().optional(),
    network: parts.network.partial().optional(),
  })
}
