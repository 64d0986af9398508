import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { z } from 'zod'
import { anySignal } from '../any-signal.ts'
import { AgentError, isErrorCode } from '../errors.ts'
import type { Clock, Fetch } from '../ports.ts'
import type { Secret } from '../secret.ts'
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
    const elsewhere = [metadata.token_endpoint, metadata.challenge_endpoint].some(
      (url) => new URL(url).origin !== this.#broker,
    )
    if (metadata.issuer !== this.#broker || elsewhere) {
      throw new AgentError('broker_unreachable', `what answers at "${this.#broker}" says it is "${metadata.issuer}"`)
    }
    return metadata
  }

  async challenge(metadata: BrokerMetadata, signal: AbortSignal): Promise<string> {
    return (await this.#call(metadata.challenge_endpoint, { method: 'POST' }, challengeSchema, signal)).challenge
  }

  async exchange(metadata: BrokerMetadata, exchange: Exchange, signal: AbortSignal): Promise<ExchangeAnswer> {
    const form = new URLSearchParams({
      grant_type: grantType,
      audience: exchange.site,
      subject_token: exchange.subjectToken.reveal(),
      subject_token_type: exchange.subjectTokenType,
      requested_token_type: sessionTokenType,
      access_token: exchange.accessToken.reveal(),
    })
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      dpop: await this.#prove(metadata.token_endpoint, exchange),
    }
    const init = { method: 'POST', headers, body: form.toString() }
    return this.#call(metadata.token_endpoint, init, exchangeAnswerSchema, signal, exchangeLimitMs)
  }

  /** RFC 9449 §4.2, with the sign-in's own challenge as one more claim. */
  #prove(tokenEndpoint: string, exchange: Exchange): Promise<string> {
    return new SignJWT({
      htm: 'POST',
      htu: tokenEndpoint,
      nonce: exchange.challenge,
      ath: tokenHash(exchange.subjectToken.reveal()),
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
    limitMs = callLimitMs,
  ): Promise<z.output<S>> {
    const limited = anySignal([signal, AbortSignal.timeout(limitMs)])
    let status: number
    let text: string
    let retryAfterMs: number | undefined
    try {
      const response = await this.#fetch(url, { ...init, redirect: 'manual', signal: limited })
      status = response.status
      text = await response.text()
      retryAfterMs = retryAfterOf(response)
    } catch (cause) {
      if (signal.aborted && signal.reason instanceof AgentError) throw signal.reason
      throw new AgentError('broker_unreachable', `"${this.#broker}": ${transportReason(cause)}`, { cause })
    }
    const body = parseJson(text)
    const refusal = exchangeRefusalSchema.safeParse(body)
    if (status >= 400 && refusal.success) {
      const { code, error_description: said } = refusal.data
      if (isErrorCode(code)) throw new AgentError(code, said, { retryAfterMs })
      throw new AgentError('broker_unreachable', `"${this.#broker}" refused with "${code.slice(0, 60)}": ${said ?? ''}`)
    }
    const answer = schema.safeParse(body)
    if (status !== 200 || !answer.success) {
      throw new AgentError(
        'broker_unreachable',
        `"${this.#broker}" answered ${status} in a form that is not the broker's`,
        { retryAfterMs },
      )
    }
    return answer.data
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
