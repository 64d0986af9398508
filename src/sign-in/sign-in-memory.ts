import type { BrowserSignIn } from '../identity/browser-sign-in.ts'
import type { IdentityTokens, RefreshTokenKeeper } from '../identity/tokens.ts'
import type { Clock } from '../ports.ts'
import { isDayOver, signInMoment } from '../session/renewal-rules.ts'
import { untilAborted } from '../waiting/until-aborted.ts'
import { type RememberedSignIn, readRemembered, writeRemembered } from './remembered-sign-in.ts'
import type { StoredSecret } from './stored-secret.ts'

export interface SignInMemorySettings {
  readonly place: StoredSecret
  readonly identity: BrowserSignIn
  readonly broker: string
  readonly maxAgeMs: number
  readonly clock: Clock
  /** false: nothing is remembered, and what was when it was true is forgotten as soon as anybody asks for it. */
  readonly isOn: boolean
}

/** All of a sign-in that is remembered but its refresh token, which changes, and its broker, which does not. */
export type Facts = Omit<RememberedSignIn, 'refreshToken' | 'broker'>

/** What of a site's sign-in outlives the agent: one sign-in at a time, until it is over or its day is. */
export class SignInMemory {
  readonly #settings: SignInMemorySettings
  #owner: RememberedTokens | undefined

  constructor(settings: SignInMemorySettings) {
    this.#settings = settings
  }

  get isOn(): boolean {
    return this.#settings.isOn
  }

  get place(): StoredSecret {
    return this.#settings.place
  }

  /** Makes this the sign-in that is remembered. One that was before it, and that nobody holds, is revoked. */
  remember(facts: Facts, tokens: IdentityTokens): RememberedTokens {
    const previous = this.#owner
    const remembered = this.#own(facts, tokens)
    void previous?.tokens.revoke()
    void tokens.keepNow()
    return remembered
  }

  /** The sign-in that an earlier run left, if it may be gone on with. Throws `secret_store_unavailable`, or the signal's reason. */
  async recall(signal: AbortSignal): Promise<RememberedTokens | undefined> {
    if (!this.isOn) return void (await this.place.clear())
    const remembered = this.#owner?.tokens.canRefresh ? this.#owner : await this.#takeUp(signal)
    if (remembered && this.#isOver(remembered.facts.signedInAt)) return void (await remembered.forget())
    return remembered
  }

  /** Forgets and revokes what is remembered, whether this run has made use of it or not. Never throws; bounded in time. */
  async forget(): Promise<void> {
    if (!this.isOn) return
    const left = this.#owner ?? (await this.#takeUp(AbortSignal.timeout(forgetLimitMs)).catch(() => undefined))
    if (left) await left.forget()
    // Somebody may have signed in while the keychain was asked; that sign-in stays.
    else if (!this.#owner) await this.place.clear()
  }

  async #takeUp(signal: AbortSignal): Promise<RememberedTokens | undefined> {
    const { place, identity } = this.#settings
    const before = this.#owner
    const secret = await untilAborted(place.read(), signal)
    if (!secret || this.#owner !== before) return undefined
    const read = readRemembered(secret)
    if (!read) return void (await place.clear())
    const { refreshToken, broker, ...facts } = read
    const person = { subject: facts.subject, email: facts.account }
    const remembered = this.#own(facts, identity.takeUp(person, refreshToken))
    if (broker !== this.#settings.broker) return void (await remembered.forget())
    return remembered
  }

  /** Resolves when what is on the way to the keychain has got there, or waiting for it is no longer worth it. */
  async settled(): Promise<void> {
    await this.#owner?.tokens.settled()
    await this.place.settled()
  }

  #own(facts: Facts, tokens: IdentityTokens): RememberedTokens {
    const { place, broker } = this.#settings
    const isOwner = (): boolean => this.#owner === owner
    const owner = new RememberedTokens(facts, tokens, {
      keep: async (refreshToken) => {
        if (isOwner()) await place.keep(writeRemembered({ ...facts, broker, refreshToken }))
      },
      drop: async () => {
        if (!isOwner()) return
        this.#owner = undefined
        await place.clear()
      },
      isKept: () => isOwner() && place.isKept,
    })
    this.#owner = owner
    return owner
  }

  /** A clock that stands before the sign-in proves nothing about the day. */
  #isOver(signedInAt: number): boolean {
    const { clock, maxAgeMs } = this.#settings
    return clock.now() < signedInAt || isDayOver(signInMoment(signedInAt, clock), maxAgeMs, clock)
  }
}

const forgetLimitMs = 3_000

/** The tokens of the one sign-in that is remembered. */
export class RememberedTokens {
  readonly facts: Facts
  readonly tokens: IdentityTokens
  readonly #place: RefreshTokenKeeper & { isKept(): boolean }

  constructor(facts: Facts, tokens: IdentityTokens, place: RefreshTokenKeeper & { isKept(): boolean }) {
    this.facts = facts
    this.tokens = tokens
    this.#place = place
    tokens.keepWith(place)
  }

  /** Whether a later run could go on with them. */
  get isKept(): boolean {
    return this.tokens.canRefresh && this.#place.isKept()
  }

  /** Never throws; bounded in time. */
  async forget(): Promise<void> {
    await Promise.all([this.#place.drop(), this.tokens.revoke()])
  }
}
