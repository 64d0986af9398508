import { z } from 'zod'
import { AgentError, type ErrorCode, errorTable, isErrorCode } from '../errors.ts'
import { limits } from './limits.ts'
import { madeWhenAsked } from './made-when-asked.ts'
import { toolsMethods } from './tools-messages.ts'
import { seconds, site } from './wire-fields.ts'

/**
 * What plug-ins and the agent say to each other: JSON-RPC 2.0 without batches, as docs/PROTOCOL.md describes. Times are
 * whole seconds since the epoch. Unknown fields are ignored everywhere.
 */
export const protocolVersion = 1

/** The versions an agent serves whose newest is `newest`: that one and the one before it, newest first. */
export function protocolsServed(newest: number): readonly number[] {
  return [newest, newest - 1].filter((version) => version >= 1)
}

const minValidityS = seconds.max(limits.minValidityS).default(300)

const siteStatus = z.object({
  site,
  state: z.enum(['signed_out', 'signing_in', 'signed_in']),
  /** What led to that state: a word of docs/PROTOCOL.md, to which later agents may add. */
  reason: z.string().optional(),
  login: z.string().optional(),
  userId: z.number().int().optional(),
  name: z.string().optional(),
  obtainedBy: z.string().optional(),
  /** The Autodesk account the artist signed in with. */
  account: z.string().optional(),
  /** When the session's token ends; it is renewed on use. */
  expiresAt: seconds.optional(),
  /** Whether the site itself has told `expiresAt`. */
  expiry: z.enum(['exact', 'estimated']).optional(),
  /** The end of all renewing. */
  signInEndsAt: seconds.optional(),
  /** The error code of the last renewal that failed. */
  problem: z.string().optional(),
  /** Rises when the token changes. */
  generation: z.number().int().optional(),
  /** After a sign-out: until when the session lives on at the site if nobody uses it, and what can be done about it. */
  leftAtSite: z.object({ until: seconds, expiry: z.enum(['exact', 'estimated']), advice: z.string() }).optional(),
})

