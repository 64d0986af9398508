import http from 'node:http'
import https from 'node:https'

/** The auth dict of a call. facts: PY 1.3 */
export type AuthDict = Readonly<Record<string, unknown>>

/** What `shotgun_api3` raises: the class follows from the code, the text is the site's. facts: PY 1.5 */
export class WireFault extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** An answer as it came: nothing is judged. */
export interface WireAnswer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** The headers of `shotgun_api3` 3.10.3 on Python 3.11. facts: PY 1.1, RUN */
export const shotgunApi3Headers = {
  'user-agent': 'shotgun-json (3.10.3); Python 3.11 (Linux); ssl OpenSSL 3.0.15 3 Sep 2024',
  'content-type': 'application/json; charset=utf-8',
  connection: 'keep-alive',
  'accept-encoding': 'gzip, deflate',
} as const

/** JSON as Python's `json.dumps(…, ensure_ascii=False)` writes it: `{"a": 1, "b": [null]}`. */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const pairs = Object.entries(value).filter(([, item]) => item !== undefined)
  return `{${pairs.map(([key, item]) => `${JSON.stringify(key)}: ${pythonJson(item)}`).join(', ')}}`
}

/** The body of one call; empty parameters are not sent at all. facts: PY `_build_payload` */
export function payload(method: string, auth: AuthDict | undefined, params?: unknown): string {
  const isEmpty = params === undefined || params === null || Object.keys(params).length === 0
  return pythonJson({ method_name: method, params: [...(auth ? [auth] : []), ...(isEmpty ? [] : [params])] })
}

/** Sends bytes to the JSON-RPC endpoint with the headers of the Python client. */
export async function sendRpc(siteUrl: string, body: string, tls: { ca?: string } = {}): Promise<WireAnswer> {
  const url = new URL('/api3/json', siteUrl)
  const bytes = Buffer.from(body, 'utf8')
  return await new Promise((resolve, reject) => {
    const { request } = url.protocol === 'https:' ? https : http
    const headers = { ...shotgunApi3Headers, 'content-length': bytes.length }
    const outgoing = request(url, { method: 'POST', headers, agent: false, ...tls }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(bytes)
  })
}

/** One call as the client makes it: what is under `results`, or the whole body where there is none. */
export async function callRpc(
  siteUrl: string,
  auth: AuthDict | undefined,
  method: string,
  params?: unknown,
): Promise<unknown> {
  const answer = await sendRpc(siteUrl, payload(method, auth, params))
  if (answer.status >= 300) throw new Error(`HTTP ${answer.status}: ${answer.body}`)
  const body: unknown = JSON.parse(answer.body)
  if (typeof body !== 'object' || body === null) return body
  if ('exception' in body && body.exception === true) {
    const code = 'error_code' in body ? Number(body.error_code) : 0
    throw new WireFault(code, 'message' in body ? String(body.message) : '')
  }
  return 'results' in body ? body.results : body
}

/** `[path, relation, value…]`, or a group of such. */
export type PythonFilter =
  | readonly unknown[]
  | { readonly filter_operator: 'all' | 'any'; readonly filters: readonly PythonFilter[] }

/** A filter list as the client rewrites it for the wire. facts: PY `_translate_filters` */
export function translateFilters(filters: readonly PythonFilter[], operator: 'all' | 'any' = 'all'): unknown {
  const conditions = filters.map((filter) => {
    if ('filters' in filter) return translateFilters(filter.filters, filter.filter_operator)
    const [path, relation, ...given] = filter
    const [only] = given
    return { path, relation, values: given.length === 1 && Array.isArray(only) ? only : given }
  })
  return { logical_operator: operator === 'all' ? 'and' : 'or', conditions }
}

/** The parameters of `find(…, limit=…)` on one page. facts: PY `_construct_read_parameters` */
export function findParams(
  type: string,
  filters: readonly PythonFilter[],
  fields: readonly string[] = ['id'],
  { limit = 500, page = 1, operator = 'all' as 'all' | 'any', sorts = undefined as unknown, retired = false } = {},
): Record<string, unknown> {
  return {
    type,
    return_fields: fields,
    filters: translateFilters(filters, operator),
    return_only: retired ? 'retired' : 'active',
    paging: { entities_per_page: limit, current_page: page },
    ...(sorts === undefined ? {} : { sorts }),
    api_return_image_urls: true,
    return_paging_info_without_counts: false,
  }
}

export type WireEntity = Readonly<Record<string, unknown>> & { readonly type: string; readonly id: number }

/** `find`, one page of it. */
export async function find(
  siteUrl: string,
  auth: AuthDict,
  ...query: Parameters<typeof findParams>
): Promise<readonly WireEntity[]> {
  const results = await callRpc(siteUrl, auth, 'read', findParams(...query))
  if (typeof results !== 'object' || results === null || !('entities' in results)) throw new Error('no entities')
  return results.entities as readonly WireEntity[]
}

type Fields = Readonly<Record<string, unknown>>

/** Fields as the client lists them. facts: PY `_dict_to_list` */
export const listed = (fields: Fields) => Object.entries(fields).map(([name, value]) => ({ field_name: name, value }))

/** `create(…, return_fields=asked)`. */
export async function create(
  siteUrl: string,
  auth: AuthDict,
  type: string,
  fields: Fields,
  ...asked: string[]
): Promise<WireEntity> {
  const params = { type, fields: listed(fields), return_fields: ['id', ...asked] }
  return (await callRpc(siteUrl, auth, 'create', params)) as WireEntity
}

/** `update` without update modes. */
export async function update(
  siteUrl: string,
  auth: AuthDict,
  { type, id }: { readonly type: string; readonly id: number },
  fields: Fields,
): Promise<WireEntity> {
  return (await callRpc(siteUrl, auth, 'update', { type, id, fields: listed(fields) })) as WireEntity
}
