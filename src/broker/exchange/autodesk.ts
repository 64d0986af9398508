import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import { z } from 'zod'
import { AgentError } from '../../errors.ts'
import type { Fetch } from '../../ports.ts'
import type { Secret } from '../../secret.ts'
import { SingleFlight } from '../../single-flight.ts'
import { transportReason } from '../../transport-failure.ts'

/** What UserInfo says of an access token's owner. */
export interface UserInfo {
  readonly subject: string
  readonly email: string | undefined
  /** True only for the boolean: text that says "true" is not what OpenID Connect Core §5.1 promises. */
  readonly emailVerified: boolean
}

const metadataSchema = z.object({
  issuer: z.string(),
  jwks_uri: z.url(),
  userinfo_endpoint: z.url(),
  introspection_endpoint: z.url().optional(),
  // Autodesk's own pages spell it so. facts: identity §1.1
  introspect_endpoint: z.url().optional(),
})
const userInfoSchema = z.object({
  sub: z.string().min(1),
  email: z.string().optional(),
  email_verified: z.unknown().optional(),
})
const introspectionSchema = z.object({ active: z.boolean(), client_id: z.string().optional() })

const callLimitMs = 8_000
/** Statuses by which a call that carries an access token says that the token is no good. */
const aboutToken = [400, 401, 403]
const metadataLifeMs = 3600_000

/** The broker ↔ Autodesk Identity. The issuer is pinned: metadata that names another one is not believed. */
export class AutodeskIdentity {
  readonly issuer: string
  /** The Autodesk apps whose sign-ins are taken: the agents' and the studio's web apps'. */
  readonly clientIds: readonly string[]
  readonly #fetch: Fetch
  readonly #insecureLoopback: boolean
  readonly #reading = new SingleFlight<Known>()
  #known: Known | undefined

  constructor(settings: { issuer: string; clientIds: readonly string[]; insecureLoopback: boolean }, fetch: Fetch) {
    this.issuer = settings.issuer
    this.clientIds = settings.clientIds
    this.#insecureLoopback = settings.insecureLoopback
    this.#fetch = fetch
  }

  /** The issuer's signing keys, for `jwtVerify`. Read again when an unknown `kid` turns up, at most every 30 s. */
  async keys(): Promise<JWTVerifyGetKey> {
    return (await this.#metadata()).keys
  }

  /** OpenID Connect Core §5.3. Throws `subject_token_rejected` when the token is not good, `identity_unreachable`. */
  async userInfo(accessToken: Secret): Promise<UserInfo> {
    const { endpoints } = await this.#metadata()
    const headers = { authorization: `Bearer ${accessToken.reveal()}`, accept: 'application/json' }
    const body = await this.#call(endpoints.userinfo_endpoint, { method: 'GET', headers }, userInfoSchema, aboutToken)
    return { subject: body.sub, email: body.email, emailVerified: body.email_verified === true }
  }

  /**
   * Whether the access token was issued to this client (RFC 7662): one that an artist gave to some other Autodesk app must not
   * open ShotGrid. Throws `subject_token_rejected`, `identity_unreachable`.
   */
  async demandClient(accessToken: Secret, clientId: string): Promise<void> {
    const { endpoints } = await this.#metadata()
    const url = endpoints.introspection_endpoint ?? endpoints.introspect_endpoint
    if (!url) throw new AgentError('identity_unreachable', `"${this.issuer}" names no introspection endpoint`)
    const form = new URLSearchParams({
      token: accessToken.reveal(),
      token_type_hint: 'access_token',
      client_id: clientId,
    })
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    }
    const found = await this.#call(url, init, introspectionSchema, aboutToken)
    if (!found.active) throw new AgentError('subject_token_rejected', 'the access token is not active')
    if (found.client_id !== clientId) {
      throw new AgentError('subject_token_rejected', 'the access token was issued to another application')
    }
  }

  async #metadata(): Promise<Known> {
    if (this.#known && performance.now() - this.#known.readAtMs < metadataLifeMs) return this.#known
    return this.#reading.run(async () => {
      const url = `${this.issuer}/.well-known/openid-configuration`
      const endpoints = await this.#call(url, { method: 'GET' }, metadataSchema)
      if (endpoints.issuer !== this.issuer) {
        throw new AgentError('identity_unreachable', `"${this.issuer}" says it is "${endpoints.issuer}"`)
      }
      const named = [
        endpoints.jwks_uri,
        endpoints.userinfo_endpoint,
        endpoints.introspection_endpoint,
        endpoints.introspect_endpoint,
      ]
      if (!this.#insecureLoopback && named.some((address) => address !== undefined && !address.startsWith('https:'))) {
        throw new AgentError('identity_unreachable', `"${this.issuer}" names an endpoint that is not https`)
      }
      const keys = createRemoteJWKSet(new URL(endpoints.jwks_uri), {
        timeoutDuration: callLimitMs,
        cooldownDuration: 30_000,
        [customFetch]: (address, options) => this.#fetch(address, options),
      })
      this.#known = { endpoints, keys, readAtMs: performance.now() }
      return this.#known
    })
  }

  async #call<S extends z.ZodType>(
    url: string,
    init: RequestInit,
    schema: S,
    refusals: readonly number[] = [],
  ): Promise<z.output<S>> {
    let status: number
    let body: unknown
    try {
      const response = await this.#fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(callLimitMs) })
      status = response.status
      body = status === 200 ? await response.json() : await response.body?.cancel()
    } catch (cause) {
      throw new AgentError('identity_unreachable', `"${new URL(url).origin}": ${transportReason(cause)}`, { cause })
    }
    if (refusals.includes(status)) {
      throw new AgentError('subject_token_rejected', `Autodesk answered ${status} about the access token`)
    }
    const parsed = schema.safeParse(body)
    if (status !== 200 || !parsed.success) {
      throw new AgentError('identity_unreachable', `"${new URL(url).origin}" answered ${status} in an unknown form`)
    }
    return parsed.data
  }
}

interface Known {
  readonly endpoints: z.output<typeof metadataSchema>
  readonly keys: JWTVerifyGetKey
  readonly readAtMs: number
}
