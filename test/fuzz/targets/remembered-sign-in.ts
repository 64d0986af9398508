import assert from 'node:assert/strict'
import { Secret } from '../../../src/secrets/secret.ts'
import { readRemembered, writeRemembered } from '../../../src/sign-in/remembered-sign-in.ts'
import { anyTextOf } from '../input.ts'

const kept = {
  ...{ v: 1, token: 't', key: '{"kty":"EC"}', challenge: 'c'.repeat(43), broker: 'https://broker.example' },
  ...{ at: 1_795_000_000_000, sub: 'SUB', user: 7, account: 'ada@studio.example' },
}

export const seeds = [
  JSON.stringify(kept),
  JSON.stringify({ ...kept, account: undefined }),
  JSON.stringify({ ...kept, v: 2 }),
]

/** What stands in the keychain, where any program of this user may have written. */
export function fuzz(data: Uint8Array): void {
  const remembered = readRemembered(new Secret(anyTextOf(data)))
  if (!remembered) return
  const again = readRemembered(writeRemembered(remembered))
  const { refreshToken, privateJwk, ...rest } = remembered
  assert.deepEqual(
    { ...again, refreshToken: again?.refreshToken.reveal(), privateJwk: again?.privateJwk.reveal() },
    { ...rest, refreshToken: refreshToken.reveal(), privateJwk: privateJwk.reveal() },
  )
  assert.ok(URL.canParse(remembered.broker))
}
