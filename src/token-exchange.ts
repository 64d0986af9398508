import { createHash } from 'node:crypto'
import { z } from 'zod'

/**
 * What agent and broker agree on: OAuth 2.0 Token Exchange (RFC 8693) with a key that each sign-in makes for itself.
 *
 * 1. The agent makes a P-256 key and asks the broker for a challenge.
 * 2. It signs the artist in with an OIDC `nonce` that commits to both (`nonceFor`). The ID token now belongs to that key.
 * 3. It exchanges the ID token with a DPoP proof (RFC 9449) signed by the key, over a challenge that is used up by it.
 *
 * A stolen ID token is worth nothing without the key; a recorded exchange is worth nothing at all.
 */
export const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const subjectTokenTypes = {
  idToken: 'urn:ietf:params:oauth:token-type:id_token',
  accessToken: 'urn:ietf:params:oauth:token-type:access_token',
} as const
export type SubjectTokenType = (typeof subjectTokenTypes)[keyof typeof subjectTokenTypes]

/** Our own token type (RFC 8693 §3 lets deployments name theirs). */
export const sessionTokenType = 'urn:sg-session:params:oauth:token-type:shotgrid-session'
/** A bearer for the site's REST API, in the person's name. RFC 8693 §3 */
export const restTokenType = subjectTokenTypes.accessToken

/** Claim of the proof: the challenge that the OIDC nonce was made from. The proof's `nonce` is the one it uses up. */
export const signInChallengeClaim = 'sign_in_challenge'

export const metadataPath = '/.well-known/oauth-authorization-server'

/** The OIDC nonce of a sign-in: base64url, since Autodesk takes no other characters. `thumbprint` is RFC 7638's. */
export function nonceFor(challenge: string, thumbprint: string): string {
  return createHash('sha256').update(`sg-session nonce 1\n${challenge}\n${thumbprint}`, 'utf8').digest('base64url')
}

/** RFC 9449 §4.2 `ath`, here of the subject token: ties a proof to the one token it is sent with. */
export function tokenHash(token: string | Uint8Array): string {
  const hash = createHash('sha256')
  return (typeof token === 'string' ? hash.update(token, 'ascii') : hash.update(token)).digest('base64url')
}

/** RFC 8414, with members of our own. */
export const brokerMetadataSchema = z.object({
  issuer: z.url(),
  token_endpoint: z.url(),
  challenge_endpoint: z.url(),
  sites_supported: z.array(z.url()),
  grant_types_supported: z.array(z.string()),
  dpop_signing_alg_values_supported: z.array(z.string()),
  /** Where else than at its own address sessions of this broker may be good; older brokers have no such place. */
  gateway_urls_supported: z.array(z.url()).optional(),
  /** The Autodesk sign-in this broker accepts, for who sets up an agent; older brokers do not say it. */
  sg_session_identity: z.object({ issuer: z.url(), client_id: z.string().min(1).max(200) }).optional(),
})
export type BrokerMetadata = z.output<typeof brokerMetadataSchema>

export const challengeSchema = z.object({
  challenge: z.string().regex(/^[\w-]{43}$/),
  expires_in: z.number().int().positive(),
})

/** RFC 8693 §2.2.1: `access_token` is the ShotGrid session token; `N_A` because it is no bearer token of RFC 6750. */
export const exchangeAnswerSchema = z.object({
  access_token: z.string().min(1),
  issued_token_type: z.literal(sessionTokenType),
  token_type: z.literal('N_A'),
  // What lives longer than a year would end at a time that no calendar and no message could hold.
  expires_in: z
    .number()
    .int()
    .positive()
    .max(366 * 24 * 3600),
  site: z.url(),
  login: z.string().min(1),
  user_id: z.number().int().positive(),
  name: z.string(),
  /** Where the session is good, when that is not the site itself but the broker's gateway. */
  api_url: z.url().optional(),
  /** Names the session in the broker's audit and in the site's event log. */
  session_uuid: z.uuid().optional(),
})
/** What an agent is given. */
export type ExchangeAnswer = z.output<typeof exchangeAnswerSchema>

/** What a web app is given that asked for a REST bearer. */
export const restAnswerSchema = exchangeAnswerSchema.extend({
  issued_token_type: z.literal(restTokenType),
  token_type: z.literal('Bearer'),
})
export type RestAnswer = z.output<typeof restAnswerSchema>

/** RFC 6749 §5.2, with the code of our own table beside OAuth's. */
export const exchangeRefusalSchema = z.object({
  error: z.string(),
  error_description: z.string().optional(),
  /** A newer broker may know codes that this agent does not. */
  code: z.string(),
})
