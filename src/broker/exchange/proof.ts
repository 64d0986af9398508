import { calculateJwkThumbprint, EmbeddedJWK, type JWK, jwtVerify } from 'jose'
import { z } from 'zod'
import { AgentError } from '../../errors.ts'
import { signInChallengeClaim, tokenHash } from '../../token-exchange.ts'

/** What a proof proves: its sender holds the private key of `thumbprint` and made it for this very request. */
export interface Proof {
  /** RFC 7638 */
  readonly thumbprint: string
  /** The challenge it uses up. */
  readonly challenge: string
  /** The challenge the sign-in's OIDC nonce was made from. */
  readonly signInChallenge: string
}

const challenge = z.string().regex(/^[\w-]{43}$/)
const claimsSchema = z.object({
  htm: z.literal('POST'),
  htu: z.string(),
  ath: z.string(),
  jti: z.string().min(1).max(100),
  iat: z.number(),
  nonce: challenge,
  [signInChallengeClaim]: challenge,
})
const longestProof = 4_096
const threeParts = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * RFC 7515 §3.1, and §2: without padding; jose would take it with some. Each part in the one spelling that its bytes have
 * (RFC 4648 §3.5): the last character has bits to spare, and a signature that could be written otherwise is another text.
 */
export function isCompactJws(text: string): boolean {
  return (
    threeParts.test(text) &&
    text.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
  )
}

/**
 * Judges a DPoP proof (RFC 9449 §4.3) of a token exchange. `iat` only has to be there: freshness comes from the challenge,
 * so a workstation's wrong clock does no harm (§11.1). Throws `proof_rejected`.
 */
export async function judgeProof(
  header: string | undefined,
  tokenEndpoint: string,
  subjectToken: string,
): Promise<Proof> {
  if (header === undefined) throw new AgentError('proof_rejected', 'there is no DPoP header')
  if (header.length > longestProof || !isCompactJws(header))
    throw new AgentError('proof_rejected', 'the DPoP header is not one proof')
  let payload: unknown
  let jwk: JWK | undefined
  try {
    const verified = await jwtVerify(header, EmbeddedJWK, { algorithms: ['ES256'], typ: 'dpop+jwt' })
    payload = verified.payload
    jwk = verified.protectedHeader.jwk
  } catch (cause) {
    // WebCrypto has errors of its own for keys that are no keys; whatever it is, the proof does not hold.
    throw new AgentError('proof_rejected', 'the proof is not a valid ES256 DPoP proof', { cause })
  }
  // §4.2: the header carries a public key; a private one in it is a client that gives itself away.
  if (!jwk || jwk.d !== undefined) throw new AgentError('proof_rejected', 'the proof carries no public key')
  const claims = claimsSchema.safeParse(payload)
  if (!claims.success) {
    throw new AgentError('proof_rejected', `the proof: "${claims.error.issues[0]?.path.join('.')}" is missing or wrong`)
  }
  if (claims.data.htu !== tokenEndpoint)
    throw new AgentError('proof_rejected', 'the proof was made for another address')
  if (claims.data.ath !== tokenHash(subjectToken))
    throw new AgentError('proof_rejected', 'the proof was made for another token')
  return {
    thumbprint: await calculateJwkThumbprint(jwk),
    challenge: claims.data.nonce,
    signInChallenge: claims.data[signInChallengeClaim],
  }
}
