import { AgentError } from '../errors.ts'
import type { Secret } from './secret.ts'

/** The number that stands for a secret in what is said beside it. */
export type PutSecret = (secret: Secret) => number
/** The secret of a number, which is the caller's from then on. Throws `invalid_request` where there is none, or it was taken. */
export type TakeSecret = (number: number) => Secret

/** Secrets that go from one process to the next beside a text that names them by number: in that text stands none. */
export class PassedSecrets {
  readonly #secrets: (Secret | undefined)[]

  constructor(secrets: readonly Secret[] = []) {
    this.#secrets = [...secrets]
  }

  get all(): readonly Secret[] {
    return this.#secrets.filter((secret) => secret !== undefined)
  }

  readonly put: PutSecret = (secret) => this.#secrets.push(secret) - 1

  readonly take: TakeSecret = (number) => {
    const secret = this.#secrets[number]
    if (!secret) throw new AgentError('invalid_request', `there is no secret ${number} in what was handed over`)
    this.#secrets[number] = undefined
    return secret
  }

  /** Wipes those that nobody has taken. */
  wipe(): void {
    for (const secret of this.all) secret.wipe()
    this.#secrets.fill(undefined)
  }
}
