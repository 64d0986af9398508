import pRetry from 'p-retry'
import { AgentError, type ErrorCode } from '../errors.ts'
import type { IdentityTokens } from '../identity/tokens.ts'
import type { Fetch } from '../ports.ts'
import { Secret } from '../secret.ts'
import type { IssuedSession } from '../session/session.ts'
import { SiteFault } from '../shotgrid/faults.ts'
import { whoAmI } from '../shotgrid/rest.ts'
import { type BrokerMetadata, type SubjectTokenType, subjectTokenTypes } from '../token-exchange.ts'
import { judgeApiUrl } from './api-address.ts'
import type { BrokerClient } from './broker-client.ts'
import type { SignInKey } from './sign-in-key.ts'

export interface BrokerExchangesSettings {
  readonly site: string
  readonly client: BrokerClient
  readonly fetch: Fetch
  readonly metadata: BrokerMetadata
  readonly tokens: IdentityTokens
  readonly key: SignInKey
  readonly signInChallenge: string
}

/** Trouble that may be gone a second later, while the artist's sign-in in the browser is still good. */
const passing: ReadonlySet<ErrorCode> = new Set(['broker_unreachable', 'site_unreachable', 'temporarily_unavailable'])

/** The sessions of one sign-in: what its Autodesk tokens are exchanged for at the broker, first and later. */
export class BrokerExchanges {
  readonly #settings: BrokerExchangesSettings

  constructor(settings: BrokerExchangesSettings) {
    this.#settings = settings
  }

  /** Tried three times with a challenge each: what went wrong on the way must not cost a second trip to the browser. */
  first(idToken: Secret, signal: AbortSignal): Promise<IssuedSession> {
    const { client, metadata, signInChallenge } = this.#settings
    const subject = { token: idToken, type: subjectTokenTypes.idToken }
    return pRetry(
      async (attempt) => {
        const challenge = attempt === 1 ? signInChallenge : await client.challenge(metadata, signal)
        return this.#exchange(subject, challenge, signal)
      },
      {
        retries: 2,
        minTimeout: 750,
        signal,
        shouldRetry: ({ error }) => error instanceof AgentError && passing.has(error.code),
      },
    )
  }

  /** `over` stops everything but the refresh: what that brings home must be kept, or revoked. */
  async renew(limit: AbortSignal, over: AbortSignal): Promise<IssuedSession> {
    const { client, metadata, tokens } = this.#settings
    const fresh = await tokens.refresh(limit)
    over.throwIfAborted()
    const signal = AbortSignal.any([limit, over])
    // Autodesk may or may not send an ID token with a refresh; the access token always comes. facts: identity §0.2
    const subject = fresh.idToken
      ? { token: fresh.idToken, type: subjectTokenTypes.idToken }
      : { token: fresh.accessToken, type: subjectTokenTypes.accessToken }
    return this.#exchange(subject, await client.challenge(metadata, signal), signal)
  }

  /** Defence in depth after the broker's own check, and the answer to a plug-in that reports a refused session. */
  async check(session: IssuedSession, signal: AbortSignal): Promise<'accepted' | 'refused'> {
    try {
      const { user } = await whoAmI(this.#settings.fetch, session.apiUrl, session.sessionToken, signal)
      return user.type === 'HumanUser' && user.id === session.userId ? 'accepted' : 'refused'
    } catch (error) {
      if (error instanceof SiteFault) return 'refused'
      throw error
    }
  }

  async #exchange(
    subject: { token: Secret; type: SubjectTokenType },
    challenge: string,
    signal: AbortSignal,
  ): Promise<IssuedSession> {
    const { site, client, metadata, tokens, key, signInChallenge } = this.#settings
    const answer = await client.exchange(
      metadata,
      {
        site,
        subjectToken: subject.token,
        subjectTokenType: subject.type,
        accessToken: tokens.accessToken,
        key,
        signInChallenge,
        challenge,
      },
      signal,
    )
    if (answer.site !== site)
      throw new AgentError('session_owner_mismatch', `asked for "${site}", got "${answer.site}"`)
    const session: IssuedSession = {
      site,
      apiUrl: judgeApiUrl(answer, metadata),
      login: answer.login,
      userId: answer.user_id,
      name: answer.name,
      sessionToken: new Secret(answer.access_token),
      lifetimeMs: answer.expires_in * 1000,
      expiry: 'estimated',
      obtainedBy: 'broker',
    }
    if ((await this.check(session, signal)) === 'refused') {
      throw new AgentError('session_owner_mismatch', `the site says the session is not "${answer.login}"'s`)
    }
    return session
  }
}
