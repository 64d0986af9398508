import { createHash } from 'node:crypto'
import { errors, type JWTHeaderParameters, type JWTPayload, jwtVerify } from 'jose'
import { z } from 'zod'
import { AgentError } from '../../errors.ts'
import type { Clock } from '../../ports.ts'
import type { Secret } from '../../secrets/secret.ts'
import { nonceFor } from '../../token-exchange.ts'
import { transportReason } from '../../transport-failure.ts'
import { type AutodeskIdentity, subjectSchema, usableAddress } from './autodesk.ts'
import { challengeLifeS } from './challenges.ts'
import { isCompactJws } from './proof.ts'

/** The person a subject token speaks of. `subject` is the identity; the e-mail address only ever a first match. */
export interface Subject {
  readonly issuer: string
  readonly subject: string
  /** The Autodesk app the token was issued to. */
  readonly clientId: string
  /** Set when the token itself says, as booleans go, that the address is verified. */
  readonly verifiedEmail: string | undefined
}

export interface IdTokenSubject extends Subject {
  readonly nonce: string | undefined
  readonly issuedAtS: number
}

const longestToken = 16_384
const clockToleranceS = 60
/** Autodesk's live an hour. facts: identity §1.5 */
const longestLifeS = 24 * 3600

const claimsSchema = z.object({
  sub: subjectSchema,
  iat: z.number(),
  exp: z.number(),
  nonce: z.string().optional(),
  azp: z.string().optional(),
  at_hash: z.string().optional(),
  email: z.string().optional(),
  email_verified: z.unknown().optional(),
})
const headerSchema = z.object({
  kid: z.string().min(1),
  // RFC 8725 §3.11: a token that says it is of another kind is none of ours, whoever signed it.
  typ: z
    .string()
    .regex(/^(application\/)?jwt$/i)
    .optional(),
})

/**
 * Judges an ID token (OpenID Connect Core §3.1.3.7): RS256 signature by the key of the pinned issuer that it names, exact
 * issuer, exactly one of our clients as audience, in its time, and of one sign-in with the access token beside it if it says
 * so. Throws `subject_token_rejected`, or `identity_unreachable` when no keys can be had.
 */
export async function judgeIdToken(
  token: Secret,
  accessToken: Secret,
  identity: AutodeskIdentity,
  clock: Pick<Clock, 'now'>,
): Promise<IdTokenSubject> {
  if (token.reveal().length > longestToken) throw new AgentError('subject_token_rejected', 'the ID token is too large')
  if (!isCompactJws(token.reveal())) throw notOurs()
  const keys = await identity.keys()
  let payload: JWTPayload
  let header: JWTHeaderParameters
  try {
    const verified = await jwtVerify(token.reveal(), keys, {
      algorithms: ['RS256'],
      issuer: identity.issuer,
      audience: [...identity.clientIds],
      requiredClaims: ['sub', 'aud', 'exp', 'iat'],
      clockTolerance: clockToleranceS,
      currentDate: new Date(clock.now()),
    })
    payload = verified.payload
    header = verified.protectedHeader
  } catch (cause) {
    throw translateJoseError(cause)
  }
  const known = headerSchema.safeParse(header)
  if (!known.success) throw wrong(known.error)
  const claims = claimsSchema.safeParse(payload)
  if (!claims.success) throw wrong(claims.error)
  const { sub, iat, exp, nonce, azp, at_hash, email, email_verified } = claims.data
  const [clientId, ...others] = [payload.aud ?? []].flat()
  // §3.1.3.7 points 3–5: no audience but ours, and nobody else as the authorized party.
  if (clientId === undefined || others.length > 0 || (azp !== undefined && azp !== clientId)) {
    throw new AgentError('subject_token_rejected', 'the ID token is for another application as well')
  }
  if (iat > clock.now() / 1000 + clockToleranceS)
    throw new AgentError('subject_token_rejected', 'the ID token is from the future')
  if (exp - iat > longestLifeS) throw new AgentError('subject_token_rejected', 'the ID token lives too long')
  // §3.1.3.8. Of no use where the claim is missing, as with a code it may be; the key's binding is in the nonce.
  if (at_hash !== undefined && at_hash !== accessTokenHash(accessToken)) {
    throw new AgentError('subject_token_rejected', 'the ID token is not of one sign-in with the access token')
  }
  return {
    issuer: identity.issuer,
    subject: sub,
    clientId,
    verifiedEmail: email_verified === true ? usableAddress(email) : undefined,
    nonce,
    issuedAtS: iat,
  }
}

/**
 * Demands that an ID token was asked for by the holder of the key, in a sign-in that began with our challenge, lately.
 * Throws `proof_rejected`.
 */
export function demandBoundToKey(
  idToken: IdTokenSubject,
  proof: { readonly signInChallenge: string; readonly thumbprint: string },
  clock: Pick<Clock, 'now'>,
): void {
  if (idToken.nonce !== nonceFor(proof.signInChallenge, proof.thumbprint)) {
    throw new AgentError('proof_rejected', 'the ID token does not belong to the key of this proof')
  }
  if (clock.now() / 1000 - idToken.issuedAtS > challengeLifeS + clockToleranceS) {
    throw new AgentError('proof_rejected', 'the ID token is too old for a sign-in')
  }
}

/** Judges an access token by asking Autodesk whose it is, and whether it was issued to this application. */
export async function judgeAccessToken(token: Secret, clientId: string, identity: AutodeskIdentity): Promise<Subject> {
  if (token.reveal().length > longestToken)
    throw new AgentError('subject_token_rejected', 'the access token is too large')
  await identity.demandClient(token, clientId)
  const { subject, email, emailVerified } = await identity.userInfo(token)
  return { issuer: identity.issuer, subject, clientId, verifiedEmail: emailVerified ? email : undefined }
}

/** OpenID Connect Core §3.1.3.6, for RS256: the left half of the SHA-256 of the token. */
function accessTokenHash(accessToken: Secret): string {
  const digest = createHash('sha256').update(accessToken.reveal(), 'ascii').digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}

function notOurs(cause?: unknown): AgentError {
  return new AgentError('subject_token_rejected', 'the ID token is not a valid RS256 token of the issuer', { cause })
}

function wrong(error: z.ZodError): AgentError {
  return new AgentError('subject_token_rejected', `the ID token: "${error.issues[0]?.path.join('.')}" is wrong`)
}

function translateJoseError(cause: unknown): AgentError {
  if (cause instanceof AgentError) return cause
  if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) {
    return new AgentError('subject_token_rejected', 'the ID token is signed by a key the issuer does not have', {
      cause,
    })
  }
  if (cause instanceof errors.JWKSTimeout || cause instanceof errors.JWKSInvalid) {
    return new AgentError('identity_unreachable', 'the issuer’s keys cannot be read', { cause })
  }
  if (cause instanceof errors.JWTExpired)
    return new AgentError('subject_token_rejected', 'the ID token has expired', { cause })
  if (cause instanceof errors.JWTClaimValidationFailed) {
    return new AgentError('subject_token_rejected', `the ID token: "${cause.claim}" is not what it must be`, { cause })
  }
  // jose's plain JOSEError is a key set that answered something other than keys.
  if (cause instanceof errors.JOSEError && cause.code !== 'ERR_JOSE_GENERIC') {
    return notOurs(cause)
  }
  return new AgentError('identity_unreachable', `the issuer’s keys cannot be read: ${transportReason(cause)}`, {
    cause,
  })
}
