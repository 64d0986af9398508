import { z } from 'zod'
import type { Fetch } from '../ports.ts'
import { Secret } from '../secret.ts'

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

const tokenBody = z.object({ access_token: z.string().min(1), refresh_token: z.string().min(1).optional() })

/** Calls `notice` with the tokens of each token response, before openid-client judges it; what it throws fails the call. */
export function noticingTokens(fetch: Fetch, notice: (tokens: TokenSet) => void | Promise<void>): Fetch {
  return async (url, init) => {
    const response = await fetch(url, init)
    if (response.status !== 200 || init.method !== 'POST') return response
    const copy: unknown = await response
      .clone()
      .json()
      .catch(() => undefined)
    const body = tokenBody.safeParse(copy)
    if (!body.success) return response
    const { refresh_token, access_token } = body.data
    const refreshToken = refresh_token === undefined ? {} : { refreshToken: new Secret(refresh_token) }
    await notice({ accessToken: new Secret(access_token), ...refreshToken })
    return response
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
