import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  type IDToken,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'
import { AgentError, asAgentError } from '../errors.ts'
import type { TakeSecret } from '../secrets/passed-secrets.ts'
import { Secret } from '../secrets/secret.ts'
import { untilAborted } from '../waiting/until-aborted.ts'
import { translateIdentityError } from './errors.ts'
import { type IdentitySettings, IssuerMetadata } from './metadata.ts'
import { openRedirectListener } from './redirect-listener.ts'
import { revokeTokens } from './revoke-tokens.ts'
import { expiryOf, noticingTokens, scopesOf, type TokenSet } from './token-response.ts'
import { type IdentityPorts, IdentityTokens } from './tokens.ts'
import type { Person } from './user-info.ts'

export interface BrowserSignInSettings extends Omit<IdentitySettings, 'fetch'> {
  readonly redirectPorts: readonly number[]
  readonly scopes: readonly string[]
}

export interface BrowserSignInRequest {
  /** OIDC nonce; whoever judges the ID token later knows how it was made. Only characters Autodesk takes: base64url. */
  readonly nonce: string
  /** `prompt=login`: ask who it is even if the browser remembers an account. */
  readonly switchUser: boolean
  /**
   * Where to send the artist's browser, and the way in for an address they paste. Called once, when the listener is up: a
   * remembered sign-in comes back within milliseconds.
   */
  readonly onBrowser: (step: BrowserReturn) => void
  readonly signal: AbortSignal
}

export interface BrowserReturn {
  readonly url: URL
  /** Takes the address the browser was sent back to. Throws `invalid_request` when it is not of this sign-in. */
  acceptRedirect(address: string): void
}

export interface IdentitySignIn {
  readonly tokens: IdentityTokens
  readonly idToken: Secret
}

/** Signing in at Autodesk Identity through the system browser: OpenID Connect code flow with PKCE (RFC 8252, RFC 7636). */
export class BrowserSignIn {
  readonly #settings: BrowserSignInSettings
  readonly #ports: IdentityPorts
  readonly #metadata: IssuerMetadata

  constructor(settings: BrowserSignInSettings, ports: IdentityPorts) {
    this.#settings = settings
    this.#ports = ports
    this.#metadata = new IssuerMetadata({ ...settings, fetch: ports.fetch })
  }

  /** Asks for Autodesk's metadata ahead of `run`, which says what is wrong if it cannot be had. */
  prepare(signal: AbortSignal): void {
    this.#metadata.configuration(signal).catch(() => undefined)
  }

  /**
   * Takes the artist through the browser, then calls `complete` with the tokens; the browser's tab shows how that ended.
   * Throws `access_denied`, `identity_rejected`, `identity_unreachable`, `redirect_ports_busy`, the reason of `signal`, or
   * whatever `complete` throws.
   */
  async run<T>(request: BrowserSignInRequest, complete: (signIn: IdentitySignIn) => Promise<T>): Promise<T> {
    const { signal } = request
    let received: TokenSet | undefined
    const fetch = noticingTokens(this.#ports.fetch, (tokens) => {
      received = tokens
    })
    const configuration = await this.#metadata.configuration(signal, fetch)
    const state = new Secret(randomState())
    const listener = await openRedirectListener(this.#settings.redirectPorts, state, this.#ports.log)
    try {
      const verifier = new Secret(randomPKCECodeVerifier())
      const url = buildAuthorizationUrl(configuration, {
        redirect_uri: listener.redirectUri,
        scope: this.#settings.scopes.join(' '),
        state: state.reveal(),
        nonce: request.nonce,
        code_challenge: await calculatePKCECodeChallenge(verifier.reveal()),
        code_challenge_method: 'S256',
        ...(request.switchUser ? { prompt: 'login' } : {}),
      })
      this.#demandIssuersOwn(url)
      signal.throwIfAborted()
      request.onBrowser({ url, acceptRedirect: (address) => listener.accept(address) })
      const callback = await untilAborted(listener.callback, signal)
      try {
        const response = await authorizationCodeGrant(configuration, callback.url, {
          pkceCodeVerifier: verifier.reveal(),
          expectedState: state.reveal(),
          expectedNonce: request.nonce,
          idTokenExpected: true,
        })
        const claims = response.claims()
        if (!claims || !response.id_token || !received)
          throw new AgentError('identity_rejected', 'Autodesk sent no ID token')
        const tokens = new IdentityTokens(this.#metadata, this.#ports, personOf(claims), {
          ...received,
          // Left out of an answer where it is what was asked for. RFC 6749 §5.1
          scopes: scopesOf(response.scope) ?? this.#settings.scopes,
          ...expiryOf(response),
        })
        const idToken = new Secret(response.id_token)
        const result = await complete({ tokens, idToken })
          .catch((error: unknown) => {
            throw asAgentError(error)
          })
          .finally(() => idToken.wipe())
        callback.showResult('signed_in')
        return result
      } catch (error) {
        callback.showResult('failed')
        // Nobody will use what Autodesk gave for a sign-in that came to nothing.
        if (received) void revokeTokens(received, this.#metadata, this.#ports)
        throw error
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw await translateIdentityError(error, 'signing in at Autodesk')
    } finally {
      await listener.close()
    }
  }

  /** The tokens of a sign-in of an earlier run: all there is of them is the refresh token. */
  takeUp(person: Person, refreshToken: Secret): IdentityTokens {
    return new IdentityTokens(this.#metadata, this.#ports, person, { refreshToken })
  }

  /** As `IdentityTokens.goOn`. */
  goOn(passed: unknown, take: TakeSecret): IdentityTokens {
    return IdentityTokens.goOn(this.#metadata, this.#ports, passed, take)
  }

  /** Metadata could name any address; the system opener must only ever see the issuer's own, over https. */
  #demandIssuersOwn(url: URL): void {
    const safe = url.protocol === 'https:' || (this.#settings.insecureLoopback && url.protocol === 'http:')
    if (!safe || url.origin !== new URL(this.#settings.issuer).origin) {
      throw new AgentError('identity_rejected', `the authorization address is not on "${this.#settings.issuer}"`)
    }
  }
}

function personOf(claims: IDToken): Person {
  // Autodesk's documents spell the claim both ways. facts: identity §0.1
  const email = claims['email'] ?? claims['user_email']
  return { subject: claims.sub, email: typeof email === 'string' ? email : undefined }
}
