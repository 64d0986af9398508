import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { Fetch } from '../../ports.ts'
import { SiteTrouble, translateSiteTrouble } from '../../shotgrid/faults.ts'
import { anySignal } from '../../waiting/any-signal.ts'
import type { ScriptedSite } from '../scripted-site.ts'
import { withhold } from './withhold.ts'

export interface SiteCall {
  readonly method: string
  /** Path and query, as the site is to get them. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | AsyncIterable<Uint8Array>
  /** Aborts when the client has gone. */
  readonly gone: AbortSignal
}

const firstByteLimitMs = 60_000

/**
 * Sends one call to the site and resolves with the answer's head; the body is still to come. The site has a minute from the
 * last byte of the request to the first of its answer. Nothing is tried twice. Throws `site_unreachable`, or what a streamed
 * body threw.
 */
export async function callSite(fetch: Fetch, site: ScriptedSite, call: SiteCall): Promise<Response> {
  const tooLate = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  let thrownByBody: unknown
  const startWaiting = (): void => {
    // A site may answer before it has read everything.
    if (isOver) return
    timer = setTimeout(() => tooLate.abort(new SiteTrouble('said nothing for a minute', undefined)), firstByteLimitMs)
  }
  async function* sending(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body
      startWaiting()
    } catch (thrown) {
      thrownByBody = thrown
      throw thrown
    }
  }
  const { body } = call
  const isStream = body !== undefined && typeof body !== 'string'
  if (!isStream) startWaiting()
  try {
    return await fetch(`${site.url}${call.path}`, {
      method: call.method,
      headers: { ...call.headers },
      ...(isStream ? { body: sending(body), duplex: 'half' } : body === undefined ? {} : { body }),
      redirect: 'manual',
      signal: anySignal([call.gone, tooLate.signal]),
    })
  } catch (cause) {
    throw thrownByBody ?? translateSiteTrouble(cause, site.url, `calling "${call.path.split('?', 1)[0]}"`)
  } finally {
    isOver = true
    clearTimeout(timer)
  }
}

/** A body of which the beginning has been looked at. */
export interface Peeked {
  /** The whole body, where it is no longer than what was looked at. */
  readonly whole: string | undefined
  /** All of it, to be passed on. */
  readonly body: AsyncIterable<Uint8Array>
}

/** Faults are small. What is larger goes on as it comes. */
const peekBytes = 16 * 1024

/** Looks at the beginning of an answer's body. */
export async function peek(response: Response): Promise<Peeked> {
  const chunks = bodyOf(response)[Symbol.asyncIterator]()
  const seen: Uint8Array[] = []
  let seenBytes = 0
  let isOver = false
  while (!isOver && seenBytes <= peekBytes) {
    const { done, value } = await chunks.next()
    isOver = done === true
    if (value) {
      seen.push(value)
      seenBytes += value.length
    }
  }
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* seen
    if (!isOver) yield* { [Symbol.asyncIterator]: () => chunks }
  }
  return { whole: isOver ? Buffer.concat(seen).toString('utf8') : undefined, body: body() }
}

async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body) yield* response.body
}

/** What of a site's answer concerns the client. Cookies of the site do not. */
const passedOn = [
  'content-type',
  'content-disposition',
  'content-language',
  'content-range',
  'accept-ranges',
  'etag',
  'last-modified',
  'retry-after',
]

/** Sends a site's answer on as it comes, with its status; not beyond one of the secrets that the call was made with. */
export function passOn(
  reply: FastifyReply,
  response: Response,
  secrets: readonly string[],
  body: AsyncIterable<Uint8Array> = bodyOf(response),
): FastifyReply {
  for (const name of passedOn) {
    const value = response.headers.get(name)
    if (value !== null) reply.header(name, value)
  }
  const length = response.headers.get('content-length')
  // Of a body that came compressed this is not the length it has now.
  if (length !== null && !response.headers.has('content-encoding')) reply.header('content-length', length)
  reply.code(response.status)
  return response.body === null
    ? reply.send('')
    : reply.send(Readable.from(withhold(body, secrets), { objectMode: false }))
}

/** Where an answer that is not used goes. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined)
}

/**
 * Where a redirect leads, for one that may be passed on: away from the site, to a store of files. `secrets` are what the call
 * was made with: a redirect that repeats one of them is not for the client, and neither is one with credentials of its own.
 */
export function redirectElsewhere(
  response: Response,
  site: Pick<ScriptedSite, 'url'>,
  secrets: readonly string[],
): string | undefined {
  const written = response.headers.get('location')
  if (written === null || !URL.canParse(written, site.url)) return undefined
  const { protocol, origin, username, password, href } = new URL(written, site.url)
  if (origin === site.url || username || password) return undefined
  if (protocol !== 'https:' && !(protocol === 'http:' && site.url.startsWith('http:'))) return undefined
  const said = [href, decoded(href)]
  return secrets.some((secret) => said.some((text) => text.includes(secret))) ? undefined : href
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