/** Every method: what it takes and what it answers. */
export const methods = {
  hello: madeWhenAsked({
    params: () =>
      z.object({
        protocol: z.number().int(),
        key: z.string().max(limits.keyCharacters),
        client: z.object({
          name: z.string().max(limits.clientNameCharacters),
          version: z.string().max(limits.clientVersionCharacters),
          pid: z.number().int().nonnegative(),
        }),
      }),
    result: () =>
      z.object({ protocol: z.number().int(), agent: z.object({ version: z.string(), pid: z.number().int() }) }),
  }),
  'session/get': madeWhenAsked({
    params: () =>
      z.object({
        site: site.optional(),
        /** How long it is to live yet, where the site grants that many. Default: 300. */
        minValidityS,
        /** Signs the artist in if nobody is. Default: false. */
        interactive: z.boolean().default(false),
      }),
    result: () =>
      z.object({
        site,
        /** Where the session is good: the site, or the gateway of the studio's broker. */
        apiUrl: z.string(),
        login: z.string(),
        userId: z.number().int(),
        name: z.string(),
        sessionToken: z.string(),
        expiresAt: seconds,
        /** Whether the site itself has told `expiresAt`. */
        expiry: z.enum(['exact', 'estimated']).optional(),
        /** The way in: `broker`, `web`, `legacy` or another of docs/PROTOCOL.md. */
        obtainedBy: z.string(),
        /** Rises when the token changes; for `session/reportRejected`. */
        generation: z.number().int(),
      }),
  }),
  'session/watch': madeWhenAsked({
    params: () => z.object({}),
    result: () => z.object({ sites: z.array(siteStatus) }),
  }),
  'session/reportRejected': madeWhenAsked({
    params: () => z.object({ site: site.optional(), generation: z.number().int().optional() }),
    result: () => siteStatus,
  }),
  'rest/get': madeWhenAsked({
    params: () => z.object({ site: site.optional() }),
    result: () => z.object({ site, apiUrl: z.string(), accessToken: z.string(), expiresAt: seconds }),
  }),
  /** The Autodesk access token of the sign-in behind the session, where the configuration allows it. */
  'autodesk/get': madeWhenAsked({
    params: () => z.object({ site: site.optional(), minValidityS }),
    result: () =>
      z.object({
        site,
        accessToken: z.string(),
        expiresAt: seconds,
        /** What Autodesk has granted it, where that is known. */
        scopes: z.array(z.string()).optional(),
      }),
  }),
  signIn: madeWhenAsked({
    params: () =>
      z.object({
        site: site.optional(),
        /** Ask for the account even if the browser still knows one. Default: false. */
        switchUser: z.boolean().default(false),
        /** false: the caller shows the address itself, from the `signIn/browser` notification. Default: true. */
        openBrowser: z.boolean().default(true),
      }),
    result: () => siteStatus,
  }),
  /** Which way a sign-in to the site goes now, and why. */
  'signIn/way': madeWhenAsked({
    params: () => z.object({ site: site.optional() }),
    result: () => z.object({ site, way: z.string(), because: z.string() }),
  }),
  /** For a browser that could not come back by itself: the address it was sent to, pasted by the artist. */
  'signIn/paste': madeWhenAsked({
    params: () => z.object({ site: site.optional(), url: z.string().max(limits.pastedAddressCharacters) }),
    result: () => siteStatus,
  }),
  'signIn/cancel': madeWhenAsked({ params: () => z.object({ site: site.optional() }), result: () => siteStatus }),
  /** For a sign-in that asks for a login and passphrase. Answers when the site took them; an error leaves it waiting. */
  'signIn/credentials': madeWhenAsked({
    params: () =>
      z.object({
        site: site.optional(),
        login: z.string().min(1).max(limits.loginCharacters),
        passphrase: z.string().min(1).max(limits.passphraseCharacters),
        /** Of the second factor. */
        code: z.string().min(1).max(limits.codeCharacters).optional(),
      }),
    result: () => siteStatus,
  }),
  signOut: madeWhenAsked({ params: () => z.object({ site: site.optional() }), result: () => siteStatus }),
  status: madeWhenAsked({
    params: () => z.object({}),
    result: () =>
      z.object({
        agent: z.object({
          version: z.string(),
          pid: z.number().int(),
          startedAt: seconds,
          /** When the agent last stood still while somebody waited, and which methods waited. */
          lastStall: z
            .object({
              endedAt: seconds,
              lastedMs: z.number(),
              because: z.enum(['busy', 'not_running']),
              during: z.array(z.string()),
            })
            .optional(),
          /** Since when, and why, a newer program on the disk has not taken over. */
          handOver: z.object({ failedAt: seconds, because: z.string() }).optional(),
        }),
        sites: z.array(siteStatus),
        /** What keeps the local audit from being written, while something does. */
        audit: z.object({ problem: z.string(), advice: z.string() }).optional(),
      }),
  }),
  ...toolsMethods,
} as const

/** What the agent says unasked. */
export const notifications = madeWhenAsked({
  /** To connections that sent `session/watch`. */
  'session/changed': () => siteStatus,
  /** To connections whose `signIn` waits: where the artist signs in, for showing or opening again. */
  'signIn/browser': () => z.object({ site, url: z.string() }),
  /** To the same: the sign-in waits for `signIn/credentials`, with a code if the site asks for one. */
  'signIn/credentialsWanted': () => z.object({ site, wantsCode: z.boolean() }),
})

export type Method = keyof typeof methods
export type Params<M extends Method> = z.output<(typeof methods)[M]['params']>
export type ParamsInput<M extends Method> = z.input<(typeof methods)[M]['params']>
export type Result<M extends Method> = z.output<(typeof methods)[M]['result']>
export type Notification = keyof typeof notifications
export type NotificationParams<N extends Notification> = z.output<(typeof notifications)[N]>
/** The state of a site, without a secret. What does not apply is not there. */
export type WireSiteStatus = z.output<typeof siteStatus>

export type RequestId = string | number

export interface Request {
  readonly id: RequestId
  readonly method: string
  /** Not judged yet: each method knows its own. */
  readonly params: Readonly<Record<string, unknown>>
}

const requestSchema = z.object({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string().max(limits.idCharacters), z.number().int()]),
  method: z.string().max(limits.methodCharacters),
  params: z.record(z.string(), z.unknown()).default({}),
})

/** Judges a parsed message as a request. Throws `invalid_request`; notifications from clients are none we know. */
export function judgeRequest(message: unknown): Request {
  const parsed = requestSchema.safeParse(message)
  if (!parsed.success) throw invalidRequest('the message', parsed.error)
  return parsed.data
}

