import { refreshTokenGrant } from 'openid-client'
import { z } from 'zod'
import { AgentError } from '../errors.ts'
import type { Fetch, Ports } from '../ports.ts'
import type { PutSecret, TakeSecret } from '../secrets/passed-secrets.ts'
import { Secret } from '../secrets/secret.ts'
import { SingleFlight } from '../waiting/single-flight.ts'
import { UnfinishedWork } from '../waiting/unfinished-work.ts'
import { withPatience } from '../waiting/with-patience.ts'
import {
  type AccessToken,
  accessTokenLeftMs,
  hasEnoughLeft,
  passOnAccessToken,
  type TimedAccessToken,
  takeAccessToken,
  timeAccessToken,
} from './access-token.ts'
import { isOutcomeUnknown, translateIdentityError } from './errors.ts'
import type { IssuerMetadata } from './metadata.ts'
import { revokeTokens } from './revoke-tokens.ts'
import { expiryOf, inItsPlace, noticingTokens, scopesOf, sendingToken, type TokenSet } from './token-response.ts'
import { accountNameOf, type Person, verifiedEmailOf } from './user-info.ts'

/** Where a refresh token outlives the agent. Neither call throws or takes long. */
export interface RefreshTokenKeeper {
  /** Resolves when the token is kept, or cannot be. */
  keep(token: Secret): Promise<void>
  /** Autodesk takes no refresh token of this sign-in any more. */
  drop(): Promise<void>
}

export interface IdentityPorts extends Pick<Ports, 'fetch' | 'log' | 'clock'> {
  /** Where refreshes count while they are under way. */
  readonly work?: UnfinishedWork
}

const number = z.number().int().nonnegative()
const passedSchema = z.object({
  issuer: z.string(),
  clientId: z.string(),
  subject: z.string().min(1),
  email: z.string().optional(),
  refreshToken: number.optional(),
  /** Where the newest is not one that may be handed out. */
  newest: number.optional(),
  current: z.unknown().optional(),
  /** Whether a tool has it. */
  isOut: z.boolean(),
  older: z.array(z.unknown()),
})
export type PassedTokens = z.input<typeof passedSchema>

/** For calls that are good to have and not worth waiting for. */
const sideLimitMs = 3_000
/** While Autodesk is down, those who keep asking must not become one call each. */
const retryPauseMs = 2_000

/**
 * The Autodesk tokens of one sign-in, in memory. A refresh token works once: refreshes are single-flight, and the next
 * refresh token is adopted the moment it is in the response, before anything else about that response is judged.
 */
export class IdentityTokens {
  readonly #metadata: IssuerMetadata
  readonly #ports: IdentityPorts
  readonly #work: UnfinishedWork
  readonly person: Person
  readonly #refreshing = new SingleFlight<TokenSet>()
  /** The newest there is, whether its answer could be trusted or not: what a sign-out has to revoke. */
  #accessToken: Secret | undefined
  /** The newest that may be handed out. */
  #current: TimedAccessToken | undefined
  /** What tools were given and may still use. */
  #handedOut: readonly TimedAccessToken[] = []
  #refreshTrouble: { readonly error: AgentError; readonly untilMonotonicMs: number } | undefined
  #refreshToken: Secret | undefined
  #keeper: RefreshTokenKeeper | undefined
  #forgotten = false

  /** Without an access token these are the tokens of an earlier run: a refresh comes first. */
  constructor(metadata: IssuerMetadata, ports: IdentityPorts, person: Person, tokens: Partial<TokenSet>) {
    this.#metadata = metadata
    this.#ports = ports
    this.#work = ports.work ?? new UnfinishedWork()
    this.person = person
    this.#accessToken = tokens.accessToken
    if (tokens.accessToken) this.#current = timeAccessToken(tokens.accessToken, tokens, ports.clock)
    this.#refreshToken = tokens.refreshToken
  }

