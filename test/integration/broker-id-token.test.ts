import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Prepared } from './exchange-stage.ts'
import { type Claims, ForgeryStage, now, says } from './forgery-stage.ts'

const { notRs256, noSuchKey, isWrong, isNot, expired, tooLong, alsoOthers, future, notOfKey, tooOld } = says
const tenYearsS = 10 * 365 * 24 * 3600

let stage: ForgeryStage
beforeAll(async () => {
  stage = await ForgeryStage.open()
})
afterAll(() => stage.close())

describe('an ID token', () => {
  test('is taken when nothing is wrong, as a control', async () =>
    expect(await stage.judge((own) => stage.forge(own))).toBe('ok'))

  const taken: [string, Claims, Claims?][] = [
    ['with a list of one audience, ours', { aud: ['sg-session-tray'] }],
    ['with ourselves as the authorized party', { azp: 'sg-session-tray' }],
    ['with times that are fractions', { iat: now() + 0.5, exp: now() + 3600.25 }],
    ['that ended within the minute that clocks may differ', { iat: now() - 300, exp: now() - 30 }],
    ['of the type JWT', {}, { typ: 'JWT' }],
    ['of the type application/jwt', {}, { typ: 'application/jwt' }],
    ['with claims that mean nothing here', { scope: 'everything', roles: ['admin'], sudo_as_login: 'admin' }],
  ]
  test.each(taken)('%s is taken', async (_name, claims, header) => {
    expect(await stage.judge((own) => stage.forge(own, claims, header))).toBe('ok')
  })
})

