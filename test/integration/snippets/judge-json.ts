import { z } from 'zod'
import { configFileSchema } from '../../../src/broker/config-schema.ts'
import { preflightReportSchema as brokerPreflightSchema } from '../../../src/broker/people/preflight-report.ts'
import { mergeConfig } from '../../../src/config/config.ts'
import { isErrorCode } from '../../../src/errors.ts'
import { judgePolicy } from '../../../src/policy/judge-policy.ts'
import { preflightReportSchema } from '../../../src/preflight/preflight-report.ts'

const rules = { insecureLoopback: false }
const brokerConfig = configFileSchema(rules)

/** What a page's JSON may be, and how it is judged: each resolves with what is wrong. */
const kinds: Readonly<Record<string, (text: string) => readonly string[]>> = {
  policy: (text) =>
    judgePolicy('policy.json', text, rules)
      .findings.filter(({ state }) => state === 'failed')
      .map(({ key, found }) => `${key ?? ''} ${found}`),
  // No key that somebody might leave in: what stands there is not taken.
  'policy, once the key is put in': (text) => {
    const key = Buffer.alloc(32, 7).toString('base64')
    return kinds['policy']?.(text.replace(/"base64 of [^"]*"/, JSON.stringify(key))) ?? []
  },
  settings: (text) =>
    whatThrows(() => mergeConfig([{ source: 'settings', file: 'settings.json', content: JSON.parse(text) }], rules)),
  'broker.json': (text) => issuesOf(brokerConfig, text),
  /** A key with its value, without the rest. */
  'part of broker.json': (text) => issuesOf(brokerConfig.partial(), `{${text}}`),
  'sg-session preflight report': (text) => issuesOf(preflightReportSchema, text),
  'sg-broker preflight report': (text) => issuesOf(brokerPreflightSchema, text),
  'doctor report': (text) => issuesOf(doctorReport, text),
  'error of the protocol': (text) => issuesOf(protocolError, text),
  // docs/examples/web-app/main.ts judges its own; an address is all that the schemas have in common.
  'settings of the web app': (text) => issuesOf(webAppSettings, text),
}

const doctorReport = z.strictObject({
  version: z.string(),
  ok: z.boolean(),
  at: z.iso.datetime(),
  findings: z.array(
    z.strictObject({
      check: z.string().regex(/^[a-z-]+$/),
      state: z.enum(['ok', 'warning', 'failed', 'skipped']),
      about: z.string().optional(),
      found: z.string(),
      advice: z.string().optional(),
    }),
  ),
})

const protocolError = z.strictObject({
  code: z.int().negative(),
  message: z.string(),
  data: z.strictObject({ code: z.string().refine(isErrorCode), advice: z.string() }),
})

const webAppSettings = z.strictObject({
  origin: z.url(),
  broker: z.url(),
  site: z.url(),
  identity: z.strictObject({ issuer: z.url(), clientId: z.string().min(1) }),
  port: z.int().optional(),
})

/** Everything that is wrong with a block of JSON. */
export function judgeJson(kind: string | undefined, text: string): readonly string[] {
  if (kind === undefined) return ['nothing above it says what it is: <!-- judged as: KIND -->']
  const judge = kinds[kind]
  return judge ? whatThrows(() => judge(text)) : [`"${kind}" is none of ${Object.keys(kinds).join(', ')}`]
}

/** What `look` returned, or the message of what it threw. */
function whatThrows(look: () => unknown): readonly string[] {
  try {
    const found = look()
    return Array.isArray(found) ? found : []
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

function issuesOf(schema: z.ZodType, text: string): readonly string[] {
  const { error } = schema.safeParse(JSON.parse(text))
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
}
