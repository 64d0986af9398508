import { z } from 'zod'
import { AgentError } from '../../errors.ts'
import { Secret } from '../../secrets/secret.ts'
import { foreignCredentialIn } from './foreign-credentials.ts'

/** A JSON-RPC call as a tool makes it. facts: shotgrid §1.2, §1.3 */
export interface RpcCall {
  readonly method: string
  readonly sessionToken: Secret | undefined
  /** A credential that is not taken here. */
  readonly foreign: string | undefined
  /** The second element; numbers in it are written again as they came. */
  readonly params: unknown
}

/** Everything `shotgun_api3` and Toolkit call. facts: shotgrid §1.4 */
const methods: ReadonlySet<string> = new Set([
  'info',
  'get_session_token',
  'read',
  'summarize',
  'create',
  'update',
  'delete',
  'revive',
  'batch',
  'schema_entity_read',
  'schema_read',
  'schema_field_read',
  'schema_field_create',
  'schema_field_update',
  'schema_field_delete',
  'follow',
  'unfollow',
  'followers',
  'following',
  'preferences_read',
  'activity_stream',
  'note_thread_contents',
  'query_display_name_cache',
  'nav_expand',
  'nav_search',
  'work_schedule_read',
  'work_schedule_update',
  'user_subscriptions_read',
  'user_subscriptions_create',
  'export_page',
  'update_project_last_accessed_by_current_user',
  'retrieve_ws_server_secret',
])

const envelopeSchema = z.strictObject({ method_name: z.string(), params: z.array(z.unknown()).max(2) })
const authSchema = z.looseObject({ session_token: z.string().min(1).max(500).optional() })

/** Throws `invalid_request` for what is no call, `unknown_method` for a method that is not passed on. */
export function readRpcCall(text: string): RpcCall {
  demandFlat(text)
  const envelope = envelopeSchema.safeParse(parseExactly(text))
  if (!envelope.success) {
    throw new AgentError('invalid_request', 'the body is not {"method_name": …, "params": [credentials, parameters]}')
  }
  const { method_name: method, params } = envelope.data
  if (!methods.has(method)) {
    throw new AgentError('unknown_method', `"${method.slice(0, 100)}" is not passed on by the gateway`)
  }
  const [first = {}, second] = params
  const auth = authSchema.safeParse(first)
  if (!auth.success) throw new AgentError('invalid_request', 'the first of "params" must hold a "session_token"')
  const { session_token: token } = auth.data
  return {
    method,
    sessionToken: token === undefined ? undefined : new Secret(token),
    foreign: foreignCredentialIn(Object.keys(auth.data)),
    params: second,
  }
}

/** The lines of a body that writes what `readRpcCall` read, with other credentials; none for nobody. */
export function writeRpcCall({ method, params }: Pick<RpcCall, 'method' | 'params'>, auth: object | undefined): string {
  const list = auth === undefined ? [] : params === undefined ? [auth] : [auth, params]
  return JSON.stringify({ method_name: method, params: list })
}

const fieldsSchema = z.array(z.looseObject({ field_name: z.unknown(), value: z.unknown() }))
const writeSchema = z.looseObject({ type: z.literal('HumanUser'), fields: fieldsSchema })

/** Whether a call makes a HumanUser active: what sites on Autodesk Identity leave to administrators in person. */
export function activatesSomebody({ method, params }: Pick<RpcCall, 'method' | 'params'>): boolean {
  if (method !== 'create' && method !== 'update' && method !== 'batch') return false
  return [params].flat().some((request) => {
    const { data } = writeSchema.safeParse(request)
    return data?.fields.some(({ field_name, value }) => field_name === 'sg_status_list' && value === 'act') ?? false
  })
}

/** More than any filter of a tool; `JSON.parse` would take millions, and `JSON.stringify` fail on them. */
const deepest = 500

function demandFlat(text: string): void {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x22) at = endOfString(text, at)
    else if (code === 0x5d || code === 0x7d) depth -= 1
    else if (code === 0x5b || code === 0x7b) depth += 1
    if (depth > deepest) throw new AgentError('invalid_request', `the body is nested more than ${deepest} levels deep`)
  }
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at
    if (code === 0x5c) at += 1
  }
  return text.length
}

interface ReviverContext {
  readonly source?: string
}

/** Numbers that JavaScript would write otherwise than they came: `1.0`, `1e3`, more digits than a double holds. */
const unusualNumber = /\d[.eE]|\d{16}|-0/

/** Parses JSON so that `JSON.stringify` writes every number as it came: to a site, `1.0` and `1` are not the same. */
function parseExactly(text: string): unknown {
  const keep = (_key: string, value: unknown, context?: ReviverContext): unknown => {
    const source = context?.source
    return typeof value === 'number' && source !== undefined && String(value) !== source ? rawJson(source) : value
  }
  try {
    return unusualNumber.test(text) ? JSON.parse(text, keep) : JSON.parse(text)
  } catch (cause) {
    throw new AgentError('invalid_request', 'the body is not JSON', { cause })
  }
}

// TypeScript's library does not know it yet.
const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown }
