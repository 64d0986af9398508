import { createHash, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

const mask = '[secret]'

/**
 * A token or key on its way through the program. It prints, serialises and inspects as `[secret]`; `reveal()` belongs on
 * the line that sends it and nowhere else.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  /** Whether `candidate` is this secret, in time that does not depend on where the two differ. */
  equals(candidate: string): boolean {
    // Hashing first gives both sides one length, which timingSafeEqual demands and which hides the secret's own.
    return timingSafeEqual(sha256(this.#value), sha256(candidate))
  }

  toString(): string {
    return mask
  }

  toJSON(): string {
    return mask
  }

  [inspect.custom](): string {
    return mask
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest()
}
