import type { Fetch } from '../ports.ts'
import { readBytes } from '../secrets/read-secrets.ts'
import type { Secret } from '../secrets/secret.ts'
import { JsonBytesError, takeSecrets } from '../secrets/take-secrets.ts'
import { encodeForm } from '../secrets/write-secrets.ts'

/** What a token response holds that we use. */
export interface TokenSet {
  readonly accessToken: Secret
  readonly refreshToken?: Secret
  readonly idToken?: Secret
  /** `expires_in` of the access token. */
  readonly expiresInS?: number
  /** What was granted, where that is known. */
  readonly scopes?: readonly string[]
}

/**
 * Takes the tokens out of each token response before openid-client reads it: it gets asterisks in their place, and of what it
 * needs to judge, the ID token, itself. `notice` is called with the tokens first; what it throws fails the call.
 */
export function noticingTokens(fetch: Fetch, notice: (tokens: TokenSet) => void | Promise<void>): Fetch {
  return async (url, init) => {
    const response = await fetch(url, init)
    if (response.status !== 200 || init.method !== 'POST') return response
    const bytes = await readBytes(response)
    try {
      const [accessToken, refreshToken] = takeTokens(bytes)
      if (accessToken) await notice({ accessToken, ...(refreshToken ? { refreshToken } : {}) })
      return new Response(bytes, { status: response.status, headers: response.headers })
    } finally {
      bytes.fill(0)
    }
  }
}

function takeTokens(bytes: Buffer): (Secret | undefined)[] {
  try {
    return takeSecrets(bytes, ['access_token'], ['refresh_token'])
  } catch (error) {
    // What is no JSON is openid-client's to refuse.
    if (error instanceof JsonBytesError) return []
    throw error
  }
}

/** Stands for a token in what openid-client writes. */
export const inItsPlace = 'sent-in-its-place'

/** Sends `token` where openid-client wrote `inItsPlace` into the field `name` of a form: its strings never hold the token. */
export function sendingToken(fetch: Fetch, name: string, token: Secret): Fetch {
  return async (url, init) => {
    const { body } = init
    if (!(body instanceof URLSearchParams) || body.get(name) !== inItsPlace) return fetch(url, init)
    const form = encodeForm({ ...Object.fromEntries(body), [name]: token })
    try {
      const headers = new Headers(init.headers)
      headers.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8')
      return await fetch(url, { ...init, headers: Object.fromEntries(headers), body: form })
    } finally {
      form.fill(0)
    }
  }
}

/** RFC 6749 §3.3; undefined when the answer does not say. */
export function scopesOf(scope: string | undefined): readonly string[] | undefined {
  return scope === undefined ? undefined : scope.split(' ').filter((one) => one !== '')
}

/** Its `expires_in`, if it says. */
export function expiryOf({ expires_in: expiresInS }: { readonly expires_in?: number | undefined }): {
  readonly expiresInS?: number
} {
  return expiresInS === undefined ? {} : { expiresInS }
}
