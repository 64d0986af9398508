import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import { z } from 'zod'
import { AgentError } from '../../errors.ts'
import type { Clock, Fetch } from '../../ports.ts'
import type { Secret } from '../../secrets/secret.ts'
import { transportReason } from '../../transport-failure.ts'
import { SingleFlight } from '../../waiting/single-flight.ts'

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
/** OpenID Connect Core §2: at most 255 ASCII characters; a control character would not even fit into every database. */
export const subjectSchema = z.string().regex(/^[\x21-\x7e]{1,255}$/)
const userInfoSchema = z.object({
  sub: subjectSchema,
  email: z.string().optional(),
  email_verified: z.unknown().optional(),
})
const introspectionSchema = z.object({ active: z.boolean(), client_id: z.string().optional() })

const callLimitMs = 8_000
/** Statuses by which a call that carries an access token says that the token is no good. */
const aboutToken = [400, 401, 403]
const metadataLifeMs = 3600_000
/** How often at most metadata and keys are read because something does not fit them. */
const coolDownMs = 30_000

/** An address as it came, unless nothing that long, or with such characters in it, can be one: then none. RFC 5321 §4.5.3.1 */
export function usableAddress(email: string | undefined): string | undefined {
  return email !== undefined && email.length <= 320 && !/[\p{Cc}\p{Cf}\p{Cs}]/u.test(email) ? email : undefined
}

/** The broker ↔ Autodesk Identity. The issuer is pinned: metadata that names another one is not believed. */
export class AutodeskIdentity {
  readonly issuer: string
  /** The Autodesk apps whose sign-ins are taken: the agents' and the studio's web apps'. */
  readonly clientIds: readonly string[]
  readonly #fetch: Fetch
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #insecureLoopback: boolean
  readonly #reading = new SingleFlight<Known>()
  #known: Known | undefined

  constructor(
    settings: { issuer: string; clientIds: readonly string[]; insecureLoopback: boolean },
    fetch: Fetch,
    clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.issuer = settings.issuer
    this.clientIds = settings.clientIds
    this.#insecureLoopback = settings.insecureLoopback
    this.#fetch = fetch
    this.#clock = clock
  }

  /** The issuer's signing keys, for `jwtVerify`. Read again when an unknown `kid` turns up, at most every 30 s. */
  async keys(): Promise<JWTVerifyGetKey> {
    const known = await this.#metadata()
    return async (header, token) => {
      try {
        return await known.keys(header, token)
      } catch (error) {
        if (!this.#doubt(known)) throw error
        return (await this.#metadata()).keys(header, token)
      }
    }
  }

  /** OpenID Connect Core §5.3. Throws `subject_token_rejected` when the token is not good, `identity_unreachable`. */
  async userInfo(accessToken: Secret): Promise<UserInfo> {
    const headers = { authorization: `Bearer ${accessToken.reveal()}`, accept: 'application/json' }
    const body = await this.#ask((named) => named.userinfo_endpoint, { method: 'GET', headers }, userInfoSchema)
    return { subject: body.sub, email: usableAddress(body.email), emailVerified: body.email_verified === true }
  }

  /**
   * Whether the access token was issued to this client (RFC 7662): one that an artist gave to some other Autodesk app must not
   * open ShotGrid. Throws `subject_token_rejected`, `identity_unreachable`.
   */
  async demandClient(accessToken: Secret, clientId: string): Promise<void> {
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
    const endpoint = (named: Endpoints) => named.introspection_endpoint ?? named.introspect_endpoint
    const found = await this.#ask(endpoint, init, introspectionSchema)
    if (!found.active) throw new AgentError('subject_token_rejected', 'the access token is not active')
    if (found.client_id !== clientId) {
      throw new AgentError('subject_token_rejected', 'the access token was issued to another application')
    }
  }

  async #metadata(): Promise<Known> {
    if (this.#known && this.#clock.monotonicMs() - this.#known.readAtMs < metadataLifeMs) return this.#known
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
        cooldownDuration: coolDownMs,
        [customFetch]: (address, options) => this.#fetch(address, options),
      })
      this.#known = { endpoints, keys, readAtMs: this.#clock.monotonicMs() }
      return this.#known
    })
  }

  /** A call about a token, at an endpoint that the metadata names. */
  async #ask<S extends z.ZodType>(
    endpoint: (named: Endpoints) => string | undefined,
    init: RequestInit,
    schema: S,
  ): Promise<z.output<S>> {
    const known = await this.#metadata()
    const url = endpoint(known.endpoints)
    try {
      if (!url) throw new AgentError('identity_unreachable', `"${this.issuer}" names no endpoint for this`)
      return await this.#call(url, init, schema, aboutToken)
    } catch (error) {
      const isTrouble = error instanceof AgentError && error.code === 'identity_unreachable'
      if (!isTrouble || !this.#doubt(known)) throw error
      return this.#ask(endpoint, init, schema)
    }
  }

  /**
   * Something does not work as the metadata says. Perhaps it is stale, or was wrong for a moment: true when it is to be read
   * again, which it is not for every bad token anew.
   */
  #doubt(known: Known): boolean {
    if (this.#clock.monotonicMs() - known.readAtMs < coolDownMs) return false
    if (this.#known === known) this.#known = undefined
    return true
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

type Endpoints = z.output<typeof metadataSchema>

interface Known {
  readonly endpoints: Endpoints
  readonly keys: JWTVerifyGetKey
  readonly readAtMs: number
}
