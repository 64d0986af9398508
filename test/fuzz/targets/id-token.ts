import assert from 'node:assert/strict'
import { AutodeskIdentity } from '../../../src/broker/exchange/autodesk.ts'
import { judgeIdToken } from '../../../src/broker/exchange/subject-token.ts'
import { Secret } from '../../../src/secrets/secret.ts'
import { judgedLater, linesOf, textOf } from '../input.ts'
import { idTokens } from '../signed-tokens.ts'

export const seeds: readonly string[] = [...idTokens.good, ...idTokens.bad]

const { issuer, clientIds, now } = idTokens
const identity = new AutodeskIdentity(
  { issuer, clientIds, insecureLoopback: false },
  async (url) => Response.json(url.endsWith('/keys') ? idTokens.keys : idTokens.metadata),
  { monotonicMs: () => 0 },
)
const signedParts = new Set(idTokens.good.map((token) => token.split('\n')[0]))

/** An ID token, and the access token beside it. Nobody here has the issuer’s key: none but those it signed is ever taken. */
export async function fuzz(data: Uint8Array): Promise<void> {
  const [token = '', accessToken = ''] = linesOf(textOf(data), 2)
  const subject = await judgedLater(
    () => judgeIdToken(new Secret(token), new Secret(accessToken), identity, { now: () => now }),
    'subject_token_rejected',
  )
  if (!subject) return assert.ok(!idTokens.good.includes(`${token}\n${accessToken}`), 'the good ones are taken')
  assert.ok(signedParts.has(token))
  assert.deepEqual([subject.issuer, clientIds.includes(subject.clientId)], [issuer, true])
}
