import { AgentError } from '../errors.ts'
import type { Log, SecretStore } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import { withPatience } from '../waiting/with-patience.ts'

export interface StoredSecretSettings {
  readonly store: SecretStore
  readonly name: string
  readonly log: Log
  /** How long anybody waits for the store to write. Default 2,000. */
  readonly writeLimitMs?: number
  /** The same for reading, where the keychain may ask the person to unlock it. Default 30,000. */
  readonly readLimitMs?: number
}

interface Content {
  readonly secret: Secret | undefined
}

/**
 * One name in the system's keychain. What is wanted there last gets there last, however slow the keychain is; nobody waits
 * for it long, and nothing it does is anybody's failure but its own: `problem` tells.
 */
export class StoredSecret {
  readonly #settings: StoredSecretSettings
  /** What this run wants under the name; undefined as long as it wants what is there. */
  #wanted: Content | undefined
  #applied: Content | undefined
  #applying: Promise<void> | undefined
  #isLate = false
  #problem: AgentError | undefined

  constructor(settings: StoredSecretSettings) {
    this.#settings = settings
  }

  /** What stands in the way of the keychain just now. */
  get problem(): AgentError | undefined {
    return this.#problem
  }

  /** Whether the keychain holds what this run wants it to hold. */
  get isKept(): boolean {
    return this.#wanted?.secret !== undefined && this.#applied === this.#wanted
  }

  /** What is under the name. Throws `secret_store_unavailable`. */
  async read(): Promise<Secret | undefined> {
    if (this.#wanted) return this.#wanted.secret
    const { store, name, readLimitMs = 30_000 } = this.#settings
    let isAnswered = false
    const asked = (async () => store.get(name))().finally(() => {
      isAnswered = true
    })
    try {
      const found = await withPatience(asked, readLimitMs)
      if (!isAnswered) throw new AgentError('secret_store_unavailable', 'the keychain does not answer')
      this.#problem = undefined
      // From here on it is this run's: what is written meanwhile is newer.
      this.#wanted ??= this.#applied = { secret: found }
      return this.#wanted.secret
    } catch (thrown) {
      throw this.#note(thrown)
    }
  }

  /** Resolves when the secret is kept, or waiting for it is no longer worth it. Never throws. */
  keep(secret: Secret): Promise<void> {
    return this.#want(secret)
  }

  /** Resolves when nothing is under the name any more, or waiting for it is no longer worth it. Never throws. */
  async clear(): Promise<void> {
    const isWanted = this.#wanted !== undefined && this.#wanted.secret === undefined
    const isDone = isWanted && (this.#applying !== undefined || this.#applied === this.#wanted)
    await (isDone ? this.#waited() : this.#want(undefined))
  }

  /** Resolves when what is wanted was tried, or waiting for it is no longer worth it. */
  settled(): Promise<void> {
    return this.#waited()
  }

  #want(secret: Secret | undefined): Promise<void> {
    this.#wanted = { secret }
    this.#applying ??= this.#apply()
    return this.#waited()
  }

  async #waited(): Promise<void> {
    const applying = this.#applying
    // Who comes while others have given up does not begin to wait anew.
    if (!applying || this.#isLate) return
    await withPatience(applying, this.#settings.writeLimitMs ?? 2_000)
    if (this.#applying !== applying || this.#isLate) return
    this.#isLate = true
    this.#note(new AgentError('secret_store_unavailable', 'the keychain does not answer'))
  }

  async #apply(): Promise<void> {
    const { store, name } = this.#settings
    // Again for what came to be wanted meanwhile; what failed is not tried again by itself.
    for (let tried: Content | undefined; this.#wanted && this.#wanted !== tried; ) {
      const wanted = this.#wanted
      tried = wanted
      try {
        await (wanted.secret ? store.set(name, wanted.secret) : store.delete(name))
        this.#applied = wanted
        this.#problem = undefined
      } catch (thrown) {
        this.#note(thrown)
      }
    }
    this.#applying = undefined
    this.#isLate = false
  }

  #note(thrown: unknown): AgentError {
    const error =
      thrown instanceof AgentError
        ? thrown
        : new AgentError('secret_store_unavailable', 'the keychain cannot be used', { cause: thrown })
    this.#settings.log.warn({ err: error }, 'the keychain failed')
    this.#problem = error
    return error
  }
}
