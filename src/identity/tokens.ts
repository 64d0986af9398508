import { fetchUserInfo, refreshTokenGrant, tokenRevocation } from 'openid-client'
import { z } from 'zod'
import { AgentError } from '../errors.ts'
import type { Fetch, Log } from '../ports.ts'
import { Secret } from '../secret.ts'
import { SingleFlight } from '../single-flight.ts'
import { isOutcomeUnknown, translateIdentityError } from './errors.ts'
import type { IssuerMetadata } from './metadata.ts'

/** What a token response holds that we use. */
export interface TokenSet {
  readonly accessToken: Secret
  readonly refreshToken?: Secret
  readonly idToken?: Secret
}

/** Whose tokens they are, by the ID token. */
export interface Person {
  readonly subject: string
  readonly email: string | undefined
}

/** For calls that are good to have and not worth waiting for. */
const sideLimitMs = 3_000
const tokenBody = z.object({ access_token: z.string().min(1), refresh_token: z.string().min(1).optional() })

/**
 * The Autodesk tokens of one sign-in, in memory. A refresh token works once: refreshes are single-flight, and the next
 * refresh token is adopted the moment it is in the response, before anything else about that response is judged.
 */
export class IdentityTokens {
  readonly #metadata: IssuerMetadata
  readonly #fetch: Fetch
  readonly #log: Log
  readonly #person: Person
  readonly #refreshing = new SingleFlight<TokenSet>()
  #accessToken: Secret
  #refreshToken: Secret | undefined
  #forgotten = false

  constructor(metadata: IssuerMetadata, fetch: Fetch, log: Log, person: Person, tokens: TokenSet) {
    this.#metadata = metadata
    this.#fetch = fetch
    this.#log = log
    this.#person = person
    this.#accessToken = tokens.accessToken
    this.#refreshToken = tokens.refreshToken
  }

  get accessToken(): Secret {
    return this.#accessToken
  }

  /**
   * A fresh access token, and an ID token if Autodesk sends one along. When no answer came although the request may have
   * arrived, the same refresh token is tried once more; then the sign-in counts as spent. Throws `login_required` when
   * there is nothing to refresh with, `identity_rejected` when Autodesk refuses, else what stood in the way.
   */
  refresh(signal: AbortSignal): Promise<TokenSet> {
    return this.#refreshing.run(async () => {
      try {
        return await this.#refreshOnce(signal)
      } catch (error) {
        if (!isOutcomeUnknown(error) || signal.aborted) throw await this.#noteRefusal(error)
        this.#log.warn({ err: error }, 'the answer to a refresh was lost; trying the same refresh token once more')
      }
      try {
        return await this.#refreshOnce(signal)
      } catch (error) {
        if (isOutcomeUnknown(error)) this.#refreshToken = undefined
        throw await this.#noteRefusal(error)
      }
    })
  }

  /**
   * The e-mail address of the account, for people to recognise: from the ID token, else from UserInfo. Undefined when
   * neither tells; never throws and takes at most three seconds.
   */
  async accountName(signal: AbortSignal): Promise<string | undefined> {
    if (this.#person.email !== undefined) return this.#person.email
    try {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(sideLimitMs)])
      const configuration = await this.#metadata.configuration(limited, this.#fetch)
      return (await fetchUserInfo(configuration, this.#accessToken.reveal(), this.#person.subject)).email
    } catch (error) {
      this.#log.info({ err: await translateIdentityError(error, 'asking UserInfo') }, 'the account stays unnamed')
      return undefined
    }
  }

  /**
   * Revokes what is held, as `revokeTokens` does. Tokens that a refresh under way brings home later are revoked when they come.
   */
  async revoke(): Promise<void> {
    this.#forgotten = true
    const refreshToken = this.#refreshToken
    this.#refreshToken = undefined
    await this.#revokeEach({ accessToken: this.#accessToken, ...(refreshToken ? { refreshToken } : {}) })
  }

  #revokeEach(tokens: TokenSet): Promise<void> {
    return revokeTokens(tokens, this.#metadata, { fetch: this.#fetch, log: this.#log })
  }

  async #refreshOnce(signal: AbortSignal): Promise<TokenSet> {
    const refreshToken = this.#refreshToken
    if (!refreshToken) throw new AgentError('login_required', 'there is no Autodesk refresh token to renew with')
    const configuration = await this.#metadata.configuration(signal, this.#adopting(refreshToken))
    const response = await refreshTokenGrant(configuration, refreshToken.reveal())
    // OIDC Core §12.2: the sub of a refreshed ID token is the same person's; openid-client leaves this check to us.
    const subject = response.claims()?.sub
    if (subject !== undefined && subject !== this.#person.subject) {
      throw new AgentError('identity_rejected', 'the refresh answered for another Autodesk account')
    }
    this.#accessToken = new Secret(response.access_token)
    return { accessToken: this.#accessToken, ...(response.id_token ? { idToken: new Secret(response.id_token) } : {}) }
  }

  #adopting(sent: Secret): Fetch {
    return noticingTokens(this.#fetch, (tokens) => {
      if (this.#forgotten) {
        void this.#revokeEach(tokens)
        throw new AgentError('login_required', 'signed out while the Autodesk sign-in was refreshed')
      }
      // Before the response is judged: whatever becomes of it, these are the tokens a sign-out has to revoke.
      this.#accessToken = tokens.accessToken
      if (tokens.refreshToken && this.#refreshToken === sent) this.#refreshToken = tokens.refreshToken
    })
  }

  async #noteRefusal(error: unknown): Promise<AgentError> {
    const translated = await translateIdentityError(error, 'refreshing the Autodesk sign-in')
    if (translated.code === 'identity_rejected') this.#refreshToken = undefined
    return translated
  }
}

/** RFC 7009: refresh token first, then access token, each on its own. Best effort, at most three seconds, never throws. */
export async function revokeTokens(
  { refreshToken, accessToken }: TokenSet,
  metadata: IssuerMetadata,
  { fetch, log }: { readonly fetch: Fetch; readonly log: Log },
): Promise<void> {
  const limited = AbortSignal.timeout(sideLimitMs)
  const revokeOne = async (token: Secret, hint: string): Promise<void> => {
    try {
      const configuration = await metadata.configurationAtHand(limited, fetch)
      await tokenRevocation(configuration, token.reveal(), { token_type_hint: hint })
    } catch (error) {
      const err = await translateIdentityError(error, `revoking the ${hint}`)
      log.warn({ err }, 'a token was not revoked')
    }
  }
  if (refreshToken) await revokeOne(refreshToken, 'refresh_token')
  await revokeOne(accessToken, 'access_token')
}

/** Calls `notice` with the tokens of each token response, before openid-client judges it; what it throws fails the call. */
export function noticingTokens(fetch: Fetch, notice: (tokens: TokenSet) => void): Fetch {
  return async (url, init) => {
    const response = await fetch(url, init)
    if (response.status !== 200 || init.method !== 'POST') return response
    const copy: unknown = await response
      .clone()
      .json()
      .catch(() => undefined)
    const body = tokenBody.safeParse(copy)
    if (!body.success) return response
    const { refresh_token, access_token } = body.data
    const refreshToken = refresh_token === undefined ? {} : { refreshToken: new Secret(refresh_token) }
    notice({ accessToken: new Secret(access_token), ...refreshToken })
    return response
  }
}
