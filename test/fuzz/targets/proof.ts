import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { judgeProof } from '../../../src/broker/exchange/proof.ts'
import { judgedLater, linesOf, textOf } from '../input.ts'
import { proofs } from '../signed-tokens.ts'

export const seeds: readonly string[] = [...proofs.good, ...proofs.bad]

/** A DPoP header, and the token it is sent with. */
export async function fuzz(data: Uint8Array): Promise<void> {
  const [header = '', token = ''] = linesOf(textOf(data), 2)
  const proof = await judgedLater(() => judgeProof(header, proofs.endpoint, token), 'proof_rejected')
  if (!proof) return assert.ok(!proofs.good.includes(`${header}\n${token}`), 'the good ones are taken')
  const [head = '', body = '', signature = ''] = header.split('.')
  const { jwk } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { jwk: Record<string, string> }
  const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const
  const bytes = Buffer.from(signature, 'base64url')
  assert.ok(verify('sha256', Buffer.from(`${head}.${body}`), key, bytes), 'the signature holds for another library too')
  assert.match(`${proof.thumbprint} ${proof.challenge} ${proof.signInChallenge}`, /^[\w-]{43} [\w-]{43} [\w-]{43}$/)
  assert.ok(!('d' in jwk))
  assert.equal(bytes.toString('base64url'), signature)
}
