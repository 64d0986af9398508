import * as client from 'openid-client'
import { afterAll, afterEach, expect } from 'vitest'
import type { Identity } from '../sandbox/identity/identity.ts'

/** One authorization request and what its client must remember of it. */
export interface Attempt {
  readonly url: URL
  readonly checks: {
    readonly pkceCodeVerifier: string
    readonly expectedState: string
    readonly expectedNonce: string
  }
}

/** Discovery as a native client does it: with the issuer, no secret, ID-token signatures checked, http allowed. */
export function discoverAsNativeClient(issuer: string, clientId = 'sg-session-tray'): Promise<client.Configuration> {
  return client.discovery(new URL(issuer), clientId, undefined, client.None(), {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  })
}

/**
 * An authorization request in good order for `openid user-profile:read`, but for what is `changed`: a value replaces the
 * parameter, undefined takes it away.
 */
export async function prepareAttempt(
  config: client.Configuration,
  redirectUri: string,
  changed: Readonly<Record<string, string | undefined>> = {},
): Promise<Attempt> {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const expectedNonce = client.randomNonce()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'openid user-profile:read',
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  for (const [name, value] of Object.entries(changed)) {
    if (value === undefined) url.searchParams.delete(name)
    else url.searchParams.set(name, value)
  }
  return { url, checks: { pkceCodeVerifier, expectedState, expectedNonce } }
}

/** One Autodesk Identity for all tests of a file: none leaves an error at it, each finds it as new. */
export function keepFaultless(identity: () => Identity): void {
  afterEach(async () => {
    const { issuer } = identity()
    const response = await fetch(`${issuer}/sandbox`)
    expect(await response.json()).toMatchObject({ serverErrors: [] })
    await fetch(`${issuer}/sandbox/reset`, { method: 'POST' })
  })
  afterAll(() => identity().close())
}
