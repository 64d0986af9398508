import { randomBytes, randomInt } from 'node:crypto'
import {
  errors,
  type Grant,
  interactionPolicy,
  type OIDCContext,
  Provider,
  type Account as ProviderAccount,
} from 'oidc-provider'
import { type Accounts, idTokenClaimNames, idTokenClaims } from './accounts.ts'
import { judgeAuthorizationRequest } from './authorization-request.ts'
import { paths, scopes } from './metadata.ts'
import { errorPage, pageHeaders } from './pages.ts'
import type { ProviderMemory } from './provider-memory.ts'
import type { SigningKey } from './signing-key.ts'
import type { IdentitySwitches } from './switches.ts'

export interface IdentityClient {
  readonly clientId: string
  /** Compared letter for letter. */
  readonly redirectUris: readonly string[]
  /** Where the logout page may send the browser. */
  readonly postLogoutRedirectUris?: readonly string[]
}

interface ProviderOptions {
  readonly issuer: string
  readonly key: SigningKey
  readonly memory: ProviderMemory
  readonly accounts: Accounts
  readonly clients: readonly IdentityClient[]
  readonly switches: IdentitySwitches
}

const fifteenDaysS = 15 * 24 * 60 * 60

/**
 * oidc-provider, configured as facts/identity §5 found it to behave like Autodesk. It serves authorize and token only;
 * discovery, keys, revoke, introspect and UserInfo differ so much from its own that they stand in files of their own.
 */
export function makeProvider({ issuer, key, memory, accounts, clients, switches }: ProviderOptions): Provider {
  const policy = interactionPolicy.base()
  policy.remove('consent')
  // Browsers share cookies between the ports of one host, and tests run several sandboxes on it.
  const cookiePrefix = `identity_${new URL(issuer).port}`
  const provider: Provider = new Provider(issuer, {
    adapter: (model) => memory.adapterFor(model),
    jwks: { keys: [key.privateJwk] },
    clients: clients.map(({ clientId, redirectUris }) => ({
      client_id: clientId,
      redirect_uris: redirectUris,
      // §5.1: `native` would let every loopback port through; `web` compares exactly, as Autodesk does.
      application_type: 'web',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    })),
    // §5.2
    routes: { authorization: paths.authorize, token: paths.token, end_session: paths.logout },
    // §5.3
    scopes,
    responseTypes: ['code'],
    enabledJWA: { idTokenSigningAlgValues: ['RS256'] },
    // §5.4
    claims: { openid: [...idTokenClaimNames] },
    conformIdTokenClaims: false,
    findAccount: (_ctx, sub) => {
      const account = accounts.withSub(sub)
      return account && ({ accountId: sub, claims: () => idTokenClaims(account, switches) } satisfies ProviderAccount)
    },
    // §5.5
    issueRefreshToken: () => true,
    expiresWithSession: () => false,
    // §5.6; what a second use does is decided where tokens are spent, in provider-memory.ts
    rotateRefreshToken: true,
    // §5.8; PKCE is demanded at the token call instead, see provider-memory.ts
    pkce: { required: () => false },
    ttl: {
      AuthorizationCode: 300,
      AccessToken: () => switches.accessTokenS,
      IdToken: () => switches.idTokenS,
      RefreshToken: fifteenDaysS,
      // §1.5: whether rotation restarts the 15 days is unknown. Here the grant ends them all, the harder case.
      Grant: fifteenDaysS,
      Session: fifteenDaysS,
      Interaction: 3600,
    },
    clockTolerance: 0,
    allowOmittingSingleRegisteredRedirectUri: false,
    extraParams: {
      // §1.3: Autodesk's own parameter. Its validator runs on every request whose client and redirect URI are known.
      authoptions: (ctx) => {
        const refusal = judgeAuthorizationRequest(ctx.query)
        if (refusal) throw new errors.CustomOIDCProviderError(refusal.error, refusal.description)
        if (switches.denies) throw new errors.AccessDenied('the sandbox denies every sign-in')
      },
    },
    // A grant for each sign-in: the provider's one grant for a browser session would join families that are none.
    loadExistingGrant: (ctx) => newGrant(provider, ctx.oidc),
    features: {
      claimsParameter: { enabled: false },
      devInteractions: { enabled: false }, // §5.10
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
    },
    interactions: { policy, url: (_ctx, { uid }) => `${paths.signIn}/${uid}` },
    cookies: {
      keys: [randomBytes(32).toString('hex')],
      names: {
        session: `${cookiePrefix}_session`,
        interaction: `${cookiePrefix}_sign_in`,
        resume: `${cookiePrefix}_resume`,
      },
    },
    formats: {
      // §1.6: a refresh token is opaque and may change its length.
      bitsOfOpaqueRandomness: (_ctx, { kind }) => (kind === 'RefreshToken' ? 240 + 6 * randomInt(40) : 256),
    },
    // A page of the app itself may read its tokens: the origins of its redirect URIs, and no other.
    clientBasedCORS: (_ctx, origin, { redirectUris = [] }) =>
      redirectUris.some((uri) => new URL(uri).origin === origin),
    renderError: (ctx, out) => {
      if (ctx.path === paths.token) {
        ctx.body = out
        return
      }
      ctx.set(pageHeaders())
      ctx.body = errorPage(out.error, out.error_description ?? 'The request was refused.')
    },
  })
  return provider
}

async function newGrant(
  provider: Provider,
  { client, account, requestParamScopes }: Pick<OIDCContext, 'client' | 'account' | 'requestParamScopes'>,
): Promise<Grant> {
  const grant = new provider.Grant({ clientId: client?.clientId, accountId: account?.accountId })
  grant.addOIDCScope(requestParamScopes)
  await grant.save()
  return grant
}
