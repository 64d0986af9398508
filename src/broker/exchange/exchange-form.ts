import { z } from 'zod'
import { AgentError } from '../../errors.ts'
import { Secret } from '../../secrets/secret.ts'
import { grantType, restTokenType, sessionTokenType, subjectTokenTypes } from '../../token-exchange.ts'

/** A token exchange request of RFC 8693 §2.1, reduced to what this broker does. */
export interface ExchangeForm {
  readonly audience: string
  readonly subjectToken: Secret
  readonly subjectTokenType: (typeof subjectTokenTypes)[keyof typeof subjectTokenTypes]
  readonly requestedTokenType: typeof sessionTokenType | typeof restTokenType
  readonly accessToken: Secret
}

// RFC 6749 §A: visible characters only; a line feed would travel on into a header. A percent sign is none that a token or an
// origin has: it stands for an escape that the form's parser could not decode, and another one would read as something else.
const token = z.string().regex(/^[\x21-\x24\x26-\x7e]{1,16384}$/)
/** The form as it travels. */
export const exchangeFormSchema = z.strictObject({
  grant_type: z.literal(grantType),
  audience: z.string().regex(/^[\x21-\x24\x26-\x7e]{1,300}$/),
  subject_token: token,
  subject_token_type: z.enum([subjectTokenTypes.idToken, subjectTokenTypes.accessToken]),
  requested_token_type: z.enum([sessionTokenType, restTokenType]),
  access_token: token,
})

/**
 * Judges the form strictly: each parameter once and known, none missing. A parameter this broker would ignore
 * (`actor_token`, `requested_subject`, …) is refused, so that no request means more than what is done.
 * Throws `invalid_request` naming the parameter.
 */
export function judgeExchangeForm(body: unknown): ExchangeForm {
  const parsed = exchangeFormSchema.safeParse(body)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const name = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path.join('.')
    const wrong =
      issue?.code === 'unrecognized_keys' ? 'is not a parameter of this exchange' : 'is missing, doubled or wrong'
    throw new AgentError('invalid_request', `"${(name ?? 'the form').slice(0, 60)}" ${wrong}`)
  }
  const { audience, subject_token, subject_token_type, requested_token_type, access_token } = parsed.data
  if (subject_token_type === subjectTokenTypes.accessToken && subject_token !== access_token) {
    throw new AgentError('invalid_request', '"access_token" must be the subject token when that is an access token')
  }
  return {
    audience,
    subjectToken: new Secret(subject_token),
    subjectTokenType: subject_token_type,
    requestedTokenType: requested_token_type,
    accessToken: new Secret(access_token),
  }
}
