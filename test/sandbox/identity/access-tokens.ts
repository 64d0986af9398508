import { randomBytes } from 'node:crypto'
import type { AccessToken, Provider } from 'oidc-provider'
import type { SigningKey } from './signing-key.ts'

/**
 * Access tokens as Autodesk shows them: RS256 JWTs that the published keys verify (facts/identity §1.6), here wrapped
 * round the provider's own stored token, so that they can be revoked like any other.
 */
export interface AccessTokens {
  seal(token: AccessToken): Promise<string>
  /** The living token behind this JWT: signed here, not expired, not revoked, its grant not ended. */
  open(jwt: string): Promise<AccessToken | undefined>
}

export function makeAccessTokens(provider: Provider, key: SigningKey): AccessTokens {
  return {
    async seal(token) {
      // The times stand only in what was stored, and that may be revoked already.
      const { iat, exp } = (await provider.AccessToken.find<AccessToken>(token.jti)) ?? token
      return key.sign({
        scope: [...token.scopes],
        client_id: token.clientId,
        userid: token.accountId,
        iss: provider.issuer,
        aud: 'https://autodesk.com',
        jti: token.jti,
        iat,
        exp,
        // Autodesk's tokens outgrew a 1,280-character credential store (facts/identity §1.4); so do these.
        sandbox_padding: randomBytes(480).toString('base64url'),
      })
    },
    async open(jwt) {
      const jti = key.open(jwt)?.['jti']
      if (typeof jti !== 'string') return undefined
      const token = await provider.AccessToken.find<AccessToken>(jti)
      if (!token?.isValid || !(await provider.Grant.find(token.grantId))) return undefined
      return token
    },
  }
}
