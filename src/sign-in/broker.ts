import pRetry from 'p-retry'
import { AgentError, type ErrorCode } from '../errors.ts'
import type { BrowserSignIn, IdentitySignIn } from '../identity/browser-sign-in.ts'
import type { IdentityTokens } from '../identity/tokens.ts'
import type { Ports } from '../ports.ts'
import { Secret } from '../secret.ts'
import type { IssuedSession, Renewal, SignedIn } from '../session/session.ts'
import { SiteFault } from '../shotgrid/faults.ts'
import { whoAmI } from '../shotgrid/rest.ts'
import { type BrokerMetadata, nonceFor, type SubjectTokenType, subjectTokenTypes } from '../token-exchange.ts'
import { BrokerClient, makeSignInKey, type SignInKey } from './broker-client.ts'
import type { SignInRequest, WayIn } from './way-in.ts'

export interface BrokerWaySettings {
  readonly site: string
  readonly broker: string
  readonly identity: BrowserSignIn
}

/** Trouble that may be gone a second later, while the artist's sign-in in the browser is still good. */
const passing: ReadonlySet<ErrorCode> = new Set(['broker_unreachable', 'site_unreachable', 'temporarily_unavailable'])

/** Signing in through Autodesk Identity and the studio's broker. */
export class BrokerWayIn implements WayIn {
  readonly name = 'broker'
  readonly #settings: BrokerWaySettings
  readonly #ports: Ports
  readonly #client: BrokerClient

  constructor(settings: BrokerWaySettings, ports: Ports) {
    this.#settings = settings
    this.#ports = ports
    this.#client = new BrokerClient(settings.broker, ports.fetch, ports.clock)
  }

  async signIn(request: SignInRequest): Promise<SignedIn> {
    const { signal } = request
    // Asked before the browser opens: an artist should not sign in only to hear that the broker is down.
    const metadata = await this.#client.metadata(signal)
    if (!metadata.sites_supported.includes(this.#settings.site)) {
      throw new AgentError(
        'site_unknown',
        `the broker "${this.#settings.broker}" does not serve "${this.#settings.site}"`,
      )
    }
    const key = await makeSignInKey()
    const signInChallenge = await this.#client.challenge(metadata, signal)
    const nonce = nonceFor(signInChallenge, key.thumbprint)
    return this.#settings.identity.run({ ...request, nonce }, async (signIn) => {
      const sign = { metadata, key, signInChallenge }
      const [session, account] = await Promise.all([
        this.#firstExchange(signIn, sign, signal),
        signIn.tokens.accountName(signal),
      ])
      const over = new AbortController()
      const renewal: Renewal = {
        renew: (renewSignal) => this.#renew(signIn.tokens, sign, renewSignal, over.signal),
        check: (held, checkSignal) => this.#check(held, checkSignal),
        forget: () => {
          over.abort(new AgentError('login_required', 'signed out while the session was renewed'))
          return signIn.tokens.revoke()
        },
      }
      return { session, renewal, ...(account === undefined ? {} : { account }) }
    })
  }

  /** Tried three times with a challenge each: what went wrong on the way must not cost a second trip to the browser. */
  #firstExchange(signIn: IdentitySignIn, sign: Sign, signal: AbortSignal): Promise<IssuedSession> {
    const subject = { token: signIn.idToken, type: subjectTokenTypes.idToken }
    return pRetry(
      async (attempt) => {
        const challenge = attempt === 1 ? sign.signInChallenge : await this.#client.challenge(sign.metadata, signal)
        return this.#exchange(subject, signIn.tokens, sign, challenge, signal)
      },
      {
        retries: 2,
        minTimeout: 750,
        signal,
        shouldRetry: ({ error }) => error instanceof AgentError && passing.has(error.code),
      },
    )
  }

  async #renew(tokens: IdentityTokens, sign: Sign, limit: AbortSignal, over: AbortSignal): Promise<IssuedSession> {
    // Not stopped at sign-out: what a refresh brings home must be revoked. The exchange after it is.
    const fresh = await tokens.refresh(limit)
    over.throwIfAborted()
    const signal = AbortSignal.any([limit, over])
    // Autodesk may or may not send an ID token with a refresh; the access token always comes. facts: identity §0.2
    const subject = fresh.idToken
      ? { token: fresh.idToken, type: subjectTokenTypes.idToken }
      : { token: fresh.accessToken, type: subjectTokenTypes.accessToken }
    return this.#exchange(subject, tokens, sign, await this.#client.challenge(sign.metadata, signal), signal)
  }

  async #exchange(
    subject: { token: Secret; type: SubjectTokenType },
    tokens: IdentityTokens,
    sign: Sign,
    challenge: string,
    signal: AbortSignal,
  ): Promise<IssuedSession> {
    const { site } = this.#settings
    const { key, signInChallenge } = sign
    const answer = await this.#client.exchange(
      sign.metadata,
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
      login: answer.login,
      userId: answer.user_id,
      name: answer.name,
      sessionToken: new Secret(answer.access_token),
      lifetimeMs: answer.expires_in * 1000,
      obtainedBy: 'broker',
    }
    if ((await this.#check(session, signal)) === 'refused') {
      throw new AgentError('session_owner_mismatch', `the site says the session is not "${answer.login}"'s`)
    }
    return session
  }

  /** Defence in depth after the broker's own check, and the answer to a plug-in that reports a refused session. */
  async #check(session: IssuedSession, signal: AbortSignal): Promise<'accepted' | 'refused'> {
    try {
      const { user } = await whoAmI(this.#ports.fetch, session.site, session.sessionToken, signal)
      return user.type === 'HumanUser' && user.id === session.userId ? 'accepted' : 'refused'
    } catch (error) {
      if (error instanceof SiteFault) return 'refused'
      throw error
    }
  }
}

interface Sign {
  readonly metadata: BrokerMetadata
  readonly key: SignInKey
  readonly signInChallenge: string
}
