import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { z } from 'zod'
import { AgentError } from '../errors.ts'
import { transportReason, wasNeverSent } from '../transport-failure.ts'

/**
 * The one place where openid-client's errors become ours. Autodesk answers in two families: OAuth's own (RFC 6749 §5.2)
 * and its gateway's `{developerMessage, errorCode, …}`; openid-client knows the first, the second hides in a cause.
 */
export async function translateIdentityError(thrown: unknown, step: string): Promise<AgentError> {
  if (thrown instanceof AgentError) return thrown
  const with_ = { cause: thrown }
  if (thrown instanceof AuthorizationResponseError) return fromOAuthCode(thrown.error, 400, step, thrown)
  if (thrown instanceof ResponseBodyError) return fromOAuthCode(thrown.error, thrown.status, step, thrown)
  if (thrown instanceof WWWAuthenticateChallengeError) return fromStatus(thrown.status, step, undefined, thrown)
  if (thrown instanceof ClientError) {
    if (thrown.cause instanceof AgentError) return thrown.cause
    if (thrown.code === 'OAUTH_RESPONSE_IS_NOT_CONFORM' && thrown.cause instanceof Response) {
      const { status } = thrown.cause
      const gateway = await gatewayCode(thrown.cause)
      if (gateway !== undefined || status === 429) return fromStatus(status, step, gateway, thrown)
      // Not a word of Autodesk's: a proxy or portal in between, whose refusal says nothing about the sign-in.
      return new AgentError('identity_unreachable', `${step}: something answered ${status}, and not as Autodesk`, with_)
    }
    if (thrown.code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED') {
      return new AgentError(
        'identity_rejected',
        `${step}: the ID token is not valid now; is this machine's clock right?`,
        with_,
      )
    }
    if (thrown.code === 'OAUTH_HTTP_REQUEST_FORBIDDEN')
      return new AgentError('config_invalid', `${step}: an address is not https`, with_)
    if (thrown.code !== undefined && untrusted.has(thrown.code)) {
      return new AgentError('identity_rejected', `${step}: the answer cannot be trusted (${thrown.code})`, with_)
    }
  }
  return new AgentError('identity_unreachable', `${step}: ${transportReason(thrown)}`, with_)
}

/** openid-client's codes for an answer that came whole and is wrong. */
const untrusted = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_KEY_SELECTION_FAILED',
  'OAUTH_MISSING_SERVER_METADATA',
  'OAUTH_UNSUPPORTED_OPERATION',
])

function fromOAuthCode(code: string, status: number, step: string, cause: unknown): AgentError {
  const said = `${step}: Autodesk answered "${plainCode(code)}"`
  if (code === 'access_denied') return new AgentError('access_denied', said, { cause })
  if (code === 'login_required' || code === 'interaction_required')
    return new AgentError('interaction_required', said, { cause })
  if (code === 'temporarily_unavailable' || code === 'server_error' || status >= 500) {
    return new AgentError('identity_unreachable', said, { cause })
  }
  return status === 429
    ? new AgentError('rate_limited', said, { cause })
    : new AgentError('identity_rejected', said, { cause })
}

function fromStatus(status: number, step: string, gateway: string | undefined, cause: unknown): AgentError {
  const said = `${step}: Autodesk answered ${status}${gateway ? ` (${plainCode(gateway)})` : ''}`
  if (status === 429) return new AgentError('rate_limited', said, { cause })
  return new AgentError(status >= 500 || status < 400 ? 'identity_unreachable' : 'identity_rejected', said, { cause })
}

const gatewayBody = z.object({ errorCode: z.string() })

async function gatewayCode(response: Response): Promise<string | undefined> {
  if (response.bodyUsed) return undefined
  const parsed = gatewayBody.safeParse(await response.json().catch(() => undefined))
  return parsed.success ? parsed.data.errorCode : undefined
}

/** A code from outside, fit to stand in a log line or a sentence. */
function plainCode(code: string): string {
  return code.replace(/[^\w .:-]/g, '?').slice(0, 60)
}

/**
 * Whether a failed refresh may have used up the refresh token all the same: nothing came back although the request may
 * have arrived. An answer, even an error, and a request that never left are certain.
 */
export function isOutcomeUnknown(thrown: unknown): boolean {
  if (thrown instanceof ResponseBodyError || thrown instanceof WWWAuthenticateChallengeError) return false
  if (thrown instanceof ClientError && thrown.cause instanceof Response) {
    return thrown.cause.status === 502 || thrown.cause.status === 504
  }
  return !wasNeverSent(thrown)
}
