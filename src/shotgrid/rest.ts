import { decodeJwt } from 'jose'
import { z } from 'zod'
import type { Fetch } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import { encodeForm } from '../secrets/write-secrets.ts'
import { SiteFault, SiteTrouble, translateSiteTrouble } from './faults.ts'
import { askSite } from './http.ts'
import type { ScriptCaller } from './json-rpc.ts'

/** A REST bearer and what the site says about it. */
export interface RestGrant {
  readonly accessToken: Secret
  readonly expiresInS: number
  readonly user: { readonly type: string; readonly id: number }
  /** Set when a script acts for somebody: `user` is then the script, not the person. */
  readonly sudoAsLogin: string | undefined
}

// What would live longer than a year would end at a time that no calendar and no message could hold.
const longestLifeS = 366 * 24 * 3600
const tokenBody = z.object({
  access_token: z.string(),
  expires_in: z.number().int().positive().max(longestLifeS),
})
/** What REST answers when it refuses. facts: shotgrid §2.5 */
export const restErrorsSchema = z.object({
  errors: z
    .array(z.object({ code: z.number().nullish(), title: z.string().nullish(), detail: z.string().nullish() }))
    .min(1),
})
const claimsSchema = z.object({
  user: z.object({ type: z.string(), id: z.number().int() }),
  sudo_as_login: z.string().nullish(),
})

/**
 * Trades a session token for a REST bearer (`grant_type=session_token`; the session stays valid and its idle time starts
 * anew). Throws SiteFault when the site does not accept the session, else an AgentError `site_unreachable`.
 */
export function grantFromSession(
  fetch: Fetch,
  site: string,
  sessionToken: Secret,
  signal: AbortSignal,
): Promise<RestGrant> {
  const form = { grant_type: 'session_token', session_token: sessionToken }
  return grant(fetch, site, form, signal)
}

/**
 * A REST bearer of a script in the name of a person (`grant_type=client_credentials`). The login travels as a scope: as a
 * field of the form it would be ignored, and the bearer be the script's own. So whoever calls this looks at `sudoAsLogin` of
 * the answer. Throws like `grantFromSession`. facts: shotgrid §2.2
 */
export function grantFromScript(
  fetch: Fetch,
  site: string,
  { name, key, sudoAsLogin, sessionUuid }: ScriptCaller,
  signal: AbortSignal,
): Promise<RestGrant> {
  const form = {
    grant_type: 'client_credentials',
    client_id: name,
    client_secret: key,
    ...(sudoAsLogin === undefined ? {} : { scope: `sudo_as_login:${sudoAsLogin}` }),
    ...(sessionUuid === undefined ? {} : { session_uuid: sessionUuid }),
  }
  return grant(fetch, site, form, signal)
}

async function grant(
  fetch: Fetch,
  site: string,
  form: Readonly<Record<string, string | Secret>>,
  signal: AbortSignal,
): Promise<RestGrant> {
  const sent = encodeForm(form)
  try {
    const { status, body, secret } = await askSite(fetch, {
      method: 'POST',
      url: `${site}/api/v1/auth/access_token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: sent,
      secretAt: ['access_token'],
      signal,
    })
    const refused = restErrorsSchema.safeParse(body).data?.errors[0]
    if (refused)
      throw new SiteFault(refused.title ?? refused.detail ?? 'the site gave no reason', refused.code ?? undefined)
    const token = tokenBody.safeParse(body)
    if (status !== 200 || !token.success || !secret)
      throw new SiteTrouble(`answered ${status} in an unknown form`, status)
    return { accessToken: secret, expiresInS: token.data.expires_in, ...readClaims(secret) }
  } catch (error) {
    throw translateSiteTrouble(error, site, 'asking for a REST token')
  } finally {
    sent.fill(0)
  }
}

/**
 * Whose session this is, by the claims of a REST bearer the site makes from it: the cheapest question a site answers. The
 * claims need no signature check: they come straight from the site, over TLS. Throws like `grantFromSession`.
 */
export async function whoAmI(
  fetch: Fetch,
  site: string,
  sessionToken: Secret,
  signal: AbortSignal,
): Promise<Pick<RestGrant, 'user' | 'sudoAsLogin'>> {
  const { accessToken, ...whose } = await grantFromSession(fetch, site, sessionToken, signal)
  accessToken.wipe()
  return whose
}

function readClaims(jwt: Secret): Pick<RestGrant, 'user' | 'sudoAsLogin'> {
  let content: unknown
  try {
    content = decodeJwt(jwt.use(withoutSignature))
  } catch (cause) {
    throw new SiteTrouble('made a REST token that is no JWT', 200, { cause })
  }
  const claims = claimsSchema.safeParse(content)
  if (!claims.success) throw new SiteTrouble('made a REST token that does not say whose it is', 200)
  return { user: claims.data.user, sudoAsLogin: claims.data.sudo_as_login ?? undefined }
}

/** What says who it is proves nothing without its signature: harmless as text. RFC 7515 §3.1 */
function withoutSignature(jwt: Buffer): string {
  return jwt.subarray(0, jwt.lastIndexOf('.') + 1).toString('latin1')
}
