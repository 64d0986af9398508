import { execFile } from 'node:child_process'
import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as jose from 'jose'
import * as client from 'openid-client'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeCertificates } from '../sandbox/certificates.ts'
import { type Identity, startIdentity } from '../sandbox/identity/identity.ts'
import { discoverAsNativeClient, keepFaultless } from './native-client.ts'

let identity: Identity

beforeAll(async () => {
  identity = await startIdentity()
})
keepFaultless(() => identity)

const discover = () => discoverAsNativeClient(identity.issuer)

async function discoveryDocument(path = 'openid-configuration'): Promise<Record<string, unknown>> {
  const response = await fetch(`${identity.issuer}/.well-known/${path}`)
  return (await response.json()) as Record<string, unknown>
}

describe('discovery', () => {
  test('openid-client discovers the issuer, which is the origin without a slash', async () => {
    const metadata = (await discover()).serverMetadata()
    expect(metadata.issuer).toBe(identity.web.url)
    expect(metadata.supportsPKCE()).toBe(true)
  })

  test('both well-known paths show the same document, and it is Autodesk’s', async () => {
    const { issuer } = identity
    const document = await discoveryDocument()
    expect(await discoveryDocument('oauth-authorization-server')).toEqual(document)
    expect(document).toMatchObject({
      authorization_endpoint: `${issuer}/authentication/v2/authorize`,
      token_endpoint: `${issuer}/authentication/v2/token`,
      jwks_uri: `${issuer}/authentication/v2/keys`,
      revocation_endpoint: `${issuer}/authentication/v2/revoke`,
      introspection_endpoint: `${issuer}/authentication/v2/introspect`,
      id_token_signing_alg_values_supported: ['RS256'],
      subject_types_supported: ['public'],
      response_types_supported: ['code', 'code id_token', 'id_token'],
      response_modes_supported: ['query', 'fragment', 'form_post'],
      grant_types_supported: ['authorization_code', 'client_credentials', 'refresh_token'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    })
    expect(document).not.toHaveProperty('authorization_response_iss_parameter_supported')
    expect(document['scopes_supported']).not.toEqual(expect.arrayContaining(['email']))
  })

  test('UserInfo is on another origin', async () => {
    const document = await discoveryDocument()
    expect(document['userinfo_endpoint']).toBe(identity.userinfoUrl)
    expect(new URL(identity.userinfoUrl).origin).not.toBe(identity.issuer)
  })

  test('the published keys carry kid, kty, use, n and e, and no alg', async () => {
    const response = await fetch(`${identity.issuer}/authentication/v2/keys`)
    const { keys } = (await response.json()) as { keys: Record<string, unknown>[] }
    expect(keys.map((key) => Object.keys(key).toSorted())).toEqual([['e', 'kid', 'kty', 'n', 'use']])
  })

  test('without advertisesPkce the list is gone and PKCE still works', async () => {
    identity.switches.advertisesPkce = false
    const config = await discover()
    expect(config.serverMetadata().supportsPKCE()).toBe(false)
    expect((await identity.signIn('artist', { nonce: 'n' })).idToken).not.toBe('')
  })

  test('as revoke_endpoint the revocation endpoint is one openid-client does not find', async () => {
    identity.switches.revocationName = 'revoke_endpoint'
    const config = await discover()
    expect(await discoveryDocument()).toHaveProperty('revoke_endpoint', `${identity.issuer}/authentication/v2/revoke`)
    await expect(client.tokenRevocation(config, 'a-token')).rejects.toMatchObject({
      code: 'OAUTH_MISSING_SERVER_METADATA',
    })
  })
})

describe('forged ID tokens', () => {
  async function publishedKey(): Promise<JsonWebKey> {
    const response = await fetch(`${identity.issuer}/authentication/v2/keys`)
    const { keys } = (await response.json()) as { keys: [JsonWebKey] }
    return keys[0]
  }

  test('any claims carry a signature the published key verifies', async () => {
    const forged = await identity.forgeIdToken({ iss: 'https://elsewhere.example', sub: 'X' }, { typ: 'other' })
    const { payload, protectedHeader } = await jose.jwtVerify(
      forged,
      createPublicKey({ key: await publishedKey(), format: 'jwk' }),
    )
    expect(payload).toEqual({ iss: 'https://elsewhere.example', sub: 'X' })
    expect(protectedHeader).toMatchObject({ alg: 'RS256', typ: 'other' })
  })

  test('alg none leaves the signature empty, alg HS256 signs with the public key', async () => {
    expect(await identity.forgeIdToken({ sub: 'X' }, { alg: 'none' })).toMatch(/\.$/)
    const forged = await identity.forgeIdToken({ sub: 'X' }, { alg: 'HS256' })
    const secret = createPublicKey({ key: await publishedKey(), format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    const [header, payload, signature] = forged.split('.')
    expect(createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url')).toBe(signature)
  })
})

test('over https a client that trusts the certificate signs in', async () => {
  const secure = await startIdentity({ tls: await makeCertificates() })
  try {
    const { idToken } = await secure.signIn('artist', { nonce: 'n' })
    expect(jose.decodeJwt(idToken).iss).toMatch(/^https:\/\/localhost:\d+$/)
    expect(new URL(secure.userinfoUrl).protocol).toBe('https:')
  } finally {
    await secure.close()
  }
})

test('started again on a given port, it is the same issuer with other keys', async () => {
  const first = await startIdentity()
  const { idToken } = await first.signIn('artist', { nonce: 'n' })
  await first.close()
  const second = await startIdentity({ port: Number(new URL(first.issuer).port) })
  try {
    expect(second.issuer).toBe(first.issuer)
    const keys = jose.createRemoteJWKSet(new URL(`${second.issuer}/authentication/v2/keys`))
    await expect(jose.jwtVerify(idToken, keys)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
  } finally {
    await second.close()
  }
})

test('it prints nothing, and after close() nothing keeps the process alive', async () => {
  const module = fileURLToPath(new URL('../sandbox/identity/identity.ts', import.meta.url))
  const program = `
    const { startIdentity } = await import(${JSON.stringify(module)})
    const identity = await startIdentity()
    const { accessToken } = await identity.signIn('artist', { nonce: 'n' })
    await fetch(identity.userinfoUrl, { headers: { authorization: 'Bearer ' + accessToken } })
    await fetch(identity.issuer + '/authentication/v2/authorize')
    await identity.close()`
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { timeout: 20_000 })
  expect(await run).toEqual({ stdout: '', stderr: '' })
})
