import { ExchangeStage, type Prepared } from './exchange-stage.ts'
import { refusalOf } from './world.ts'

export type Claims = Record<string, unknown>

export const now = (): number => Math.floor(Date.now() / 1000)

/** A broker that is shown ID tokens which nobody was given. */
export class ForgeryStage {
  readonly #stage: ExchangeStage

  private constructor(stage: ExchangeStage) {
    this.#stage = stage
  }

  static async open(): Promise<ForgeryStage> {
    return new ForgeryStage(await ExchangeStage.open())
  }

  close(): Promise<void> {
    return this.#stage.close()
  }

  get issuer(): string {
    return this.#stage.world.identity.issuer
  }

  /** The claims of a token that is right in everything. */
  goodClaims({ nonce }: Prepared): Claims {
    return {
      iss: this.issuer,
      aud: 'sg-session-tray',
      sub: 'ARTIST000001',
      iat: now(),
      exp: now() + 3600,
      nonce,
      email: 'artist@studio.example',
      email_verified: true,
    }
  }

  /** Signed with the issuer's own key unless `header` says otherwise: a refusal is about the one thing that is wrong. */
  forge(own: Prepared, claims: Claims = {}, header?: Claims): Promise<string> {
    return this.#stage.world.identity.forgeIdToken({ ...this.goodClaims(own), ...claims }, header)
  }

  /** The same over any text in the place of claims. */
  forgeText(text: string, header?: Claims): Promise<string> {
    return this.#stage.world.identity.forgeIdToken(text, header)
  }

  /** `ok`, or how the broker refuses a token made for a new sign-in. What is refused reaches no site. */
  async judge(make: (own: Prepared) => string | Promise<string>): Promise<string> {
    const own = await this.#stage.begin()
    const subjectToken = await make(own)
    const { calls } = this.#stage.world.site
    const before = [...calls]
    const refusal = await refusalOf(this.#stage.exchange(own, { subjectToken }))
    if (refusal !== 'ok' && JSON.stringify([...calls]) !== JSON.stringify(before))
      return `${refusal}, but a site was asked`
    return refusal
  }
}

/** What the broker says of them. */
export const says = {
  notRs256: 'subject_token_rejected: the ID token is not a valid RS256 token of the issuer',
  noSuchKey: 'subject_token_rejected: the ID token is signed by a key the issuer does not have',
  isWrong: (name: string) => `subject_token_rejected: the ID token: "${name}" is wrong`,
  isNot: (name: string) => `subject_token_rejected: the ID token: "${name}" is not what it must be`,
  expired: 'subject_token_rejected: the ID token has expired',
  tooLong: 'subject_token_rejected: the ID token lives too long',
  alsoOthers: 'subject_token_rejected: the ID token is for another application as well',
  future: 'subject_token_rejected: the ID token is from the future',
  notOfKey: 'proof_rejected: the ID token does not belong to the key of this proof',
  tooOld: 'proof_rejected: the ID token is too old for a sign-in',
}