  get accessToken(): Secret {
    if (!this.#accessToken) throw new AgentError('login_required', 'the Autodesk sign-in was not refreshed yet')
    return this.#accessToken
  }

  get canRefresh(): boolean {
    return this.#refreshToken !== undefined
  }

  /** From now on `keeper` has every next refresh token at once, before anything else about its response can fail. */
  keepWith(keeper: RefreshTokenKeeper): void {
    this.#keeper = keeper
  }

  /** Hands the refresh token there is to the keeper. */
  async keepNow(): Promise<void> {
    if (this.#refreshToken) await this.#keeper?.keep(this.#refreshToken)
  }

  /** Resolves when no refresh is under way, or when waiting for its answer is no longer worth it. */
  async settled(): Promise<void> {
    await withPatience(this.#refreshing.settled(), sideLimitMs)
  }

  /**
   * A fresh access token, and an ID token if Autodesk sends one along. When no answer came although the request may have
   * arrived, the same refresh token is tried once more; then the sign-in counts as spent. Throws `login_required` when
   * there is nothing to refresh with, `identity_rejected` when Autodesk refuses, else what stood in the way.
   */
  refresh(signal: AbortSignal): Promise<TokenSet> {
    // Counts to its own end: the refresh token is being used up also where nobody waits for the answer any more.
    return this.#refreshing.run(() => this.#work.during(() => this.#refreshOnceOrTwice(signal)))
  }

  /**
   * An access token for a tool, with `minValidityMs` left if Autodesk grants that much; refreshed first when it has less, once
   * for all who ask, the renewals of the session among them. Trouble on the way does not take away one that still lives.
   * Throws like `refresh`, and `login_required` after `revoke`.
   */
  async handOut(minValidityMs: number, signal: AbortSignal): Promise<AccessToken> {
    const { clock } = this.#ports
    if (hasEnoughLeft(this.#current, minValidityMs, clock)) return this.#given()
    const isAlive = accessTokenLeftMs(this.#current, clock) > 0
    const trouble = this.#refreshing.isRunning ? undefined : this.#refreshTrouble
    if (trouble && clock.monotonicMs() < trouble.untilMonotonicMs) {
      if (isAlive) return this.#given()
      throw new AgentError(trouble.error.code, 'refreshing the Autodesk sign-in failed a moment ago')
    }
    try {
      await (isAlive ? withPatience(this.refresh(signal), sideLimitMs) : this.refresh(signal))
      // The patience may outlast what was left.
      if (accessTokenLeftMs(this.#current, clock) === 0) await this.refresh(signal)
    } catch (error) {
      if (accessTokenLeftMs(this.#current, clock) === 0) throw error
    }
    return this.#given()
  }

  /** As `verifiedEmailOf` the account. */
  async verifiedEmail(signal: AbortSignal): Promise<string | undefined> {
    return verifiedEmailOf(this, this.#metadata, this.#ports, signal)
  }

  /** As `accountNameOf` the account. */
  async accountName(signal: AbortSignal): Promise<string | undefined> {
    return accountNameOf(this, this.#metadata, this.#ports, signal)
  }

  /**
   * Revokes what is held, as `revokeTokens` does. Tokens that a refresh under way brings home later are revoked when they come.
   */
  async revoke(): Promise<void> {
    this.#forgotten = true
    const refreshToken = this.#refreshToken
    this.#refreshToken = undefined
    const accessToken = this.#accessToken
    this.#accessToken = undefined
    // One that a refresh has replaced since may still work, whether a tool has it or not.
    const known = new Set([...this.#living(), ...(this.#current ? [this.#current] : [])])
    const older = [...known].filter((given) => given.accessToken !== accessToken)
    this.#handedOut = []
    this.#current = undefined
    await Promise.all([
      this.#revokeEach({ ...(accessToken ? { accessToken } : {}), ...(refreshToken ? { refreshToken } : {}) }),
      ...older.map((given) => this.#revokeEach({ accessToken: given.accessToken })),
    ])
  }

  /** What another process needs to go on with them. Not while they are refreshed. */
  passOn(put: PutSecret): PassedTokens {
    const { clock } = this.#ports
    const current = this.#current
    const older = this.#living().filter((given) => given !== current)
    const isNewest = current?.accessToken === this.#accessToken
    return {
      ...this.#metadata.client,
      ...this.person,
      ...(this.#refreshToken ? { refreshToken: put(this.#refreshToken) } : {}),
      ...(this.#accessToken && !isNewest ? { newest: put(this.#accessToken) } : {}),
      ...(current ? { current: passOnAccessToken(current, put, clock) } : {}),
      isOut: current !== undefined && this.#handedOut.includes(current),
      older: older.map((given) => passOnAccessToken(given, put, clock)),
    }
  }

  /** The same in the process that goes on. Throws where it is not of this form, or not of this Autodesk app. */
  static goOn(metadata: IssuerMetadata, ports: IdentityPorts, passed: unknown, take: TakeSecret): IdentityTokens {
    const { issuer, clientId, subject, email, refreshToken, newest, current, isOut, older } = passedSchema.parse(passed)
    if (issuer !== metadata.client.issuer || clientId !== metadata.client.clientId)
      throw new AgentError('login_required', 'the configuration names another Autodesk app than the sign-in was for')
    const tokens = new IdentityTokens(metadata, ports, { subject, email }, {})
    if (refreshToken !== undefined) tokens.#refreshToken = take(refreshToken)
    if (current !== undefined) tokens.#current = takeAccessToken(current, take, ports.clock)
    tokens.#accessToken = newest === undefined ? tokens.#current?.accessToken : take(newest)
    const handedOut = older.map((one) => takeAccessToken(one, take, ports.clock))
    tokens.#handedOut = [...handedOut, ...(isOut && tokens.#current ? [tokens.#current] : [])]
    return tokens
  }

  /** Another process goes on with them: wiped here, and revoked nowhere. */
  letGo(): void {
    this.#forgotten = true
    const known = [...this.#handedOut, ...(this.#current ? [this.#current] : [])].map(({ accessToken }) => accessToken)
    for (const secret of [...known, this.#accessToken, this.#refreshToken]) secret?.wipe()
    this.#handedOut = []
    this.#current = undefined
    this.#accessToken = undefined
    this.#refreshToken = undefined
  }

  /** The token that may be handed out, noted as being out. */
  #given(): AccessToken {
    if (this.#forgotten || !this.#current) throw new AgentError('login_required', 'signed out of Autodesk meanwhile')
    const { accessToken, expiresAt, scopes } = this.#current
    this.#handedOut = [...this.#living().filter((given) => given !== this.#current), this.#current]
    return { accessToken, expiresAt, scopes }
  }

  #living(): readonly TimedAccessToken[] {
    return this.#handedOut.filter((given) => accessTokenLeftMs(given, this.#ports.clock) > 0)
  }

  #revokeEach(tokens: Partial<TokenSet>): Promise<void> {
    return revokeTokens(tokens, this.#metadata, this.#ports)
  }

  async #refreshOnceOrTwice(signal: AbortSignal): Promise<TokenSet> {
    try {
      return await this.#refreshOnce(signal)
    } catch (error) {
      if (!isOutcomeUnknown(error) || signal.aborted) throw await this.#noteRefusal(error)
      this.#ports.log.warn({ err: error }, 'the answer to a refresh was lost; trying the same refresh token once more')
    }
    try {
      return await this.#refreshOnce(signal)
    } catch (error) {
      if (isOutcomeUnknown(error)) this.#refreshToken = undefined
      throw await this.#noteRefusal(error)
    }
  }

  async #refreshOnce(signal: AbortSignal): Promise<TokenSet> {
    const refreshToken = this.#refreshToken
    if (!refreshToken) throw new AgentError('login_required', 'there is no Autodesk refresh token to renew with')
    let accessToken: Secret | undefined
    const fetch = this.#adopting(refreshToken, (adopted) => {
      accessToken = adopted
    })
    const configuration = await this.#metadata.configuration(signal, sendingToken(fetch, 'refresh_token', refreshToken))
    const response = await refreshTokenGrant(configuration, inItsPlace)
    if (!accessToken) throw new AgentError('identity_rejected', 'the refresh answered without an access token')
    // OIDC Core §12.2: the sub of a refreshed ID token is the same person's; openid-client leaves this check to us.
    const subject = response.claims()?.sub
    if (subject !== undefined && subject !== this.person.subject) {
      throw new AgentError('identity_rejected', 'the refresh answered for another Autodesk account')
    }
    if (this.#forgotten) throw new AgentError('login_required', 'signed out while the Autodesk sign-in was refreshed')
    // A refresh widens nothing, and says what is granted only where that has changed (RFC 6749 §5.1).
    const scopes = scopesOf(response.scope) ?? this.#current?.scopes
    const told = { ...(scopes ? { scopes } : {}), ...expiryOf(response) }
    this.#current = timeAccessToken(accessToken, told, this.#ports.clock)
    this.#refreshTrouble = undefined
    return { accessToken, ...(response.id_token ? { idToken: new Secret(response.id_token) } : {}) }
  }

  #adopting(sent: Secret, onAdopted: (accessToken: Secret) => void): Fetch {
    return noticingTokens(this.#ports.fetch, async (tokens) => {
      if (this.#forgotten) {
        void this.#revokeEach(tokens)
        throw new AgentError('login_required', 'signed out while the Autodesk sign-in was refreshed')
      }
      // Before the response is judged: whatever becomes of it, these are the tokens a sign-out has to revoke.
      this.#accessToken = tokens.accessToken
      onAdopted(tokens.accessToken)
      if (tokens.refreshToken && this.#refreshToken === sent) {
        this.#refreshToken = tokens.refreshToken
        // It works once, and has.
        sent.wipe()
        await this.#keeper?.keep(tokens.refreshToken)
      }
    })
  }

  async #noteRefusal(error: unknown): Promise<AgentError> {
    const translated = await translateIdentityError(error, 'refreshing the Autodesk sign-in')
    if (translated.code === 'identity_rejected') {
      this.#refreshToken = undefined
      // A sign-in that Autodesk has ended: what it made is no good any more either.
      this.#current = undefined
      void this.#keeper?.drop()
    }
    const untilMonotonicMs = this.#ports.clock.monotonicMs() + retryPauseMs
    this.#refreshTrouble = { error: translated, untilMonotonicMs }
    return translated
  }
}
