import type { FastifyInstance } from 'fastify'
import type { SigningKey } from './signing-key.ts'
import type { IdentitySwitches } from './switches.ts'

/** Paths on the main origin (facts/identity §1.1). */
export const paths = {
  authorize: '/authentication/v2/authorize',
  token: '/authentication/v2/token',
  keys: '/authentication/v2/keys',
  revoke: '/authentication/v2/revoke',
  introspect: '/authentication/v2/introspect',
  logout: '/authentication/v2/logout',
  signIn: '/sign-in',
} as const

/** Everything that may be asked for; there is no email, profile or offline_access (facts/identity §1.4). */
export const scopes = [
  'openid',
  'user-profile:read',
  'user:read',
  'user:write',
  'viewables:read',
  'data:read',
  'data:write',
  'data:create',
  'data:search',
  'bucket:create',
  'bucket:read',
  'bucket:update',
  'bucket:delete',
  'code:all',
  'account:read',
  'account:write',
] as const

interface MetadataOptions {
  readonly issuer: string
  readonly userinfoUrl: string
  readonly key: SigningKey
  readonly switches: Pick<IdentitySwitches, 'advertisesPkce' | 'revocationName'>
}

/** Discovery at its two well-known paths, and the signing keys. */
export function addMetadata(app: FastifyInstance, options: MetadataOptions): void {
  for (const path of ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']) {
    app.get(path, (_request, reply) => reply.header('access-control-allow-origin', '*').send(discovery(options)))
  }
  app.get(paths.keys, (_request, reply) =>
    reply.header('access-control-allow-origin', '*').send({ keys: [options.key.publicJwk] }),
  )
}

/**
 * The document as third parties recorded it in June 2026 (facts/identity §1.1): `none` is no authentication method
 * although public clients work, the client_credentials grant is listed although this sandbox has no such client, and
 * RFC 9207's `authorization_response_iss_parameter_supported` is absent.
 */
function discovery({ issuer, userinfoUrl, switches }: MetadataOptions): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: issuer + paths.authorize,
    token_endpoint: issuer + paths.token,
    userinfo_endpoint: userinfoUrl,
    jwks_uri: issuer + paths.keys,
    [switches.revocationName]: issuer + paths.revoke,
    introspection_endpoint: issuer + paths.introspect,
    scopes_supported: scopes,
    response_types_supported: ['code', 'code id_token', 'id_token'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: ['authorization_code', 'client_credentials', 'refresh_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    ...(switches.advertisesPkce ? { code_challenge_methods_supported: ['S256'] } : {}),
  }
}
