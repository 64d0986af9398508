import { describe, expect, test } from 'vitest'
import { AutodeskIdentity, usableAddress } from '../../../../src/broker/exchange/autodesk.ts'
import type { Fetch } from '../../../../src/ports.ts'
import { Secret } from '../../../../src/secrets/secret.ts'
import { systemClock } from '../../../../src/system/system-clock.ts'

const issuer = 'https://identity.example'
const metadata = {
  issuer,
  jwks_uri: `${issuer}/keys`,
  userinfo_endpoint: 'https://profile.example/userinfo',
  introspection_endpoint: `${issuer}/introspect`,
}

/** An issuer that says this; `asked` is where it was asked. */
function identityThat(says: { metadata?: object; userinfo?: unknown; introspection?: unknown }) {
  const asked: string[] = []
  const fetch: Fetch = async (url) => {
    asked.push(url)
    if (url.includes('/.well-known/')) return Response.json({ ...metadata, ...says.metadata })
    return Response.json(url.endsWith('userinfo') ? says.userinfo : says.introspection)
  }
  const identity = new AutodeskIdentity({ issuer, clientIds: ['app'], insecureLoopback: false }, fetch, systemClock)
  return { identity, asked }
}

const token = new Secret('token')
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (error: { code: string }) => error.code,
  )

describe('metadata of the issuer', () => {
  test.each(['jwks_uri', 'userinfo_endpoint', 'introspection_endpoint', 'introspect_endpoint'])(
    'that names a "%s" without TLS is not believed, and nobody is asked there',
    async (name) => {
      for (const url of ['http://identity.example/x', 'http://127.0.0.1/x', 'ftp://identity.example/x', 'data:,x']) {
        const { identity, asked } = identityThat({ metadata: { [name]: url } })
        expect(await codeOf(identity.userInfo(token))).toBe('identity_unreachable')
        expect(await codeOf(identity.demandClient(token, 'app'))).toBe('identity_unreachable')
        expect(asked.every((address) => address.includes('/.well-known/'))).toBe(true)
      }
    },
  )
})

describe('UserInfo', () => {
  const person = { sub: 'ARTIST000001', email: 'artist@studio.example', email_verified: true }

  test('says who somebody is and which address they have', async () => {
    const { identity } = identityThat({ userinfo: person })
    expect(await identity.userInfo(token)).toEqual({
      subject: 'ARTIST000001',
      email: 'artist@studio.example',
      emailVerified: true,
    })
  })

  test.each([
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['a subject of 256 characters', { sub: 'A'.repeat(256) }],
    ['a subject with NUL', { sub: 'ARTIST\0' }],
    ['a subject with a space', { sub: 'ARTIST 1' }],
    ['a subject that is a number', { sub: 1 }],
    ['a subject in another script', { sub: 'АRTIST' }],
    ['a list of addresses', { email: ['artist@studio.example'] }],
  ])('with %s is not understood', async (_name, change) => {
    const { identity } = identityThat({ userinfo: { ...person, ...change } })
    expect(await codeOf(identity.userInfo(token))).toBe('identity_unreachable')
  })

  test.each(['true', 1, 'yes', [true], {}, null, undefined, false])(
    'with "verified" as %j verifies nothing',
    async (said) => {
      const { identity } = identityThat({ userinfo: { ...person, email_verified: said } })
      expect(await identity.userInfo(token)).toMatchObject({ emailVerified: false })
    },
  )

  test('with an address that cannot be one has none', async () => {
    for (const email of ['a\0@b', 'a\n@b', 'a\u200b@b', '\u202ea@b', 'a@b\ud800', `${'a'.repeat(319)}@b`]) {
      const { identity } = identityThat({ userinfo: { ...person, email } })
      expect(await identity.userInfo(token)).toMatchObject({ email: undefined })
    }
    expect(usableAddress('é@studio.example')).toBe('é@studio.example')
    expect(usableAddress(`${'a'.repeat(318)}@b`)).toHaveLength(320)
  })
})

describe('introspection', () => {
  test.each([
    ['our own client', { active: true, client_id: 'app' }, 'ok'],
    ['another client', { active: true, client_id: 'other' }, 'subject_token_rejected'],
    ['a client that begins alike', { active: true, client_id: 'app2' }, 'subject_token_rejected'],
    ['our client in capitals', { active: true, client_id: 'APP' }, 'subject_token_rejected'],
    ['no client', { active: true }, 'subject_token_rejected'],
    ['a token that has ended', { active: false, client_id: 'app' }, 'subject_token_rejected'],
    ['a list of clients', { active: true, client_id: ['app'] }, 'identity_unreachable'],
    ['"true"', { active: 'true', client_id: 'app' }, 'identity_unreachable'],
    ['nothing', {}, 'identity_unreachable'],
    ['a list', [], 'identity_unreachable'],
  ])('that says %s is taken for what it is', async (_name, introspection, code) => {
    expect(await codeOf(identityThat({ introspection }).identity.demandClient(token, 'app'))).toBe(code)
  })
})
