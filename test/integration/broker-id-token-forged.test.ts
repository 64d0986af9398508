import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { CompactEncrypt, type JWK } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Faults } from '../sandbox/faults.ts'
import { listenWeb, type WebServer } from '../sandbox/web-server.ts'
import type { Prepared } from './exchange-stage.ts'
import { type Claims, ForgeryStage, says } from './forgery-stage.ts'

const { notRs256, noSuchKey } = says
const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 })

let stage: ForgeryStage
/** Where an attacker would like the keys to be looked for. */
let elsewhere: WebServer
/** The issuer's key, as everybody can read it. */
let published: JWK
beforeAll(async () => {
  stage = await ForgeryStage.open()
  elsewhere = await listenWeb({ host: '127.0.0.1', port: 0, faults: new Faults() })
  const answer = await fetch(`${stage.issuer}/authentication/v2/keys`)
  published = ((await answer.json()) as { keys: [JWK] }).keys[0]
})
afterAll(() => Promise.all([stage.close(), elsewhere.close()]))

const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url')
const named = (name: string): string => `${elsewhere.url}/${name}`

/** By the attacker's key, under the issuer's key id unless said otherwise. */
function foreign(own: Prepared, header: Claims = {}): string {
  const input = `${encode({ alg: 'RS256', kid: published.kid, ...header })}.${encode(stage.goodClaims(own))}`
  return `${input}.${sign('RSA-SHA256', Buffer.from(input), attacker.privateKey).toString('base64url')}`
}

function withSecret(own: Prepared, secret: string): string {
  const input = `${encode({ alg: 'HS256', kid: published.kid })}.${encode(stage.goodClaims(own))}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** The parts of a good token, put together otherwise. */
const parts = async (own: Prepared, claims: Claims = {}): Promise<[string, string, string]> =>
  (await stage.forge(own, claims)).split('.') as [string, string, string]

describe('an ID token that the issuer did not sign is refused', () => {
  const ownJwk = attacker.publicKey.export({ format: 'jwk' })
  const forged: [string, (own: Prepared) => string | Promise<string>, string][] = [
    ['by another key', (own) => foreign(own), notRs256],
    ['by another key without an id', (own) => foreign(own, { kid: undefined }), notRs256],
    ['by another key under its own id', (own) => foreign(own, { kid: 'own' }), noSuchKey],
    ['by another key that it brings along', (own) => foreign(own, { kid: 'own', jwk: ownJwk }), noSuchKey],
    ['by another key that it brings along as the issuer’s', (own) => foreign(own, { jwk: ownJwk }), notRs256],
    ['by a key at an address it names (jku)', (own) => foreign(own, { jku: named('jku') }), notRs256],
    ['by a key at an address it names (x5u)', (own) => foreign(own, { x5u: named('x5u') }), notRs256],
    ['by a key at an address that is its id', (own) => foreign(own, { kid: named('kid') }), noSuchKey],
    ['by a certificate it brings along', (own) => foreign(own, { x5c: ['MIIB'], x5t: 'x' }), notRs256],
    ['with the key’s JSON as the secret', (own) => withSecret(own, JSON.stringify(published)), notRs256],
    ['with the key’s modulus as the secret', (own) => withSecret(own, published.n ?? ''), notRs256],
    ['with an empty secret', (own) => withSecret(own, ''), notRs256],
    ['by nobody', (own) => `${encode({ alg: 'none' })}.${encode(stage.goodClaims(own))}.`, notRs256],
    ['by nobody, which its header does not say', (own) => foreign(own).replace(/[^.]+$/, ''), notRs256],
  ]
  test.each(forged)('%s', async (_name, make, why) => expect(await stage.judge(make)).toBe(why))

  const changed: [string, (own: Prepared) => string | Promise<string>, string?][] = [
    ['other claims', async (own) => (await parts(own, { sub: 'X' })).with(1, encode(stage.goodClaims(own))).join('.')],
    [
      'another header',
      async (own) => (await parts(own)).with(0, encode({ kid: published.kid, alg: 'RS256' })).join('.'),
    ],
    ['no signature', async (own) => (await parts(own)).with(2, '').join('.')],
    ['half a signature', async (own) => (await stage.forge(own)).slice(0, -171)],
    ['a byte less', async (own) => (await stage.forge(own)).slice(0, -4)],
    ['another token’s signature', async (own) => (await parts(own)).with(2, (await parts(own, { x: 1 }))[2]).join('.')],
    ['a fourth part', async (own) => `${await stage.forge(own)}.x`],
    ['two parts', async (own) => (await parts(own)).slice(0, 2).join('.')],
    ['padding', async (own) => `${await stage.forge(own)}==`],
    ['the alphabet of base64', async (own) => (await stage.forge(own)).replaceAll('-', '+').replaceAll('_', '/')],
    ['a line feed', async (own) => (await stage.forge(own)).replace('.', '.\n'), form('subject_token')],
    ['a space before it', async (own) => ` ${await stage.forge(own)}`, form('subject_token')],
    ['a space behind it', async (own) => `${await stage.forge(own)} `, form('subject_token')],
    ['a wider letter in it', async (own) => `ｅ${(await stage.forge(own)).slice(1)}`, form('subject_token')],
    ['16 KiB of signature', async (own) => (await stage.forge(own)).padEnd(16_385, 'A'), form('subject_token')],
    ['a little less of it', async (own) => (await stage.forge(own)).padEnd(16_384, 'A')],
  ]
  test.each(changed)('with %s', async (_name, make, why = notRs256) => expect(await stage.judge(make)).toBe(why))

  const strange: [string, (own: Prepared) => string | Promise<string>][] = [
    ['no token', () => 'abc'],
    ['two dots', () => '..'],
    ['JSON', async (own) => JSON.stringify({ payload: await stage.forge(own) })],
    ['an encrypted one', (own) => encrypted(own)],
    [
      'one that holds a good one',
      async (own) => stage.forgeText(JSON.stringify(await stage.forge(own)), { cty: 'JWT' }),
    ],
    ['one that holds a good one bare', async (own) => stage.forgeText(await stage.forge(own), { cty: 'JWT' })],
  ]
  test.each(strange)('being %s', async (_name, make) => expect(await stage.judge(make)).toBe(notRs256))

  test('and the addresses that tokens named were never asked', () => expect(elsewhere.requests).toEqual([]))
})

describe('a key that a good ID token brings along or names', () => {
  test.each([
    ['jku', 'jku'],
    ['x5u', 'x5u'],
    ['jwk', { kty: 'oct', k: 'AAAA' }],
    ['x5c', ['MIIB']],
  ])('(%s) changes nothing', async (name, value) => {
    const header = { [name]: typeof value === 'string' ? named(value) : value }
    expect(await stage.judge((own) => stage.forge(own, {}, header))).toBe('ok')
    expect(elsewhere.requests).toEqual([])
  })
})

function form(name: string): string {
  return `invalid_request: "${name}" is missing, doubled or wrong`
}

async function encrypted(own: Prepared): Promise<string> {
  const inner = new TextEncoder().encode(await stage.forge(own))
  const header = { alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', kid: published.kid ?? '' }
  return new CompactEncrypt(inner).setProtectedHeader(header).encrypt({ ...published, use: 'enc' })
}
