import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  discovery,
  enableNonRepudiationChecks,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'

/**
 * The least that a program which signs somebody in could do, with openid-client: discovery, PKCE, a listener for the redirect, the
 * code for tokens, and an ID token whose signature was verified. `openBrowser` resolves when the browser has seen its last page.
 */
export async function signInPlainly(
  { issuer, clientId, port, scope }: { issuer: string; clientId: string; port: number; scope: string },
  openBrowser: (url: URL) => Promise<void>,
): Promise<string> {
  const configuration = await discovery(new URL(issuer), clientId, undefined, None(), {
    execute: [allowInsecureRequests, enableNonRepudiationChecks],
  })
  const redirectUri = `http://localhost:${port}/callback`
  const server = createServer()
  const callback = new Promise<{ url: URL; response: ServerResponse }>((resolve) => {
    server.on('request', (request, response) => resolve({ url: new URL(request.url ?? '', redirectUri), response }))
  })
  server.listen(port, 'localhost')
  await once(server, 'listening')
  try {
    const [verifier, state, nonce] = [randomPKCECodeVerifier(), randomState(), randomNonce()]
    const address = buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope,
      state,
      nonce,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const browser = openBrowser(address)
    const { url, response } = await Promise.race([callback, browser.then(() => callback)])
    const tokens = await authorizationCodeGrant(configuration, url, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    })
    response.end('You are signed in.')
    await browser
    return tokens.claims()?.sub ?? ''
  } finally {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
}
