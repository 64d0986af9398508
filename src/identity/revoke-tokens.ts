import { tokenRevocation } from 'openid-client'
import type { Ports } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import { translateIdentityError } from './errors.ts'
import type { IssuerMetadata } from './metadata.ts'
import { inItsPlace, sendingToken, type TokenSet } from './token-response.ts'

const limitMs = 3_000

/**
 * RFC 7009: refresh token first, then access token, each on its own. Best effort, at most three seconds, never throws. They are
 * wiped afterwards, revoked or not.
 */
export async function revokeTokens(
  { refreshToken, accessToken }: Partial<TokenSet>,
  metadata: IssuerMetadata,
  { fetch, log }: Pick<Ports, 'fetch' | 'log'>,
): Promise<void> {
  const limited = AbortSignal.timeout(limitMs)
  const revokeOne = async (token: Secret, hint: string): Promise<void> => {
    try {
      const configuration = await metadata.configurationAtHand(limited, sendingToken(fetch, 'token', token))
      await tokenRevocation(configuration, inItsPlace, { token_type_hint: hint })
    } catch (error) {
      const err = await translateIdentityError(error, `revoking the ${hint}`)
      log.warn({ err }, 'a token was not revoked')
    } finally {
      token.wipe()
    }
  }
  if (refreshToken) await revokeOne(refreshToken, 'refresh_token')
  if (accessToken) await revokeOne(accessToken, 'access_token')
}
