import { exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { judgeProof } from '../../../../src/broker/exchange/proof.ts'
import { makeSignInKey } from '../../../../src/sign-in/sign-in-key.ts'
import { tokenHash } from '../../../../src/token-exchange.ts'

const endpoint = 'https://broker.example/token'
const token = 'subject.token.here'
const challenge = 'c'.repeat(43)
const goodClaims = {
  htm: 'POST',
  htu: endpoint,
  ath: tokenHash(token),
  jti: 'a1',
  iat: 1_700_000_000,
  nonce: challenge,
  sign_in_challenge: 'd'.repeat(43),
}

let privateKey: CryptoKey
let jwk: JWK
beforeAll(async () => {
  const pair = await generateKeyPair('ES256', { extractable: true })
  privateKey = pair.privateKey
  jwk = await exportJWK(pair.publicKey)
})

function prove(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): Promise<string> {
  const payload = Object.fromEntries(
    Object.entries({ ...goodClaims, ...claims }).filter(([, value]) => value !== undefined),
  )
  return new SignJWT(payload).setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk, ...header }).sign(privateKey)
}

async function verdict(header: string | undefined): Promise<string> {
  return judgeProof(header, endpoint, token).then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  )
}

describe('a proof of possession', () => {
  test('that is whole is accepted and says whose it is', async () => {
    const proof = await judgeProof(await prove(), endpoint, token)
    expect(proof).toMatchObject({ challenge, signInChallenge: 'd'.repeat(43) })
    expect(proof.thumbprint).toMatch(/^[\w-]{43}$/)
  })

  test('made with a wrong clock is accepted: the challenge is what makes it fresh', async () => {
    expect(await verdict(await prove({ iat: 5 }))).toBe('accepted')
    expect(await verdict(await prove({ iat: 4_000_000_000 }))).toBe('accepted')
  })

  const refused: [string, () => Promise<string | undefined>][] = [
    ['that is missing', async () => undefined],
    ['that is empty', async () => ''],
    ['that is no JWT', async () => 'abc'],
    ['that comes twice', async () => `${await prove()}, ${await prove()}`],
    ['that is huge', async () => prove({ jti: 'x'.repeat(5_000) })],
    ['of another method', () => prove({ htm: 'GET' })],
    ['for another address', () => prove({ htu: 'https://other.example/token' })],
    ['for the address with a query', () => prove({ htu: `${endpoint}?x=1` })],
    ['for another token', () => prove({ ath: tokenHash('other') })],
    ['without a token hash', () => prove({ ath: undefined })],
    ['without a challenge', () => prove({ nonce: undefined })],
    ['with a challenge of another form', () => prove({ nonce: 'short' })],
    ['without the sign-in’s challenge', () => prove({ sign_in_challenge: undefined })],
    ['without jti', () => prove({ jti: undefined })],
    ['without iat', () => prove({ iat: undefined })],
    ['of another type', () => prove({}, { typ: 'JWT' })],
    ['without a type', () => prove({}, { typ: undefined })],
    ['without a key', () => prove({}, { jwk: undefined })],
    ['that names its private key', async () => prove({}, { jwk: await exportJWK(privateKey) })],
    [
      'with somebody else’s key',
      async () => prove({}, { jwk: await exportJWK((await generateKeyPair('ES256')).publicKey) }),
    ],
    ['with a key whose point is cut short', () => prove({}, { jwk: { ...jwk, x: 'AAAA' } })],
    ['with a key that is on no curve', () => prove({}, { jwk: { ...jwk, y: jwk.x } })],
    ['with a key of another curve', () => prove({}, { jwk: { ...jwk, crv: 'P-384' } })],
    ['with a key that must not verify', () => prove({}, { jwk: { ...jwk, key_ops: ['encrypt'] } })],
    ['with a symmetric key', () => prove({}, { jwk: { kty: 'oct', k: 'c2VjcmV0' } })],
    ['signed by nobody', async () => new UnsecuredJWT(goodClaims).encode()],
    [
      'signed with RS256',
      async () => {
        const rsa = await generateKeyPair('RS256')
        return new SignJWT(goodClaims)
          .setProtectedHeader({ typ: 'dpop+jwt', alg: 'RS256', jwk: await exportJWK(rsa.publicKey) })
          .sign(rsa.privateKey)
      },
    ],
    ['with a changed payload', async () => changePayload(await prove())],
  ]
  for (const [name, make] of refused) {
    test(`${name} is refused`, async () => expect(await verdict(await make())).toBe('proof_rejected'))
  }
})

test('a sign-in’s private key cannot leave the process', async () => {
  const key = await makeSignInKey()
  expect(key.privateKey.extractable).toBe(false)
  await expect(exportJWK(key.privateKey)).rejects.toThrow()
  expect(JSON.stringify(key.publicJwk)).not.toContain('"d"')
})

function changePayload(jwt: string): string {
  const [header, , signature] = jwt.split('.')
  return `${header}.${Buffer.from(JSON.stringify({ ...goodClaims, jti: 'changed' })).toString('base64url')}.${signature}`
}
