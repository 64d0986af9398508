import { KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
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
    ['of a method in small letters', () => prove({ htm: 'post' })],
    ['of a list of methods', () => prove({ htm: ['POST'] })],
    ['without a method', () => prove({ htm: undefined })],
    ['for the address with a slash', () => prove({ htu: `${endpoint}/` })],
    ['for the address with a fragment', () => prove({ htu: `${endpoint}#x` })],
    ['for the address with its port', () => prove({ htu: 'https://broker.example:443/token' })],
    ['for the address in capitals', () => prove({ htu: endpoint.toUpperCase() })],
    ['for the address without TLS', () => prove({ htu: 'http://broker.example/token' })],
    ['for a list of addresses', () => prove({ htu: [endpoint] })],
    ['without an address', () => prove({ htu: undefined })],
    ['with a padded token hash', () => prove({ ath: `${tokenHash(token)}=` })],
    ['with a token hash in hex', () => prove({ ath: Buffer.from(tokenHash(token), 'base64url').toString('hex') })],
    ['with the token for its hash', () => prove({ ath: token })],
    ['with half the token hash', () => prove({ ath: tokenHash(token).slice(0, 22) })],
    ['with a list of token hashes', () => prove({ ath: [tokenHash(token)] })],
    ['with a challenge a character short', () => prove({ nonce: 'c'.repeat(42) })],
    ['with a challenge a character long', () => prove({ nonce: 'c'.repeat(44) })],
    ['with a challenge and a line feed', () => prove({ nonce: `${challenge}\n` })],
    ['with a challenge of other characters', () => prove({ nonce: '+'.repeat(43) })],
    ['with a list of challenges', () => prove({ nonce: [challenge] })],
    ['with a challenge that is a number', () => prove({ nonce: 7 })],
    ['with a list of sign-in challenges', () => prove({ sign_in_challenge: ['d'.repeat(43)] })],
    ['with an empty jti', () => prove({ jti: '' })],
    ['with a jti of 101 characters', () => prove({ jti: 'x'.repeat(101) })],
    ['with a jti that is a number', () => prove({ jti: 7 })],
    ['with an iat that is text', () => prove({ iat: '1700000000' })],
    ['with an iat that is null', () => prove({ iat: null })],
    ['that has ended', () => prove({ exp: 5 })],
    ['that is not valid yet', () => prove({ nbf: 4_000_000_000 })],
    ['of a type that begins alike', () => prove({}, { typ: 'dpop+jwt2' })],
    ['of a list of types', async () => byHand({ typ: ['dpop+jwt'] })],
    ['with an extension that nobody here knows', async () => byHand({ crit: ['x'], x: 1 })],
    ['with a payload said to be no base64', async () => byHand({ b64: false, crit: ['b64'] })],
    ['with a key for encryption', () => prove({}, { jwk: { ...jwk, use: 'enc' } })],
    ['with a key of another algorithm', () => prove({}, { jwk: { ...jwk, alg: 'ES384' } })],
    ['with a key of another type', () => prove({}, { jwk: { ...jwk, kty: 'OKP' } })],
    ['with an empty private half', () => prove({}, { jwk: { ...jwk, d: '' } })],
    ['with a list of keys', async () => byHand({ jwk: [jwk] })],
    ['with a key as text', async () => byHand({ jwk: JSON.stringify(jwk) })],
    ['with a key id for a key', async () => byHand({ jwk: undefined, kid: 'a' })],
    ['with the point at infinity', () => prove({}, { jwk: { ...jwk, x: 'A'.repeat(43), y: 'A'.repeat(43) } })],
    ['with a padded signature', async () => `${await prove()}==`],
    ['with a signature in DER', async () => byHand({}, 'der')],
    ['with a signature in another spelling of its bytes', async () => respelled(await prove())],
    ['with an empty signature', async () => byHand({}, 'none')],
    ['with a signature of noughts', async () => byHand({}, 'noughts')],
    ['that says none and has a key', async () => byHand({ alg: 'none' }, 'none')],
    ['that says es256', async () => byHand({ alg: 'es256' })],
    ['that says ES384', async () => byHand({ alg: 'ES384' })],
    ['with a list round its claims', async () => byHand({}, 'raw', [goodClaims])],
    ['with a space before it', async () => ` ${await prove()}`],
    ['of four parts', async () => `${await prove()}.x`],
    ['of 4,097 characters', async () => (await prove()).padEnd(4_097, 'A')],
    ...(['ES384', 'ES512', 'EdDSA', 'PS256'] as const).map((alg): [string, () => Promise<string>] => [
      `signed with ${alg} by a key of its own kind`,
      async () => {
        const pair = await generateKeyPair(alg)
        return new SignJWT(goodClaims)
          .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk: await exportJWK(pair.publicKey) })
          .sign(pair.privateKey)
      },
    ]),
    [
      'signed with HS256 by the public key',
      async () =>
        new SignJWT(goodClaims)
          .setProtectedHeader({ typ: 'dpop+jwt', alg: 'HS256', jwk })
          .sign(new TextEncoder().encode(JSON.stringify(jwk))),
    ],
  ]
  for (const [name, make] of refused) {
    test(`${name} is refused`, async () => expect(await verdict(await make())).toBe('proof_rejected'))
  }
})

