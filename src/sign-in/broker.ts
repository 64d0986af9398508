import { z } from 'zod'
import { AgentError, asAgentError } from '../errors.ts'
import type { BrowserReturn, BrowserSignIn } from '../identity/browser-sign-in.ts'
import type { IdentityTokens } from '../identity/tokens.ts'
import type { Ports } from '../ports.ts'
import type { TakeSecret } from '../secrets/passed-secrets.ts'
import { judgeRenewalFailure } from '../session/renewal-rules.ts'
import type { IssuedSession, Renewal, SignedIn } from '../session/session.ts'
import { type BrokerMetadata, brokerMetadataSchema, challengeSchema, nonceFor } from '../token-exchange.ts'
import { untilAborted } from '../waiting/until-aborted.ts'
import { BrokerClient } from './broker-client.ts'
import { BrokerExchanges } from './broker-exchanges.ts'
import { makeSignInKey, restoreSignInKey, type SignInKey } from './sign-in-key.ts'
import type { Facts, RememberedTokens, SignInMemory } from './sign-in-memory.ts'
import type { ResumableWayIn, SignInRequest, TakenSignIn } from './way-in.ts'

export interface BrokerWaySettings {
  readonly site: string
  readonly broker: string
  readonly identity: BrowserSignIn
  /** Absent where nothing can be kept. */
  readonly memory?: SignInMemory
}

const refreshLimitMs = 60_000

const passedSchema = z.object({
  metadata: brokerMetadataSchema,
  key: z.number().int().nonnegative(),
  signInChallenge: challengeSchema.shape.challenge,
  tokens: z.unknown(),
  isRemembered: z.boolean(),
})
type Passed = z.input<typeof passedSchema>

function factsOf(
  { session, account, signedInAt }: TakenSignIn,
  tokens: IdentityTokens,
  { privateJwk }: SignInKey,
  signInChallenge: string,
): Facts {
  const whose = {
    subject: tokens.person.subject,
    userId: session.userId,
    ...(account === undefined ? {} : { account }),
  }
  return { privateJwk, signInChallenge, signedInAt, ...whose }
}

/** Signing in through Autodesk Identity and the studio's broker. */
export class BrokerWayIn implements ResumableWayIn {
  readonly name = 'broker'
  readonly #settings: BrokerWaySettings
  readonly #ports: Pick<Ports, 'fetch' | 'clock'>
  readonly #client: BrokerClient

  constructor(settings: BrokerWaySettings, ports: Pick<Ports, 'fetch' | 'clock'>) {
    this.#settings = settings
    this.#ports = ports
    this.#client = new BrokerClient(settings.broker, ports.fetch, ports.clock)
  }

  async signIn(request: SignInRequest): Promise<SignedIn> {
    const { identity, memory } = this.#settings
    const { signal } = request
    // Both are asked at once, one of them across the world.
    identity.prepare(signal)
    // Asked before the browser opens: an artist should not sign in only to hear that the broker is down.
    const metadata = await this.#metadata(signal)
    const key = await makeSignInKey()
    const signInChallenge = await this.#client.challenge(metadata, signal)
    const nonce = nonceFor(signInChallenge, key.thumbprint)
    const onBrowser = (step: BrowserReturn): void => request.onStep({ kind: 'browser', ...step })
    const { switchUser } = request
    return identity.run({ switchUser, onBrowser, signal, nonce }, async ({ tokens, idToken }) => {
      const exchanges = this.#exchanges(metadata, tokens, key, signInChallenge)
      const [session, account] = await Promise.all([exchanges.first(idToken, signal), tokens.accountName(signal)])
      const remember = (signedInAt: number): RememberedTokens | undefined => {
        if (!memory?.isOn || !tokens.canRefresh) return undefined
        return memory.remember(factsOf({ session, account, signedInAt }, tokens, key, signInChallenge), tokens)
      }
      const renewal = this.#renewal(exchanges, tokens, undefined, remember)
      return { session, renewal, ...(account === undefined ? {} : { account }) }
    })
  }

