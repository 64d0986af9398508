import { z } from 'zod'
import { Refusal } from './refusal.ts'
import { type Fetch, ShotgridSession } from './shotgrid-session.ts'

// RFC 6749 §A: visible characters only; the proof travels on as a header.
const token = z.string().regex(/^[\x21-\x7e]{1,16384}$/)

/** What the page sends after a sign-in at Autodesk. */
export const signInSchema = z.strictObject({ subjectToken: token, accessToken: token, proof: token })

const sessionTokenType = 'urn:sg-session:params:oauth:token-type:shotgrid-session'

const grantedSchema = z.object({
  access_token: z.string().min(1),
  issued_token_type: z.literal(sessionTokenType),
  expires_in: z.number().int().positive(),
  site: z.url(),
  login: z.string().min(1),
  name: z.string(),
  session_uuid: z.uuid(),
  api_url: z.url().optional(),
})
const refusedSchema = z.object({ code: z.string(), error_description: z.string() })

/** Longer than the broker takes at most. */
const exchangeLimitMs = 45_000

/**
 * Forwards the sign-in to the broker (RFC 8693) and takes the session. What the tokens say is the broker's to judge: a server
 * that judged too would be one more place to get it wrong. Throws Refusal with the broker's own code and sentence.
 */
export async function exchangeForSession(
  fetch: Fetch,
  { broker, site }: { readonly broker: string; readonly site: string },
  { subjectToken, accessToken, proof }: z.output<typeof signInSchema>,
): Promise<ShotgridSession> {
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: site,
    subject_token: subjectToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    requested_token_type: sessionTokenType,
    access_token: accessToken,
  })
  let status: number
  let body: unknown
  try {
    const answer = await fetch(`${broker}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', dpop: proof },
      body: form.toString(),
      redirect: 'error',
      signal: AbortSignal.timeout(exchangeLimitMs),
    })
    status = answer.status
    body = await answer.json()
  } catch (cause) {
    throw new Refusal(502, 'broker_unreachable', 'The studio’s broker cannot be reached right now.', { cause })
  }
  const refused = refusedSchema.safeParse(body).data
  if (status >= 400 && refused) {
    throw new Refusal(status, refused.code, `You could not be signed in: ${refused.error_description}.`)
  }
  const granted = grantedSchema.safeParse(body)
  if (status !== 200 || !granted.success || granted.data.site !== site) {
    throw new Refusal(502, 'broker_unreachable', 'The studio’s broker answered in an unknown form.')
  }
  const { access_token: token, expires_in, session_uuid, api_url, name, login } = granted.data
  const where = { apiUrl: api_url ?? site, sessionUuid: session_uuid, expiresInS: expires_in }
  return new ShotgridSession(fetch, { token, name, login, ...where })
}
