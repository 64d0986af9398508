import { z } from 'zod'
import type { Fetch } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import type { JsonPath } from '../secrets/take-secrets.ts'
import { encodeJson, SecretText } from '../secrets/write-secrets.ts'
import { SiteFault, SiteTrouble, translateSiteTrouble } from './faults.ts'
import { askSite, askSiteOnce } from './http.ts'

/** A script, or a script in the name of a person. */
export interface ScriptCaller {
  readonly kind: 'script'
  readonly name: string
  readonly key: Secret
  readonly sudoAsLogin?: string | undefined
  /** Stands in the site's event log beside what the call did. */
  readonly sessionUuid?: string | undefined
}

/** A person by what they type. `login` is HumanUser.login; `code` the one of the second factor. */
export interface PersonCaller {
  readonly kind: 'person'
  readonly login: string
  readonly passphrase: Secret
  readonly code?: Secret
}

/** Who a JSON-RPC call is made as. facts: shotgrid §1.3 */
export type RpcCaller =
  | ScriptCaller
  | PersonCaller
  | { readonly kind: 'session'; readonly sessionToken: Secret }
  | { readonly kind: 'nobody' }

const faultSchema = z.object({
  exception: z.literal(true),
  message: z.string().default('the site gave no reason'),
  error_code: z.number().optional(),
})

const resultsSchema = z.object({ results: z.unknown() })

/**
 * Calls a method of the site's JSON-RPC API (`/api3/json`) and returns its `results`. Faults come as HTTP 200 with
 * `exception`. Throws SiteFault for a refusal, else an AgentError `site_unreachable`.
 */
export async function callRpc(
  fetch: Fetch,
  site: string,
  caller: RpcCaller,
  call: { readonly method: string; readonly params?: object; readonly signal: AbortSignal },
): Promise<unknown> {
  return (await answerOf(fetch, site, caller, call)).results
}

/**
 * The same for a method whose result is a secret, at `secretAt` of the whole answer: undefined when there is none. Throws like
 * `callRpc`.
 */
export async function callRpcForSecret(
  fetch: Fetch,
  site: string,
  caller: RpcCaller,
  call: { readonly method: string; readonly secretAt: JsonPath; readonly signal: AbortSignal },
): Promise<Secret | undefined> {
  return (await answerOf(fetch, site, caller, call)).secret
}

async function answerOf(
  fetch: Fetch,
  site: string,
  caller: RpcCaller,
  call: {
    readonly method: string
    readonly params?: object
    readonly secretAt?: JsonPath
    readonly signal: AbortSignal
  },
): Promise<{ readonly results: unknown; readonly secret?: Secret }> {
  const params = caller.kind === 'nobody' ? [] : [sealedParams(caller), ...(call.params ? [call.params] : [])]
  const sent = encodeJson({ method_name: call.method, params })
  try {
    // A passphrase goes out once: a site that did not answer may have judged it, and counts a wrong one towards a lock.
    const ask = caller.kind === 'person' ? askSiteOnce : askSite
    const { status, body, secret } = await ask(fetch, {
      method: 'POST',
      url: `${site}/api3/json`,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: sent,
      signal: call.signal,
      ...(call.secretAt ? { secretAt: call.secretAt } : {}),
    })
    if (status !== 200) throw new SiteTrouble(`answered ${status}`, status)
    const fault = faultSchema.safeParse(body)
    if (fault.success) throw new SiteFault(fault.data.message, fault.data.error_code)
    const results = resultsSchema.safeParse(body).data?.results ?? body
    return { results, ...(secret ? { secret } : {}) }
  } catch (error) {
    throw translateSiteTrouble(error, site, `calling "${call.method}"`)
  } finally {
    sent.fill(0)
  }
}

/** The auth dict: the first element of every call's `params`; to be sent at once. */
export function authParams(caller: ScriptCaller): Record<string, unknown> {
  return { ...sealedParams(caller), script_key: caller.key.reveal() }
}

/** The same for `encodeJson`. */
function sealedParams(caller: Exclude<RpcCaller, { kind: 'nobody' }>): Record<string, unknown> {
  if (caller.kind === 'session') return { session_token: new SecretText(caller.sessionToken), reject_if_expired: true }
  if (caller.kind === 'person') {
    return {
      user_login: caller.login,
      user_password: new SecretText(caller.passphrase),
      ...(caller.code === undefined ? {} : { auth_token: new SecretText(caller.code) }),
    }
  }
  return {
    script_name: caller.name,
    script_key: new SecretText(caller.key),
    ...(caller.sudoAsLogin === undefined ? {} : { sudo_as_login: caller.sudoAsLogin }),
    ...(caller.sessionUuid === undefined ? {} : { session_uuid: caller.sessionUuid }),
  }
}

export type Filter = readonly [path: string, relation: string, ...values: unknown[]]

const readResults = z.object({ entities: z.array(z.record(z.string(), z.unknown())) })

export interface Query {
  readonly type: string
  readonly filters: readonly Filter[]
  readonly fields: readonly string[]
  /** Rows a page. */
  readonly limit: number
  /** Counted from 1, the default. */
  readonly page?: number
  /** `active` unless said otherwise. */
  readonly only?: 'active' | 'retired'
  /** A field, smallest first; the site's own order unless said. */
  readonly sortedBy?: string
  readonly signal: AbortSignal
}

/** `read` with all filters required; at most `limit` rows, each with `type`, `id` and the fields. Throws like `callRpc`. */
export async function readEntities(
  fetch: Fetch,
  site: string,
  caller: RpcCaller,
  query: Query,
): Promise<Record<string, unknown>[]> {
  const results = await callRpc(fetch, site, caller, {
    method: 'read',
    signal: query.signal,
    params: {
      type: query.type,
      return_fields: query.fields,
      filters: {
        logical_operator: 'and',
        conditions: query.filters.map(([path, relation, ...values]) => ({ path, relation, values })),
      },
      return_only: query.only ?? 'active',
      ...(query.sortedBy === undefined ? {} : { sorts: [{ field_name: query.sortedBy, direction: 'asc' }] }),
      paging: { entities_per_page: query.limit, current_page: query.page ?? 1 },
    },
  })
  const parsed = readResults.safeParse(results)
  if (!parsed.success)
    throw translateSiteTrouble(new SiteTrouble('answered in an unknown form', 200), site, `reading ${query.type}`)
  return parsed.data.entities
}
