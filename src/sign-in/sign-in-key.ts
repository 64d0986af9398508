import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose'
import { z } from 'zod'
import { AgentError } from '../errors.ts'
import { Secret } from '../secrets/secret.ts'

/** The key of one sign-in. */
export interface SignInKey {
  readonly privateKey: CryptoKey
  readonly publicJwk: object
  /** RFC 7638 */
  readonly thumbprint: string
  /** Its private half, for whoever goes on with the sign-in after this process. RFC 7517, as JSON */
  readonly privateJwk: Secret
}

export async function makeSignInKey(): Promise<SignInKey> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return restoreSignInKey(new Secret(JSON.stringify(await exportJWK(privateKey))))
}

const coordinate = z.string().regex(/^[\w-]{43}$/)
const privateJwkSchema = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: coordinate,
  y: coordinate,
  d: coordinate,
})

/** Throws `login_required` when the text is no private P-256 key. */
export async function restoreSignInKey(privateJwk: Secret): Promise<SignInKey> {
  try {
    const { d, ...publicJwk } = privateJwkSchema.parse(JSON.parse(privateJwk.reveal()))
    const privateKey = await importJWK({ ...publicJwk, d }, 'ES256', { extractable: false })
    if (privateKey instanceof Uint8Array) throw new TypeError('a secret key where a private one was due')
    return { privateKey, publicJwk, thumbprint: await calculateJwkThumbprint(publicJwk), privateJwk }
  } catch {
    // No cause: it might quote the text.
    throw new AgentError('login_required', 'what was remembered is no key of a sign-in')
  }
}
