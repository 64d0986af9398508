import type { Secret } from '../secrets/secret.ts'

/** What one HTTP request to the redirect listener looks like, as far as it is judged. */
export interface CallbackRequest {
  readonly method: string
  /** The request target as received: path and query. */
  readonly target: string
  /** `1.1` is what browsers speak to a plain address. */
  readonly httpVersion: string
  /** By lower-case name; a list where it came more than once. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export type CallbackVerdict =
  | { readonly verdict: 'callback'; readonly parameters: URLSearchParams }
  | { readonly verdict: 'ignored'; readonly status: 400 | 403 | 404 | 405; readonly reason: string }

export interface Expected {
  /** `localhost:<port>`: what the browser must have asked for. A rebound name shows here. */
  readonly host: string
  readonly path: string
  readonly state: Secret
}

/** Longer than any answer Autodesk gives; browsers stop at about this length too. */
const longestTarget = 8_192

/**
 * Judges a request to the redirect listener. Anything but a plain top-level navigation that carries this sign-in's `state`
 * is ignored and the wait goes on: whoever can reach the port must not be able to end somebody's sign-in.
 */
export function judgeCallback(request: CallbackRequest, expected: Expected): CallbackVerdict {
  const { method, target, httpVersion, headers } = request
  if (method !== 'GET') return ignored(405, 'method is not GET')
  if (httpVersion !== '1.1') return ignored(400, 'is not HTTP/1.1')
  if (headers['host'] !== expected.host) return ignored(400, 'host is not the registered one')
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)
    return ignored(400, 'has a body')
  if (headers['upgrade'] !== undefined) return ignored(400, 'wants another protocol')
  // Browsers send neither on the redirect itself; scripts, forms, images and frames of a web page send one or the other.
  if (headers['origin'] !== undefined) return ignored(403, 'comes from a script or form')
  if (!isOneOf(headers['sec-fetch-mode'], 'navigate') || !isOneOf(headers['sec-fetch-dest'], 'document')) {
    return ignored(403, 'is no top-level navigation')
  }
  if (target.length > longestTarget) return ignored(400, 'address is too long')
  const cut = target.indexOf('?')
  if ((cut < 0 ? target : target.slice(0, cut)) !== expected.path) return ignored(404, 'path is not the registered one')
  // From the question mark on: of two, URLSearchParams would pass over one, and others read the second as the name's.
  return judgeParameters(new URLSearchParams(cut < 0 ? '' : target.slice(cut)), expected.state)
}

/** Judges the address an artist pasted: the same as a request for it, without a browser's headers. */
export function judgePastedAddress(text: string, expected: Expected): CallbackVerdict {
  const trimmed = text.trim()
  if (trimmed.length > longestTarget || !URL.canParse(trimmed)) return ignored(400, 'is not an address')
  const url = new URL(trimmed)
  if (
    url.protocol !== 'http:' ||
    url.host !== expected.host ||
    url.pathname !== expected.path ||
    url.username ||
    url.password
  ) {
    return ignored(400, 'is not an address this sign-in returns to')
  }
  return judgeParameters(url.searchParams, expected.state)
}

/** RFC 6749 §4.1.2: `state` and one of `code` and `error`, each once (§3.1: parameters must not be repeated). */
function judgeParameters(parameters: URLSearchParams, expectedState: Secret): CallbackVerdict {
  const names = [...parameters.keys()]
  if (new Set(names).size !== names.length) return ignored(400, 'repeats a parameter')
  const state = parameters.get('state')
  if (state === null || !expectedState.equals(state)) return ignored(400, 'state is not this sign-in’s')
  if (parameters.has('code') === parameters.has('error')) return ignored(400, 'has neither or both of code and error')
  return { verdict: 'callback', parameters }
}

/** Absent counts as fine: older browsers do not send Fetch Metadata. */
function isOneOf(value: string | string[] | undefined, wanted: string): boolean {
  return value === undefined || value === wanted
}

function ignored(status: 400 | 403 | 404 | 405, reason: string): CallbackVerdict {
  return { verdict: 'ignored', status, reason }
}
