import pRetry from 'p-retry'
import type { Fetch } from '../ports.ts'
import { type ReadAnswer, readSecrets } from '../secrets/read-secrets.ts'
import type { Secret } from '../secrets/secret.ts'
import { JsonBytesError, type JsonPath } from '../secrets/take-secrets.ts'
import { anySignal } from '../waiting/any-signal.ts'
import { SiteTrouble } from './faults.ts'

export interface SiteRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Bytes are the caller's, to be wiped when the answer is there. */
  readonly body?: string | Uint8Array<ArrayBuffer>
  /** Where the answer says a secret, which then never becomes part of its `body`. */
  readonly secretAt?: JsonPath
  readonly signal: AbortSignal
}

export interface SiteAnswer {
  readonly status: number
  readonly body: unknown
  /** What stood at `secretAt`; there are asterisks now. */
  readonly secret?: Secret
  /** The site's clock (RFC 9110 §6.6.1), ms since the epoch; undefined when it does not say. */
  readonly dateMs: number | undefined
}

/** One try; a site that says nothing for this long will not say it later either. */
const tryLimitMs = 15_000

/**
 * Sends and reads the JSON answer, whatever its status. Tries three times on 502 and 504, 0.75 s and 1.5 s apart, as the
 * official client does; nothing else is tried again, so that no write happens twice. Throws SiteTrouble, or what `fetch` or
 * `signal` throw.
 */
export function askSite(fetch: Fetch, request: SiteRequest): Promise<SiteAnswer> {
  return pRetry(() => askSiteOnce(fetch, request), {
    retries: 2,
    minTimeout: 750,
    factor: 2,
    signal: request.signal,
    shouldRetry: ({ error }) => error instanceof SiteTrouble && (error.status === 502 || error.status === 504),
  })
}

/** The same with one try: for what may have taken effect although its answer was lost, and for who asks again anyway. */
export async function askSiteOnce(
  fetch: Fetch,
  { method, url, headers, body, secretAt, signal }: SiteRequest,
): Promise<SiteAnswer> {
  const response = await fetch(url, {
    method,
    headers: { ...headers, accept: 'application/json' },
    ...(body === undefined ? {} : { body }),
    redirect: 'manual',
    signal: anySignal([signal, AbortSignal.timeout(tryLimitMs)]),
  })
  const { status } = response
  if (status >= 500 || status === 429 || (status >= 300 && status < 400)) {
    await response.body?.cancel().catch(() => undefined)
    const retryAfterMs = retryAfterOf(response)
    const asks = retryAfterMs === undefined ? '' : ` and asks to wait ${Math.ceil(retryAfterMs / 1000)} s`
    throw new SiteTrouble(`answered ${status}${asks}`, status, retryAfterMs === undefined ? {} : { retryAfterMs })
  }
  const dateMs = dateOf(response)
  if (secretAt) {
    const { body: rest, secrets } = await readSecretAnswer(response, secretAt)
    return { status, body: rest, dateMs, ...(secrets[0] ? { secret: secrets[0] } : {}) }
  }
  const text = await response.text()
  try {
    return { status, body: JSON.parse(text), dateMs }
  } catch {
    throw notJson(status, /^\s*</.test(text))
  }
}

async function readSecretAnswer(response: Response, secretAt: JsonPath): Promise<ReadAnswer> {
  try {
    return await readSecrets(response, secretAt)
  } catch (error) {
    throw error instanceof JsonBytesError ? notJson(response.status, error.beginsLikePage) : error
  }
}

/** Without its cause, which goes into logs: V8 quotes what stands there, and that may be a token. */
function notJson(status: number, isPage: boolean): SiteTrouble {
  const what = isPage ? 'a web page (a proxy or sign-in page in between?)' : 'something that is not JSON'
  return new SiteTrouble(`answered ${status} with ${what}`, status)
}

function dateOf({ headers }: Response): number | undefined {
  const date = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(date) ? undefined : date
}

const longestWaitMs = 24 * 3600_000

/** How long a server asks to be left alone, in ms. RFC 9110 §10.2.3: seconds, or a date, held against the answer's own. */
export function retryAfterOf(response: Response): number | undefined {
  const text = response.headers.get('retry-after')?.trim()
  if (!text) return undefined
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - (dateOf(response) ?? Date.now())
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), longestWaitMs)
}
