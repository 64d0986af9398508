import { generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ExchangeStage, type Prepared } from './exchange-stage.ts'
import { codeOf } from './world.ts'

let stage: ExchangeStage
beforeAll(async () => {
  stage = await ExchangeStage.open()
})
afterAll(() => stage.close())
afterEach(() => stage.clearFaults())

describe('an ID token that is not exactly right', () => {
  const now = (): number => Math.floor(Date.now() / 1000)
  /** Forged with the issuer's own key: every refusal below is about the one thing that is wrong. */
  async function forged(
    claims: Record<string, unknown>,
    header?: Record<string, unknown>,
  ): Promise<{ prepared: Prepared; token: string }> {
    const prepared = await stage.prepare()
    const good = {
      iss: stage.world.identity.issuer,
      aud: 'sg-session-tray',
      sub: 'ARTIST000001',
      iat: now(),
      exp: now() + 3600,
      nonce: prepared.nonce,
      email: 'artist@studio.example',
      email_verified: true,
    }
    const merged = Object.fromEntries(Object.entries({ ...good, ...claims }).filter(([, value]) => value !== undefined))
    return { prepared, token: await stage.world.identity.forgeIdToken(merged, header) }
  }

  test('is taken when nothing is wrong, as a control', async () => {
    const { prepared, token } = await forged({})
    expect(await codeOf(stage.exchange(prepared, { subjectToken: token }))).toBe('ok')
  })

  const wrong: [string, Record<string, unknown>, string?][] = [
    ['another issuer', { iss: 'https://evil.example' }],
    ['the issuer with a slash', { iss: 'ISSUER/' }],
    ['no issuer', { iss: undefined }],
    ['another audience', { aud: 'other-app' }],
    ['an audience that begins alike', { aud: 'sg-session-tray2' }],
    ['our audience among others', { aud: ['sg-session-tray', 'other-app'] }],
    [
      'our audience among others, as authorized party',
      { aud: ['sg-session-tray', 'other-app'], azp: 'sg-session-tray' },
    ],
    ['an empty list of audiences', { aud: [] }],
    ['no audience', { aud: undefined }],
    ['another authorized party', { azp: 'other-app' }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['a subject that is a number', { sub: 7 }],
    ['an end in the past', { exp: now() - 120 }],
    ['no end', { exp: undefined }],
    ['an end that is text', { exp: '9999999999' }],
    ['a beginning in the future', { iat: now() + 600 }],
    ['no beginning', { iat: undefined }],
    ['a time before which it is not valid', { nbf: now() + 600 }],
    ['another nonce', { nonce: 'x' }, 'proof_rejected'],
    ['no nonce', { nonce: undefined }, 'proof_rejected'],
    ['a nonce that is a list', { nonce: ['x'] }],
    ['an age of an hour', { iat: now() - 3_500 }, 'proof_rejected'],
  ]
  for (const [name, claims, code = 'subject_token_rejected'] of wrong) {
    test(`with ${name} is refused`, async () => {
      const fixed = claims['iss'] === 'ISSUER/' ? { iss: `${stage.world.identity.issuer}/` } : claims
      const { prepared, token } = await forged(fixed)
      // Each person and key has no sign-in yet, so nothing but the token itself can let it through.
      expect(await codeOf(stage.exchange(prepared, { subjectToken: token }))).toBe(code)
    })
  }

  test('signed by nobody, by a secret, by another key, with an unknown key id or a changed payload is refused', async () => {
    const prepared = await stage.prepare()
    const claims = {
      iss: stage.world.identity.issuer,
      aud: 'sg-session-tray',
      sub: 'ARTIST000001',
      iat: now(),
      exp: now() + 3600,
      nonce: prepared.nonce,
    }
    const jwks = (await (await fetch(`${stage.world.identity.issuer}/authentication/v2/keys`)).json()) as {
      keys: JWK[]
    }
    const kid = jwks.keys[0]?.kid ?? ''
    const other = await generateKeyPair('RS256')
    const [header = '', , signature = ''] = prepared.idToken.split('.')
    const changed = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`
    const tokens = [
      new UnsecuredJWT(claims).encode(),
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', kid })
        .sign(new TextEncoder().encode(JSON.stringify(jwks.keys[0]))),
      await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(other.privateKey),
      await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'unknown' }).sign(other.privateKey),
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', jku: 'https://evil.example/keys' })
        .sign(other.privateKey),
      changed,
      `${prepared.idToken}.x`,
      prepared.idToken.slice(0, -4),
      'abc',
      '..',
    ]
    for (const token of tokens) {
      expect(await codeOf(stage.exchange(prepared, { subjectToken: token, challenge: await stage.challenge() }))).toBe(
        'subject_token_rejected',
      )
    }
  })

  test('too large is refused before it is read', async () => {
    const prepared = await stage.prepare()
    expect(await codeOf(stage.exchange(prepared, { subjectToken: 'x'.repeat(16_385) }))).toBe('invalid_request')
  })
})