describe('an ID token that the issuer signed is refused', () => {
  const refused: [string, Claims, string][] = [
    ['another issuer', { iss: 'https://evil.example' }, isNot('iss')],
    ['no issuer', { iss: undefined }, isNot('iss')],
    ['an issuer that is null', { iss: null }, isNot('iss')],
    ['another audience', { aud: 'other-app' }, isNot('aud')],
    ['an audience that begins alike', { aud: 'sg-session-tray2' }, isNot('aud')],
    ['an audience that ends alike', { aud: 'my-sg-session-tray' }, isNot('aud')],
    ['an audience cut short', { aud: 'sg-session' }, isNot('aud')],
    ['an audience in capitals', { aud: 'SG-SESSION-TRAY' }, isNot('aud')],
    ['an audience with a space', { aud: 'sg-session-tray ' }, isNot('aud')],
    ['an audience that lists ours in text', { aud: 'sg-session-tray other-app' }, isNot('aud')],
    ['an empty audience', { aud: '' }, isNot('aud')],
    ['our audience among others', { aud: ['sg-session-tray', 'other-app'] }, alsoOthers],
    ['ours among others, as party', { aud: ['sg-session-tray', 'other-app'], azp: 'sg-session-tray' }, alsoOthers],
    ['our audience twice', { aud: ['sg-session-tray', 'sg-session-tray'] }, alsoOthers],
    ['our audience beside null', { aud: ['sg-session-tray', null] }, alsoOthers],
    ['our audience in a list in a list', { aud: [['sg-session-tray']] }, isNot('aud')],
    ['an empty list of audiences', { aud: [] }, isNot('aud')],
    ['an audience that is a number', { aud: 7 }, isNot('aud')],
    ['an audience that is an object', { aud: { 0: 'sg-session-tray', length: 1 } }, isNot('aud')],
    ['an audience that is null', { aud: null }, isNot('aud')],
    ['no audience', { aud: undefined }, isNot('aud')],
    ['another authorized party', { azp: 'other-app' }, alsoOthers],
    ['an empty authorized party', { azp: '' }, alsoOthers],
    ['a list of authorized parties', { azp: ['sg-session-tray'] }, isWrong('azp')],
    ['an authorized party that is null', { azp: null }, isWrong('azp')],
    ['no subject', { sub: undefined }, isNot('sub')],
    ['an empty subject', { sub: '' }, isWrong('sub')],
    ['a subject that is a number', { sub: 7 }, isWrong('sub')],
    ['a subject that is null', { sub: null }, isWrong('sub')],
    ['a subject that is a list', { sub: ['ARTIST000001'] }, isWrong('sub')],
    ['a subject of 256 characters', { sub: 'A'.repeat(256) }, isWrong('sub')],
    ['a subject with NUL', { sub: 'ARTIST000001\0' }, isWrong('sub')],
    ['a subject with a line feed', { sub: 'ARTIST000001\n' }, isWrong('sub')],
    ['a subject with a space', { sub: ' ARTIST000001' }, isWrong('sub')],
    ['a subject with a Cyrillic А', { sub: 'АRTIST000001' }, isWrong('sub')],
    ['a subject with a full-width digit', { sub: 'ARTIST00000１' }, isWrong('sub')],
    ['a subject with half a character', { sub: 'ARTIST000001\ud800' }, isWrong('sub')],
    ['an end in the past', { exp: now() - 120 }, expired],
    ['an end before time began', { exp: -1 }, expired],
    ['an end at zero', { exp: 0 }, expired],
    ['no end', { exp: undefined }, isNot('exp')],
    ['an end that is text', { exp: '9999999999' }, isNot('exp')],
    ['an end that is null', { exp: null }, isNot('exp')],
    ['an end in milliseconds', { exp: Date.now() + 3_600_000 }, tooLong],
    ['an end in ten years', { exp: now() + tenYearsS }, tooLong],
    ['a life of two days', { exp: now() + 2 * 24 * 3600 }, tooLong],
    ['a beginning in ten minutes', { iat: now() + 600 }, future],
    ['a beginning in ten years', { iat: now() + tenYearsS, exp: now() + tenYearsS + 60 }, future],
    ['a beginning before time began', { iat: -1 }, tooLong],
    ['a beginning that is text', { iat: String(now()) }, isNot('iat')],
    ['a beginning that is null', { iat: null }, isNot('iat')],
    ['no beginning', { iat: undefined }, isNot('iat')],
    ['a time before which it is not valid', { nbf: now() + 600 }, isNot('nbf')],
    ['such a time as text', { nbf: '0' }, isNot('nbf')],
    ['such a time that is null', { nbf: null }, isNot('nbf')],
    ['another nonce', { nonce: 'x' }, notOfKey],
    ['an empty nonce', { nonce: '' }, notOfKey],
    ['no nonce', { nonce: undefined }, notOfKey],
    ['a list of nonces', { nonce: ['x'] }, isWrong('nonce')],
    ['a nonce that is null', { nonce: null }, isWrong('nonce')],
    ['an age of an hour', { iat: now() - 3_500 }, tooOld],
    ['an e-mail address that is a list', { email: ['artist@studio.example'] }, isWrong('email')],
    ['an at_hash that is a number', { at_hash: 7 }, isWrong('at_hash')],
  ]
  test.each(refused)('with %s', async (_name, claims, why) => {
    expect(await stage.judge((own) => stage.forge(own, claims))).toBe(why)
  })

  test.each([
    ['a slash', (issuer: string) => `${issuer}/`],
    ['a path', (issuer: string) => `${issuer}/v2`],
    ['capitals', (issuer: string) => issuer.replace('http', 'HTTP')],
    ['another port', (issuer: string) => `${issuer}0`],
    ['a space', (issuer: string) => `${issuer} `],
    ['a list round it', (issuer: string) => [issuer]],
    ['an escaped letter', (issuer: string) => issuer.replace('localhost', '%6cocalhost')],
    ['a dot after its host', (issuer: string) => issuer.replace('localhost', 'localhost.')],
  ])('with the issuer and %s', async (_name, near) => {
    expect(await stage.judge((own) => stage.forge(own, { iss: near(stage.issuer) }))).toBe(isNot('iss'))
  })

  test.each([
    ['whose nonce is of the key alone', (own: Prepared) => own.key.thumbprint],
    ['whose nonce is the challenge itself', (own: Prepared) => own.signInChallenge],
    ['whose nonce is padded', (own: Prepared) => `${own.nonce}=`],
    ['whose nonce is in other case', (own: Prepared) => own.nonce.toLowerCase()],
  ])('%s', async (_name, nonce) =>
    expect(await stage.judge((own) => stage.forge(own, { nonce: nonce(own) }))).toBe(notOfKey),
  )

  const headers: [string, Claims, string][] = [
    ['the type of an access token', { typ: 'at+jwt' }, isWrong('typ')],
    ['the type of a proof', { typ: 'dpop+jwt' }, isWrong('typ')],
    ['the type of a logout token', { typ: 'logout+jwt' }, isWrong('typ')],
    ['a type that is a number', { typ: 7 }, isWrong('typ')],
    ['an extension that nobody here knows', { crit: ['x'], x: 1 }, notRs256],
    ['an empty list of extensions', { crit: [] }, notRs256],
    ['an extension it does not carry', { crit: ['exp'] }, notRs256],
    ['a payload said to be no base64', { b64: false, crit: ['b64'] }, notRs256],
    ['no key id', { kid: undefined }, isWrong('kid')],
    ['an unknown key id', { kid: 'unknown' }, noSuchKey],
    ['a key id that is a number', { kid: 7 }, noSuchKey],
    ['an empty key id', { kid: '' }, noSuchKey],
    ['a key id that is a path', { kid: '../../../../dev/null' }, noSuchKey],
    ['a key id that is SQL', { kid: "' UNION SELECT 'key" }, noSuchKey],
    ['the algorithm none', { alg: 'none' }, notRs256],
    ['the algorithm None', { alg: 'None' }, notRs256],
    ['the public key as the secret of HS256', { alg: 'HS256' }, notRs256],
    ['the algorithm ES256', { alg: 'ES256' }, notRs256],
    ['the algorithm PS256', { alg: 'PS256' }, notRs256],
    ['the algorithm RS384', { alg: 'RS384' }, notRs256],
    ['the algorithm rs256', { alg: 'rs256' }, notRs256],
    ['the algorithm null', { alg: null }, notRs256],
    ['a list of algorithms', { alg: ['RS256'] }, notRs256],
    ['no algorithm', { alg: undefined }, notRs256],
  ]
  test.each(headers)('with %s in its header', async (_name, header, why) => {
    expect(await stage.judge((own) => stage.forge(own, {}, header))).toBe(why)
  })

  const texts: [string, (good: Claims) => string, string][] = [
    [
      'an end of 1e999',
      (good) => JSON.stringify({ ...good, exp: 0 }).replace('"exp":0', '"exp":1e999'),
      isWrong('exp'),
    ],
    ['an end of NaN', (good) => JSON.stringify({ ...good, exp: 0 }).replace('"exp":0', '"exp":NaN'), notRs256],
    ['a second audience by the same name', (good) => again(good, 'aud', 'other-app'), isNot('aud')],
    ['a second issuer by the same name', (good) => again(good, 'iss', 'https://evil.example'), isNot('iss')],
    ['a second nonce by the same name', (good) => again(good, 'nonce', 'x'), notOfKey],
    ['a list round its claims', (good) => JSON.stringify([good]), notRs256],
    ['null in their place', () => 'null', notRs256],
    ['nothing in their place', () => '', notRs256],
    ['text in their place', () => '"ARTIST000001"', notRs256],
    ['another JWT in their place', () => 'eyJhbGciOiJub25lIn0.e30.', notRs256],
    ['something behind them', (good) => `${JSON.stringify(good)}{}`, notRs256],
  ]
  test.each(texts)('with %s', async (_name, text, why) => {
    expect(await stage.judge((own) => stage.forgeText(text(stage.goodClaims(own))))).toBe(why)
  })

  function again(good: Claims, name: string, value: string): string {
    return JSON.stringify(good).replace(/\}$/, `,${JSON.stringify(name)}:${JSON.stringify(value)}}`)
  }
})

describe('an ID token with at_hash', () => {
  const hashOf = (token: string, bytes = 16): string =>
    createHash('sha256').update(token).digest().subarray(0, bytes).toString('base64url')

  test('is taken beside the access token it names', async () => {
    expect(await stage.judge((own) => stage.forge(own, { at_hash: hashOf(own.accessToken) }))).toBe('ok')
  })

  test.each([
    ['another access token', () => hashOf('other')],
    ['no hash', () => ''],
    ['the whole hash', (own: Prepared) => hashOf(own.accessToken, 32)],
    ['half of it', (own: Prepared) => hashOf(own.accessToken, 8)],
    ['the access token itself', (own: Prepared) => own.accessToken],
  ])('of %s is refused', async (_name, hash) => {
    expect(await stage.judge((own) => stage.forge(own, { at_hash: hash(own) }))).toBe(
      'subject_token_rejected: the ID token is not of one sign-in with the access token',
    )
  })
})
