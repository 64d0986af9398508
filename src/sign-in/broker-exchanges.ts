import pRetry from 'p-retry'
import { AgentError, type ErrorCode } from '../errors.ts'
import type { IdentityTokens } from '../identity/tokens.ts'
import type { PutSecret } from '../secrets/passed-secrets.ts'
import type { Secret } from '../secrets/secret.ts'
import type { IssuedSession } from '../session/session.ts'
import { SiteFault } from '../shotgrid/faults.ts'
import { whoAmI } from '../shotgrid/rest.ts'
import type { SessionEnd } from '../shotgrid/session-end.ts'
import { type BrokerMetadata, type SubjectTokenType, subjectTokenTypes } from '../token-exchange.ts'
import { anySignal } from '../waiting/any-signal.ts'
import { judgeApiUrl } from './api-address.ts'
import type { BrokerClient } from './broker-client.ts'
import { RefusalCheck, readEnd, readLeftMs, type SitePorts } from './session-life.ts'
import type { SignInKey } from './sign-in-key.ts'

export interface BrokerExchangesSettings {
  readonly site: string
  readonly client: BrokerClient
  readonly ports: SitePorts
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
  readonly #refusals: RefusalCheck

  constructor(settings: BrokerExchangesSettings) {
    this.#settings = settings
    this.#refusals = new RefusalCheck(settings.ports, (session, signal) => this.#isTheirs(session, signal))
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
    const signal = anySignal([limit, over])
    // Autodesk may or may not send an ID token with a refresh; the access token always comes. facts: identity §0.2
    const subject = fresh.idToken
      ? { token: fresh.idToken, type: subjectTokenTypes.idToken }
      : { token: fresh.accessToken, type: subjectTokenTypes.accessToken }
    try {
      return await this.#exchange(subject, await client.challenge(metadata, signal), signal)
    } finally {
      fresh.idToken?.wipe()
    }
  }

  /** The answer to a plug-in that reports a refused session. Throws `site_unreachable`. */
  check(session: IssuedSession, signal: AbortSignal): Promise<'accepted' | 'refused'> {
    return this.#refusals.check(session, signal)
  }

  /** As `Renewal.leftAtSiteMs`. */
  leftAtSiteMs(session: IssuedSession, signal: AbortSignal): Promise<number | undefined> {
    return readLeftMs(this.#settings.ports, session, signal)
  }

  /** Part of what another process needs to go on with them. */
  passOn(put: PutSecret) {
    const { metadata, tokens, key, signInChallenge } = this.#settings
    return { metadata, signInChallenge, key: put(key.privateJwk), tokens: tokens.passOn(put) }
  }

  /** Another process goes on with them. */
  letGo(): void {
    this.#settings.key.privateJwk.wipe()
  }

  async #isTheirs(session: IssuedSession, signal: AbortSignal): Promise<boolean> {
    try {
      const { user } = await whoAmI(this.#settings.ports.fetch, session.apiUrl, session.sessionToken, signal)
      return user.type === 'HumanUser' && user.id === session.userId
    } catch (error) {
      if (error instanceof SiteFault) return false
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
      sessionToken: answer.sessionToken,
      lifetimeMs: answer.expires_in * 1000,
      expiry: 'estimated',
      obtainedBy: 'broker',
    }
    // Defence in depth after the broker's own check.
    const [isTheirs, end] = await Promise.all([this.#isTheirs(session, signal), this.#endOf(session, signal)])
    if (!isTheirs) {
      throw new AgentError('session_owner_mismatch', `the site says the session is not "${answer.login}"'s`)
    }
    return shortened(session, end)
  }

  /** A gateway's session is not the site's. */
  async #endOf(session: IssuedSession, signal: AbortSignal): Promise<SessionEnd> {
    return session.apiUrl === session.site ? readEnd(this.#settings.ports, session, signal) : { known: 'untold' }
  }
}

/** The broker says how long its sessions are to live, the site how long it lets this one: the shorter holds. */
function shortened(session: IssuedSession, end: SessionEnd): IssuedSession {
  if (end.known !== 'exact' || end.leftMs === 0 || end.leftMs > session.lifetimeMs) return session
  return { ...session, lifetimeMs: end.leftMs, expiry: 'exact' }
}
