import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { z } from 'zod'
import { AgentError, isErrorCode } from '../errors.ts'
import type { Clock, Fetch } from '../ports.ts'
import { readSecrets } from '../secrets/read-secrets.ts'
import type { Secret } from '../secrets/secret.ts'
import { JsonBytesError, type JsonPath } from '../secrets/take-secrets.ts'
import { encodeForm } from '../secrets/write-secrets.ts'
import { retryAfterOf } from '../shotgrid/http.ts'
import {
  type BrokerMetadata,
  brokerMetadataSchema,
  challengeSchema,
  type ExchangeAnswer,
  exchangeAnswerSchema,
  exchangeRefusalSchema,
  grantType,
  metadataPath,
  type SubjectTokenType,
  sessionTokenType,
  signInChallengeClaim,
  tokenHash,
} from '../token-exchange.ts'
import { transportReason } from '../transport-failure.ts'
import { anySignal } from '../waiting/any-signal.ts'
import type { SignInKey } from './sign-in-key.ts'

export interface Exchange {
  readonly site: string
  readonly subjectToken: Secret
  readonly subjectTokenType: SubjectTokenType
  /** The Autodesk access token of the same sign-in: lets the broker ask UserInfo for a verified e-mail address. */
  readonly accessToken: Secret
  readonly key: SignInKey
  /** The challenge the OIDC nonce was made from. */
  readonly signInChallenge: string
  /** A challenge nobody used yet. */
  readonly challenge: string
}

/** What the broker gives for it. */
export type Exchanged = Omit<ExchangeAnswer, 'access_token'> & { readonly sessionToken: Secret }

interface Asked<S extends z.ZodType> {
  readonly url: string
  readonly init: RequestInit
  readonly schema: S
  readonly limitMs?: number
  /** Where the answer says a secret. */
  readonly secretAt?: JsonPath
}

/** Longer than the broker takes for an exchange at most. */
const exchangeLimitMs = 45_000
/** For what the broker answers by itself. */
const callLimitMs = 15_000

/** The agent's side of the conversation with the broker. Every call throws `broker_unreachable` or the broker's own code. */
export class BrokerClient {
  readonly #broker: string
  readonly #fetch: Fetch
  readonly #clock: Clock

  constructor(broker: string, fetch: Fetch, clock: Clock) {
    this.#broker = broker
    this.#fetch = fetch
    this.#clock = clock
  }

  /** Reads the metadata and holds it against the configured address: nothing of it may point elsewhere. */
  async metadata(signal: AbortSignal): Promise<BrokerMetadata> {
    const metadata = await this.#call(`${this.#broker}${metadataPath}`, { method: 'GET' }, brokerMetadataSchema, signal)
    this.demandOwn(metadata)
    return metadata
  }

  /** Throws `broker_unreachable` where metadata is another broker's, or points elsewhere. */
  demandOwn(metadata: BrokerMetadata): void {
    const elsewhere = [metadata.token_endpoint, metadata.challenge_endpoint].some(
      (url) => new URL(url).origin !== this.#broker,
    )
    if (metadata.issuer !== this.#broker || elsewhere) {
      throw new AgentError('broker_unreachable', `what answers at "${this.#broker}" says it is "${metadata.issuer}"`)
    }
  }

  async challenge(metadata: BrokerMetadata, signal: AbortSignal): Promise<string> {
    return (await this.#call(metadata.challenge_endpoint, { method: 'POST' }, challengeSchema, signal)).challenge
  }

  /** What the broker gave, without its token; and the token. */
  async exchange(metadata: BrokerMetadata, exchange: Exchange, signal: AbortSignal): Promise<Exchanged> {
    const form = encodeForm({
      grant_type: grantType,
      audience: exchange.site,
      subject_token: exchange.subjectToken,
      subject_token_type: exchange.subjectTokenType,
      requested_token_type: sessionTokenType,
      access_token: exchange.accessToken,
    })
    try {
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        dpop: await this.#prove(metadata.token_endpoint, exchange),
      }
      const init: RequestInit = { method: 'POST', headers, body: form }
      const asked = { url: metadata.token_endpoint, init, schema: exchangeAnswerSchema, limitMs: exchangeLimitMs }
      const { answer, secret } = await this.#ask({ ...asked, secretAt: ['access_token'] }, signal)
      if (!secret) throw this.#notTheBrokers(200)
      const { access_token: _taken, ...rest } = answer
      return { ...rest, sessionToken: secret }
    } finally {
      form.fill(0)
    }
  }

  /** RFC 9449 §4.2, with the sign-in's own challenge as one more claim. */
  #prove(tokenEndpoint: string, exchange: Exchange): Promise<string> {
    return new SignJWT({
      htm: 'POST',
      htu: tokenEndpoint,
      nonce: exchange.challenge,
      ath: exchange.subjectToken.use(tokenHash),
      [signInChallengeClaim]: exchange.signInChallenge,
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: exchange.key.publicJwk })
      .setIssuedAt(Math.floor(this.#clock.now() / 1000))
      .setJti(randomUUID())
      .sign(exchange.key.privateKey)
  }

  async #call<S extends z.ZodType>(
    url: string,
    init: RequestInit,
    schema: S,
    signal: AbortSignal,
  ): Promise<z.output<S>> {
    return (await this.#ask({ url, init, schema }, signal)).answer
  }

  async #ask<S extends z.ZodType>(
    { url, init, schema, limitMs = callLimitMs, secretAt }: Asked<S>,
    signal: AbortSignal,
  ): Promise<{ readonly answer: z.output<S>; readonly secret: Secret | undefined }> {
    const limited = anySignal([signal, AbortSignal.timeout(limitMs)])
    let status: number
    let body: unknown
    let secret: Secret | undefined
    let retryAfterMs: number | undefined
    try {
      const response = await this.#fetch(url, { ...init, redirect: 'manual', signal: limited })
      status = response.status
      retryAfterMs = retryAfterOf(response)
      const read = await readSecrets(response, ...(secretAt ? [secretAt] : [])).catch(nothingIfNotJson)
      body = read?.body
      secret = read?.secrets[0]
    } catch (cause) {
      if (signal.aborted && signal.reason instanceof AgentError) throw signal.reason
      throw new AgentError('broker_unreachable', `"${this.#broker}": ${transportReason(cause)}`, { cause })
    }
    const refusal = exchangeRefusalSchema.safeParse(body)
    if (status >= 400 && refusal.success) {
      const { code, error_description: said } = refusal.data
      if (isErrorCode(code)) throw new AgentError(code, said, { retryAfterMs })
      throw new AgentError('broker_unreachable', `"${this.#broker}" refused with "${code.slice(0, 60)}": ${said ?? ''}`)
    }
    const answer = schema.safeParse(body)
    if (status !== 200 || !answer.success) throw this.#notTheBrokers(status, retryAfterMs)
    return { answer: answer.data, secret }
  }

  #notTheBrokers(status: number, retryAfterMs?: number): AgentError {
    const said = `"${this.#broker}" answered ${status} in a form that is not the broker's`
    return new AgentError('broker_unreachable', said, { retryAfterMs })
  }
}

function nothingIfNotJson(error: unknown): undefined {
  if (!(error instanceof JsonBytesError)) throw error
}
