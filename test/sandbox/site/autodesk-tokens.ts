import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import type { SandboxClock } from '../clock.ts'
import type { Accounts, SiteUser } from './accounts.ts'

/** What access tokens say they are for. facts: identity 1.6 */
const audience = 'https://autodesk.com'
const metadataSchema = z.object({ issuer: z.string(), jwks_uri: z.url(), userinfo_endpoint: z.url() })
const userinfoSchema = z.object({ sub: z.string(), email: z.string(), email_verified: z.literal(true) })

interface Issuer {
  readonly keys: JWTVerifyGetKey
  readonly userinfo: string
}

/**
 * A site that takes Autodesk access tokens judges them itself, at the issuer: signature, audience and times by its published
 * keys, and that the token still lives, and whose verified address it is, by UserInfo. No site is known to do this; how one
 * would was made up here. facts: identity 2, 12.8
 */
export class AutodeskTokens {
  readonly #issuer: string
  readonly #clock: SandboxClock
  #known: Issuer | undefined

  constructor({ issuer }: { readonly issuer: string }, clock: SandboxClock) {
    this.#issuer = issuer
    this.#clock = clock
  }

  /** The one active person of the site a good token belongs to; undefined for any other. Throws when the issuer is silent. */
  async ownerOf(token: string, accounts: Accounts): Promise<SiteUser | undefined> {
    const issuer = await this.#read()
    const subject = await this.#verify(token, issuer)
    if (subject === undefined) return undefined
    const answer = await fetch(issuer.userinfo, { headers: { authorization: `Bearer ${token}` } })
    const person = userinfoSchema.safeParse(answer.ok ? await answer.json() : undefined).data
    if (person?.sub !== subject) return undefined
    const email = person.email.toLowerCase()
    const [owner, ...others] = accounts.users().filter((user) => user.isActive && user.email.toLowerCase() === email)
    return others.length === 0 ? owner : undefined
  }

  /** The `userid` of a token that is good by its signature and its times. */
  async #verify(token: string, { keys }: Issuer): Promise<string | undefined> {
    try {
      const currentDate = new Date(this.#clock.now())
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ['RS256'],
        issuer: this.#issuer,
        audience,
        currentDate,
        requiredClaims: ['exp'],
      })
      return typeof payload['userid'] === 'string' ? payload['userid'] : undefined
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }

  async #read(): Promise<Issuer> {
    if (this.#known) return this.#known
    const answer = await fetch(`${this.#issuer}/.well-known/openid-configuration`)
    const { issuer, jwks_uri, userinfo_endpoint } = metadataSchema.parse(await answer.json())
    if (issuer !== this.#issuer) throw new Error(`"${this.#issuer}" says it is "${issuer}"`)
    this.#known = { keys: createRemoteJWKSet(new URL(jwks_uri)), userinfo: userinfo_endpoint }
    return this.#known
  }
}
