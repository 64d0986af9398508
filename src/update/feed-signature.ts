import { createPublicKey, verify } from 'node:crypto'

/** More keys than one sign a feed only while one replaces another. */
const mostSignatures = 4
/** What comes before the 32 bytes in a SubjectPublicKeyInfo of Ed25519. RFC 8410 §4 */
const prefix = Buffer.from('302a300506032b6570032100', 'hex')

/**
 * Whether the owner of the key has signed exactly these bytes. `signatures`: one Ed25519 signature a line in base64, of which one
 * must hold. Anything else is no. RFC 8032 §5.1.7
 */
export function isSignedBy(publicKey: string, bytes: Uint8Array, signatures: string): boolean {
  const raw = Buffer.from(publicKey, 'base64')
  if (raw.length !== 32) return false
  const lines = signatures.split('\n').map((line) => line.trim())
  const candidates = lines.filter((line) => line !== '')
  if (candidates.length > mostSignatures) return false
  try {
    const key = createPublicKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'spki' })
    return candidates.some((line) => {
      const signature = Buffer.from(line, 'base64')
      // Node passes over what is no base64.
      return signature.length === 64 && signature.toString('base64') === line && verify(null, bytes, key, signature)
    })
  } catch {
    return false
  }
}
