import { randomBytes } from 'node:crypto'
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import { judgeRefreshUse } from './refresh-rotation.ts'
import type { IdentitySwitches } from './switches.ts'

interface Entry {
  readonly model: string
  readonly id: string
  readonly payload: AdapterPayload
  readonly expiresAtMs: number
  consumedAtMs?: number
}

type RotationSwitches = Pick<IdentitySwitches, 'refreshGraceMs' | 'refreshRotates'>

/**
 * What one provider remembers: sessions, grants, codes, tokens. It lives and dies with the sandbox, and it is the one
 * place where a code or a refresh token is spent, so two simultaneous uses cannot both be the first.
 */
export class ProviderMemory {
  readonly #entries = new Map<string, Entry>()
  readonly #switches: RotationSwitches
  #writes = 0

  /** `switches` is read at each use, so a change takes effect at once. */
  constructor(switches: RotationSwitches) {
    this.#switches = switches
  }

  /** Ids of the living grants of one account. */
  grantsOf(accountId: string): string[] {
    return [...this.#entries.values()]
      .filter(({ model, payload }) => model === 'Grant' && payload.accountId === accountId)
      .map(({ id }) => id)
  }

  /** The living refresh tokens of one account, spent ones too. */
  refreshTokensOf(accountId: string): string[] {
    return [...this.#entries.values()]
      .filter(({ model, payload }) => model === 'RefreshToken' && payload.accountId === accountId)
      .map(({ id }) => id)
  }

  /** Ends a grant, and with it every code and token that came from it. */
  endGrant(grantId: string): void {
    this.#entries.delete(`Grant:${grantId}`)
    for (const model of ['AuthorizationCode', 'AccessToken', 'RefreshToken']) this.#forgetTokens(model, grantId)
  }

  clear(): void {
    this.#entries.clear()
  }

  adapterFor(model: string): Adapter {
    return {
      upsert: async (id, payload, expiresInS) => {
        this.#forgetExpired()
        const expiresAtMs = expiresInS === undefined ? Number.POSITIVE_INFINITY : Date.now() + expiresInS * 1000
        this.#entries.set(`${model}:${id}`, {
          model,
          id,
          payload: model === 'AuthorizationCode' ? withChallenge(payload) : payload,
          expiresAtMs,
        })
      },
      find: async (id) => this.#read(this.#living(model, id)),
      findByUid: async (uid) =>
        this.#read([...this.#entries.values()].find((entry) => entry.model === model && entry.payload.uid === uid)),
      findByUserCode: async () => undefined,
      consume: async (id) => this.#consume(this.#living(model, id)),
      destroy: async (id) => {
        this.#entries.delete(`${model}:${id}`)
      },
      revokeByGrantId: async (grantId) => this.#forgetTokens(model, grantId),
    }
  }

  #living(model: string, id: string): Entry | undefined {
    const entry = this.#entries.get(`${model}:${id}`)
    return entry && entry.expiresAtMs > Date.now() ? entry : undefined
  }

  #read(entry: Entry | undefined): AdapterPayload | undefined {
    if (!entry) return undefined
    // A copy: the provider writes on what it reads before it decides to save.
    const payload = structuredClone(entry.payload)
    if (entry.consumedAtMs === undefined) return payload
    const consumed = { ...payload, consumed: Math.floor(entry.consumedAtMs / 1000) }
    if (entry.model !== 'RefreshToken') return consumed
    switch (judgeRefreshUse(entry.consumedAtMs, Date.now(), this.#switches)) {
      case 'first':
      case 'within-grace':
        return payload
      case 'replay':
        // The provider ends the family of every consumed token it sees; what it cannot find it only refuses.
        return undefined
      case 'replay-kills-family':
        return consumed
    }
  }

  /** Throws `invalid_grant` when somebody else was faster: the provider's own look is long before this moment. */
  #consume(entry: Entry | undefined): void {
    if (!entry) throw new errors.InvalidGrant('gone since it was found')
    if (entry.consumedAtMs === undefined) {
      entry.consumedAtMs = Date.now()
      return
    }
    const use =
      entry.model === 'RefreshToken'
        ? judgeRefreshUse(entry.consumedAtMs, Date.now(), this.#switches)
        : 'replay-kills-family' // RFC 6749 §4.1.2: a code used twice revokes what it brought
    if (use === 'within-grace') return
    if (use === 'replay-kills-family' && entry.payload.grantId) this.endGrant(entry.payload.grantId)
    throw new errors.InvalidGrant('already used')
  }

  #forgetTokens(model: string, grantId: string): void {
    for (const [key, entry] of this.#entries) {
      if (entry.model === model && entry.payload.grantId === grantId) this.#entries.delete(key)
    }
  }

  #forgetExpired(): void {
    // Every 256th write is often enough for a sandbox that runs for days.
    this.#writes += 1
    if (this.#writes % 256 !== 0) return
    for (const [key, entry] of this.#entries) {
      if (entry.expiresAtMs <= Date.now()) this.#entries.delete(key)
    }
  }
}

/**
 * Autodesk took an authorization request without `code_challenge` and refused its code at the token call (2023,
 * facts/identity §1.2). A challenge nobody has the verifier for does exactly that.
 */
function withChallenge(payload: AdapterPayload): AdapterPayload {
  if (payload.codeChallenge) return payload
  return { ...payload, codeChallenge: randomBytes(32).toString('base64url'), codeChallengeMethod: 'S256' }
}