test('a proof says the same of a key, whatever else its JWK says', async () => {
  const said = new Set<string>()
  for (const more of [
    {},
    { kid: 'a' },
    { use: 'sig' },
    { alg: 'ES256' },
    { x5u: 'https://evil.example' },
    { name: 'x' },
  ]) {
    said.add((await judgeProof(await prove({}, { jwk: { ...jwk, ...more } }), endpoint, token)).thumbprint)
  }
  expect(said.size).toBe(1)
})

test('a proof may name its type with or without "application/", in any case', async () => {
  for (const typ of ['dpop+jwt', 'DPoP+JWT', 'application/dpop+jwt']) {
    expect(await verdict(await prove({}, { typ }))).toBe('accepted')
  }
})

test('whatever comes in the place of a proof is refused, and nothing else happens', async () => {
  const part = fc.oneof(
    fc.base64String().map((text) => text.replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_')),
    fc.json().map((text) => Buffer.from(text).toString('base64url')),
    fc
      .object()
      .map((header) =>
        Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header })).toString('base64url'),
      ),
  )
  const header = fc.oneof(
    fc.string(),
    fc.array(part, { maxLength: 4 }).map((parts) => parts.join('.')),
  )
  await fc.assert(
    fc.asyncProperty(header, async (text) => {
      expect(await verdict(text)).toBe('proof_rejected')
    }),
  )
})

test('a sign-in’s private key cannot leave the process', async () => {
  const key = await makeSignInKey()
  expect(key.privateKey.extractable).toBe(false)
  await expect(exportJWK(key.privateKey)).rejects.toThrow()
  expect(JSON.stringify(key.publicJwk)).not.toContain('"d"')
})

/** What no library would sign: over the right claims, by the right key, unless said otherwise. */
function byHand(
  header: Record<string, unknown>,
  form: 'raw' | 'der' | 'none' | 'noughts' = 'raw',
  claims: unknown = goodClaims,
): string {
  const parts = [{ typ: 'dpop+jwt', alg: 'ES256', jwk, ...header }, claims]
  const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const signature = {
    raw: () => sign('sha256', Buffer.from(input), { key: KeyObject.from(privateKey), dsaEncoding: 'ieee-p1363' }),
    der: () => sign('sha256', Buffer.from(input), { key: KeyObject.from(privateKey), dsaEncoding: 'der' }),
    none: () => Buffer.alloc(0),
    noughts: () => Buffer.alloc(64),
  }[form]()
  return `${input}.${signature.toString('base64url')}`
}

test('a proof made by hand is one when nothing is wrong, as a control', async () => {
  expect(await verdict(byHand({}))).toBe('accepted')
})

function changePayload(jwt: string): string {
  const [header, , signature] = jwt.split('.')
  return `${header}.${Buffer.from(JSON.stringify({ ...goodClaims, jti: 'changed' })).toString('base64url')}.${signature}`
}

/** Four bits of the last character say nothing. */
function respelled(proof: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const other = proof.slice(0, -1) + letters[letters.indexOf(proof.at(-1) ?? '') + 1]
  expect(Buffer.from(other.split('.')[2] ?? '', 'base64url')).toEqual(
    Buffer.from(proof.split('.')[2] ?? '', 'base64url'),
  )
  return other
}
