import { z } from 'zod'

/** What the sandbox can be told to do differently while it runs: one switch for each thing Autodesk leaves open. */
export const switchesSchema = z.strictObject({
  /**
   * Claims of the ID token. `email`: the standard names; `user_email`: the names of Autodesk's ID-token page; `none`:
   * `sub` only. Which one Autodesk sends is unproven (facts/identity §0.1).
   */
  idTokenClaims: z.enum(['email', 'user_email', 'none']),
  /** `email_verified` of the ID token as true/false or as the text "true"/"false" (facts/identity §0.1). */
  emailVerifiedAs: z.enum(['boolean', 'string']),
  /** Whether a refresh brings a new ID token; unproven at Autodesk, so the harder case is the default (§0.2). */
  refreshReturnsIdToken: z.boolean(),
  /** What reuse of a consumed refresh token does to the newest one (§0.3). */
  refreshRotates: z.enum(['kill-family', 'no-kill']),
  /** Reuse of a consumed refresh token within this time succeeds; 50 comes near what was measured in v1 (§0.3). */
  refreshGraceMs: z.number().int().min(0),
  /** Whether discovery lists S256; it did not in 2023 (§1.1). PKCE itself always works. */
  advertisesPkce: z.boolean(),
  /** Name of the revocation endpoint in discovery: Autodesk's documents name it both ways (§1.1). */
  revocationName: z.enum(['revocation_endpoint', 'revoke_endpoint']),
  /** Errors of token, revoke, introspect and userinfo: RFC 6749's shape or that of the API gateway (§1.8). */
  errorStyle: z.enum(['oauth', 'gateway']),
  /** Every token, userinfo, introspect and revoke call is answered 429 with Retry-After: 2 (§1.7). */
  throttled: z.boolean(),
  /** Lifetime of access tokens in seconds, as `expires_in` shows it; for tokens issued from now on (§1.5). */
  accessTokenS: z.number().int().positive(),
  /** Lifetime of ID tokens in seconds, for tokens issued from now on (§1.5). */
  idTokenS: z.number().int().positive(),
  /** Every valid authorization request is answered access_denied, with its state and without a page. */
  denies: z.boolean(),
})

export type IdentitySwitches = z.output<typeof switchesSchema>

export const defaultSwitches: Readonly<IdentitySwitches> = Object.freeze({
  idTokenClaims: 'email',
  emailVerifiedAs: 'boolean',
  refreshReturnsIdToken: false,
  refreshRotates: 'kill-family',
  refreshGraceMs: 0,
  advertisesPkce: true,
  revocationName: 'revocation_endpoint',
  errorStyle: 'oauth',
  throttled: false,
  accessTokenS: 3599,
  idTokenS: 3600,
  denies: false,
})