  async goOn(taken: TakenSignIn, passed: unknown, take: TakeSecret): Promise<Renewal> {
    const { identity, memory, broker, site } = this.#settings
    const { metadata, key: number, signInChallenge, isRemembered, tokens: passedTokens } = passedSchema.parse(passed)
    this.#client.demandOwn(metadata)
    if (!metadata.sites_supported.includes(site)) throw new AgentError('site_unknown', `not served by "${broker}"`)
    const key = await restoreSignInKey(take(number))
    const tokens = identity.goOn(passedTokens, take)
    const exchanges = this.#exchanges(metadata, tokens, key, signInChallenge)
    const isToBeRemembered = memory?.isOn && isRemembered && tokens.canRefresh
    const remembered = isToBeRemembered
      ? memory.remember(factsOf(taken, tokens, key, signInChallenge), tokens)
      : undefined
    return this.#renewal(exchanges, tokens, remembered, () => remembered)
  }

  async resume(signal: AbortSignal): Promise<SignedIn> {
    const remembered = await this.#settings.memory?.recall(signal)
    if (!remembered) throw new AgentError('login_required', 'no sign-in is remembered')
    try {
      return await this.#goOnWith(remembered, signal)
    } catch (thrown) {
      const error = asAgentError(thrown)
      // A refusal stays one; trouble on the way may be gone when this is tried again.
      if (!signal.aborted && judgeRenewalFailure(error.code) !== 'try_again') await remembered.forget()
      throw error
    }
  }

  async forgetRemembered(): Promise<void> {
    await this.#settings.memory?.forget()
  }

  async settled(): Promise<void> {
    await this.#settings.memory?.settled()
  }

  get secretStoreProblem(): AgentError | undefined {
    const { memory } = this.#settings
    return memory?.isOn ? memory.place.problem : undefined
  }

  async #goOnWith(remembered: RememberedTokens, signal: AbortSignal): Promise<SignedIn> {
    const { facts, tokens } = remembered
    // Before the refresh token is used up: with a broker that is down nothing would come of it.
    const metadata = await this.#metadata(signal)
    const key = await restoreSignInKey(facts.privateJwk)
    const exchanges = this.#exchanges(metadata, tokens, key, facts.signInChallenge)
    const session = await untilAborted(exchanges.renew(AbortSignal.timeout(refreshLimitMs), signal), signal)
    if (session.userId !== facts.userId) {
      throw new AgentError('session_owner_mismatch', 'the resumed session is not the same person’s')
    }
    const renewal = this.#renewal(exchanges, tokens, remembered, () => remembered)
    const account = facts.account === undefined ? {} : { account: facts.account }
    return { session, renewal, signedInAt: facts.signedInAt, ...account }
  }

  async #metadata(signal: AbortSignal): Promise<BrokerMetadata> {
    const { broker, site } = this.#settings
    const metadata = await this.#client.metadata(signal)
    if (!metadata.sites_supported.includes(site)) {
      throw new AgentError('site_unknown', `the broker "${broker}" does not serve "${site}"`)
    }
    return metadata
  }

  #exchanges(metadata: BrokerMetadata, tokens: IdentityTokens, key: SignInKey, signInChallenge: string) {
    const { site } = this.#settings
    const ports = this.#ports
    return new BrokerExchanges({ site, client: this.#client, ports, metadata, tokens, key, signInChallenge })
  }

  #renewal(
    exchanges: BrokerExchanges,
    tokens: IdentityTokens,
    before: RememberedTokens | undefined,
    remember: (signedInAt: number) => RememberedTokens | undefined,
  ): Renewal {
    const over = new AbortController()
    let remembered = before
    const end = (): void => over.abort(new AgentError('login_required', 'signed out while the session was renewed'))
    const forget = (): Promise<void> => {
      end()
      return remembered ? remembered.forget() : tokens.revoke()
    }
    return {
      renew: (signal) => exchanges.renew(signal, over.signal),
      check: (held: IssuedSession, signal) => exchanges.check(held, signal),
      leftAtSiteMs: (held: IssuedSession, signal) => exchanges.leftAtSiteMs(held, signal),
      autodeskToken: (minValidityMs, signal) => tokens.handOut(minValidityMs, signal),
      remember: (signedInAt) => {
        remembered = remember(signedInAt)
      },
      forget,
      passOn: (put) => ({ ...exchanges.passOn(put), isRemembered: remembered !== undefined }) satisfies Passed,
      letGo: () => {
        end()
        tokens.letGo()
        exchanges.letGo()
      },
      release: async () => {
        end()
        // A refresh under way brings home the only token that still works.
        if (remembered) await this.settled()
        if (!remembered?.isKept) await forget()
      },
    }
  }
}
