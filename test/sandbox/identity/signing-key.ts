import { createHmac, generateKeyPair, type JsonWebKey, type KeyObject, randomUUID, sign, verify } from 'node:crypto'
import { promisify } from 'node:util'

type Claims = Record<string, unknown>

/** The provider's one signing key: RSA, RS256, made anew at each start. */
export interface SigningKey {
  readonly kid: string
  /** For the provider; carries the private members. */
  readonly privateJwk: JsonWebKey
  /** As published: kid, kty, use, n, e and no `alg` (facts/identity §1.1). */
  readonly publicJwk: { kid: string; kty: string; use: string; n: string; e: string }
  /**
   * A compact JWS over exactly these claims, or over this text in their place. `header` is added to alg and kid and may override both; `alg: 'none'`
   * leaves the signature empty, an `HS…` alg signs with the public key as the secret (RFC 8725 §2.1), and any other
   * value keeps the RS256 signature, whatever the header says.
   */
  sign(claims: Claims | string, header?: Claims): string
  /** The claims of a token this key signed with RS256; undefined for every other text. Does not look at times. */
  open(token: string): Claims | undefined
}

export async function makeSigningKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const kid = randomUUID()
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' })
  return {
    kid,
    privateJwk: { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' },
    publicJwk: { kid, kty: 'RSA', use: 'sig', n, e },
    sign(claims, header = {}) {
      const protectedHeader: Claims = { alg: 'RS256', kid, ...header }
      const input = `${encode(protectedHeader)}.${encode(claims)}`
      return `${input}.${signature(input, String(protectedHeader['alg']), privateKey, publicKey)}`
    },
    open(token) {
      const [header, payload, tokenSignature, ...rest] = token.split('.')
      if (!header || !payload || !tokenSignature || rest.length > 0) return undefined
      const input = Buffer.from(`${header}.${payload}`)
      if (!verify('RSA-SHA256', input, publicKey, Buffer.from(tokenSignature, 'base64url'))) return undefined
      return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims
    },
  }
}

function signature(input: string, alg: string, privateKey: KeyObject, publicKey: KeyObject): string {
  if (alg === 'none') return ''
  if (alg.startsWith('HS')) {
    const secret = publicKey.export({ type: 'spki', format: 'pem' })
    return createHmac('sha256', secret).update(input).digest('base64url')
  }
  return sign('RSA-SHA256', Buffer.from(input), privateKey).toString('base64url')
}

function encode(part: Claims | string): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}
