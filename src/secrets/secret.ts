import { createHash, randomFillSync, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'
import { AgentError } from '../errors.ts'

const mask = '[secret]'

/**
 * A token or key on its way through the program: bytes of its own, masked as long as nobody looks at them. It prints,
 * serialises and inspects as `[secret]`; `reveal()` and `use()` belong on the line that sends it and nowhere else.
 *
 * Who holds a secret wipes it when it is over. Who was given it a moment ago and looks too late gets `login_required`, never
 * zeros; who sends it for longer sends bytes of their own.
 */
export class Secret {
  // Outside the pool that small buffers share: what is wiped here must not be anybody else's.
  readonly #masked: Buffer
  readonly #pad: Buffer
  #isWiped = false

  /** Bytes are UTF-8 and copied; the caller's own are theirs to wipe. */
  constructor(value: string | Uint8Array) {
    const length = typeof value === 'string' ? Buffer.byteLength(value, 'utf8') : value.length
    this.#masked = Buffer.allocUnsafeSlow(length)
    if (typeof value === 'string') this.#masked.write(value, 'utf8')
    else this.#masked.set(value)
    this.#pad = randomFillSync(Buffer.allocUnsafeSlow(length))
    combine(this.#masked, this.#pad)
  }

  /** As text, which nobody can wipe: for what takes nothing else. Throws `login_required` once it is wiped. */
  reveal(): string {
    return this.use((bytes) => bytes.toString('utf8'))
  }

  /** Lends the bytes: they are zeros as soon as `visit` returns. Throws `login_required` once the secret is wiped. */
  use<T>(visit: (bytes: Buffer) => T): T {
    if (this.#isWiped) throw new AgentError('login_required', 'what was asked for was given up a moment ago')
    const bytes = Buffer.allocUnsafeSlow(this.#masked.length)
    this.#masked.copy(bytes)
    combine(bytes, this.#pad)
    try {
      return visit(bytes)
    } finally {
      bytes.fill(0)
    }
  }

  /** One that is wiped on its own. */
  copy(): Secret {
    return this.use((bytes) => new Secret(bytes))
  }

  /** Whether `candidate` is this secret, in time that does not depend on where the two differ. */
  equals(candidate: string | Secret): boolean {
    const other = typeof candidate === 'string' ? sha256(candidate) : candidate.use(sha256)
    // Hashing first gives both sides one length, which timingSafeEqual demands and which hides the secret's own.
    return timingSafeEqual(this.use(sha256), other)
  }

  /** Over for good. May be called again. */
  wipe(): void {
    this.#isWiped = true
    this.#masked.fill(0)
    this.#pad.fill(0)
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

function combine(bytes: Buffer, pad: Buffer): void {
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = (bytes[at] ?? 0) ^ (pad[at] ?? 0)
}

function sha256(content: string | Buffer): Buffer {
  return createHash('sha256').update(content).digest()
}
