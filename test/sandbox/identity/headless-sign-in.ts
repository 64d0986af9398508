import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Account } from './accounts.ts'
import { HeadlessBrowser } from './headless-browser.ts'
import { paths } from './metadata.ts'

export interface SignInRequest {
  readonly clientId: string
  readonly redirectUri: string
  readonly nonce: string
  readonly scope: string
}

/** `idToken` is empty when the scope lacks `openid`. */
export interface SignedIn {
  readonly idToken: string
  readonly accessToken: string
  readonly refreshToken: string
  readonly code: string
}

const tokensSchema = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  id_token: z.string().default(''),
})

/**
 * A sign-in as a browser and a client do it, over HTTP: authorization request, form, redirects, code, tokens. Stops in
 * front of the redirect URI, which nobody needs to listen on. `ca` is the certificate to trust when the issuer has one.
 * Throws when the provider answers anything but tokens.
 */
export async function signInHeadlessly(
  issuer: string,
  account: Account,
  request: SignInRequest,
  ca: string | undefined,
): Promise<SignedIn> {
  const verifier = randomBytes(32).toString('base64url')
  const browser = new HeadlessBrowser(ca)
  const callback = await browser.signIn(authorizationUrl(issuer, request, verifier), account, request.redirectUri)
  const code = callback.searchParams.get('code')
  if (!code) throw new Error(`the sign-in of "${account.key}" ended at "${callback.href}"`)
  const answer = await browser.send(
    new URL(issuer + paths.token),
    new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: request.clientId,
      redirect_uri: request.redirectUri,
      code_verifier: verifier,
      code,
    }),
  )
  if (answer.status !== 200) throw new Error(`the token call was answered ${answer.status}: ${answer.body}`)
  const tokens = tokensSchema.parse(JSON.parse(answer.body))
  return { idToken: tokens.id_token, accessToken: tokens.access_token, refreshToken: tokens.refresh_token, code }
}

function authorizationUrl(issuer: string, request: SignInRequest, verifier: string): URL {
  const url = new URL(issuer + paths.authorize)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: request.clientId,
    redirect_uri: request.redirectUri,
    scope: request.scope,
    nonce: request.nonce,
    state: randomBytes(16).toString('base64url'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString()
  return url
}