export function isMethod(name: string): name is Method {
  return Object.hasOwn(methods, name)
}

/** Judges a request's parameters. Throws `invalid_request` naming the field. */
export function judgeParams<M extends Method>(method: M, params: unknown): Params<M> {
  const parsed = methods[method].params.safeParse(params)
  if (!parsed.success) throw invalidRequest(method, parsed.error)
  return parsed.data as Params<M>
}

function invalidRequest(what: string, error: z.ZodError): AgentError {
  const issue = error.issues[0]
  const field = issue?.path.join('.')
  return new AgentError('invalid_request', `${what}: ${field ? `"${field}": ` : ''}${issue?.message ?? 'is wrong'}`)
}

export interface WireError {
  readonly code: number
  readonly message: string
  /** `protocols`: with `unsupported_version`, those that would be served. */
  readonly data: { readonly code: ErrorCode; readonly advice: string; readonly protocols?: readonly number[] }
}

/** Rounded down: a client must not believe in a second the session does not have. */
export function toSeconds(ms: number): number {
  return Math.floor(ms / 1000)
}

/** An error as the wire carries it. `internal_error` says nothing of its cause: that is for the log. */
function toWireError(error: AgentError): WireError {
  const row = errorTable[error.code]
  const message = error.code === 'internal_error' ? row.sentence : shortened(error.message)
  return { code: row.rpc, message, data: { code: error.code, advice: shortened(error.advice) } }
}

/** An error may quote what it is about, and what it is about may be as long as a request. */
function shortened(message: string): string {
  return message.length > 1_000 ? `${message.slice(0, 1_000).toWellFormed()}…` : message
}

export function answer(id: RequestId, result: unknown): object {
  return { jsonrpc: '2.0', id, result }
}

export function refusal(id: RequestId | null, error: AgentError): object {
  return { jsonrpc: '2.0', id, error: toWireError(error) }
}

/** The answer to a `hello` of a version that is not served: what is to be updated, and for a client that speaks several, which. */
export function refuseVersion(id: RequestId, spoken: number, served: readonly number[]): object {
  const said = `this agent speaks protocol ${served.join(' and ')}, the client ${spoken}`
  const advice =
    spoken > Math.max(...served)
      ? 'Update sg-session on this machine, and start it again: the program that asks is newer.'
      : 'Update the sg-session client of the program that asks, and start that program again.'
  const error = toWireError(new AgentError('unsupported_version', said, { advice }))
  return { jsonrpc: '2.0', id, error: { ...error, data: { ...error.data, protocols: served } } }
}

export function notification<N extends Notification>(method: N, params: NotificationParams<N>): object {
  return { jsonrpc: '2.0', method, params }
}

const wireErrorSchema = z.object({
  code: z.number(),
  message: z.string(),
  /** A newer agent may know codes that this client does not. */
  data: z.object({ code: z.string(), advice: z.string().optional() }).optional(),
})

const replySchema = z.union([
  z.object({ jsonrpc: z.literal('2.0'), id: z.union([z.string(), z.number(), z.null()]), error: wireErrorSchema }),
  z.object({ jsonrpc: z.literal('2.0'), method: z.string(), params: z.unknown() }),
  z.object({ jsonrpc: z.literal('2.0'), id: z.union([z.string(), z.number()]), result: z.unknown() }),
])

export type Reply =
  | { readonly kind: 'result'; readonly id: RequestId; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: RequestId | null; readonly error: AgentError }
  | { readonly kind: 'notification'; readonly method: string; readonly params: unknown }

/** The client's side: judges what came from the agent. Throws `invalid_request` when it is none of the three kinds. */
export function judgeReply(message: unknown): Reply {
  const parsed = replySchema.safeParse(message)
  if (!parsed.success) throw invalidRequest('the answer', parsed.error)
  const reply = parsed.data
  if ('method' in reply) return { kind: 'notification', method: reply.method, params: reply.params }
  if ('error' in reply) {
    const code = reply.error.data?.code ?? ''
    const known = isErrorCode(code) ? code : 'internal_error'
    const advice = reply.error.data?.advice
    const error = new AgentError(known, reply.error.message, advice === undefined ? {} : { advice })
    return { kind: 'error', id: reply.id, error }
  }
  return { kind: 'result', id: reply.id, result: reply.result }
}
