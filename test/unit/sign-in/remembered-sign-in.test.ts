import { expect, test } from 'vitest'
import { Secret } from '../../../src/secrets/secret.ts'
import { type RememberedSignIn, readRemembered, writeRemembered } from '../../../src/sign-in/remembered-sign-in.ts'
import { makeSignInKey, restoreSignInKey } from '../../../src/sign-in/sign-in-key.ts'

const remembered: RememberedSignIn = {
  refreshToken: new Secret('r'.repeat(600)),
  privateJwk: new Secret('{"kty":"EC"}'),
  signInChallenge: 'c'.repeat(43),
  broker: 'https://sg-broker.studio.example',
  signedInAt: 1_800_000_000_000,
  subject: 'ARTIST000001',
  userId: 7,
  account: 'artist@studio.example',
}

test('what is written is read again, with and without an account', () => {
  const read = readRemembered(writeRemembered(remembered))
  expect(read).toEqual(remembered)
  expect(read?.refreshToken.reveal()).toBe(remembered.refreshToken.reveal())
  expect(read?.privateJwk.reveal()).toBe('{"kty":"EC"}')
  const { account: _, ...nameless } = remembered
  expect(readRemembered(writeRemembered(nameless))).toEqual(nameless)
})

test.each([
  '',
  'null',
  '{',
  '{"v":2}',
  '{"v":1,"token":"x"}',
  JSON.stringify({ ...JSON.parse(writeRemembered(remembered).reveal()), at: '1' }),
  JSON.stringify({ ...JSON.parse(writeRemembered(remembered).reveal()), challenge: 'short' }),
])('what is of another form is not read: %s', (text) => expect(readRemembered(new Secret(text))).toBeUndefined())

test('with a real key it fits where Windows keeps it, 2,560 bytes', async () => {
  const { privateJwk } = await makeSignInKey()
  expect(writeRemembered({ ...remembered, privateJwk }).reveal().length).toBeLessThan(1_300)
})

test('a key comes back as the same key, and its private half does not leave the process again', async () => {
  const made = await makeSignInKey()
  const restored = await restoreSignInKey(made.privateJwk)
  expect(restored.thumbprint).toBe(made.thumbprint)
  expect(restored.publicJwk).toEqual(made.publicJwk)
  expect(Object.keys(restored.publicJwk)).not.toContain('d')
  for (const { privateKey } of [made, restored]) expect(privateKey.extractable).toBe(false)
})

test.each(['', '{}', '{"kty":"oct","k":"AA"}', '{"kty":"EC","crv":"P-256","x":"A","y":"A","d":"A"}'])(
  'what is no key is not taken for one: %s',
  async (text) => {
    const refusal: unknown = await restoreSignInKey(new Secret(text)).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'login_required' })
    expect((refusal as Error).cause).toBeUndefined()
  },
)
