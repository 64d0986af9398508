import assert from 'node:assert/strict'
import { errorCodes } from '../../../src/errors.ts'
import { IssuerMetadata } from '../../../src/identity/metadata.ts'
import { IdentityTokens } from '../../../src/identity/tokens.ts'
import type { Log } from '../../../src/ports.ts'
import { Secret } from '../../../src/secrets/secret.ts'
import { systemClock } from '../../../src/system/system-clock.ts'
import { answering, judgedLater } from '../input.ts'

const issuer = 'https://identity.example'
const metadata = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  jwks_uri: `${issuer}/keys`,
}
const ok = (body: unknown): string => `200\ncontent-type: application/json\n\n${JSON.stringify(body)}`

export const seeds = [
  ok(metadata),
  ok({ ...metadata, revoke_endpoint: 7 }),
  ok({ access_token: 'a', refresh_token: 'r', token_type: 'Bearer', expires_in: 3599, scope: 'openid  x' }),
  ok({ access_token: 'a', token_type: 'Bearer', expires_in: 1e15, id_token: 'e30.e30.e30' }),
  ok({ sub: 'SUB', email: 'ada@studio.example', email_verified: 'true' }),
  '400\ncontent-type: application/json\n\n{"error":"invalid_grant","error_description":"x"}',
  '401\nwww-authenticate: Bearer error="invalid_token"\n\n',
  '403\ncontent-type: application/json\n\n{"developerMessage":"no","errorCode":"AUTH-001"}',
]

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
const never = new AbortController().signal
const person = { subject: 'SUB', email: undefined }

/** One answer as the metadata, and, behind good metadata, to a refresh and to UserInfo. */
export async function fuzz(data: Uint8Array): Promise<void> {
  const fetch = answering(data)
  const settings = { issuer, clientId: 'app', insecureLoopback: false }
  const found = await judgedLater(() => new IssuerMetadata({ ...settings, fetch }).configuration(never), ...errorCodes)
  if (found) assert.equal(found.serverMetadata().issuer, issuer)
  const good = new IssuerMetadata({ ...settings, fetch: async () => Response.json(metadata) })
  const ports = { fetch, log: silent, clock: systemClock }
  const tokens = new IdentityTokens(good, ports, person, { refreshToken: new Secret('r') })
  const token = await judgedLater(() => tokens.handOut(0, never), ...errorCodes)
  if (!token) return
  assert.ok(token.accessToken.reveal() !== '')
  assert.doesNotThrow(() => new Date(token.expiresAt).toISOString(), 'it ends at a moment')
  const email = await judgedLater(() => tokens.verifiedEmail(never), ...errorCodes)
  assert.ok(email === undefined || typeof email === 'string')
}
