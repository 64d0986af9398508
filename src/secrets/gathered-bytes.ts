/**
 * Bytes that come in pieces, in one buffer of at most twice their length: a peer that sends them one by one costs no more than
 * one that sends them at once. Pieces kept as they came cost hundreds of bytes each.
 */
export class GatheredBytes {
  #held: Buffer<ArrayBuffer> = Buffer.alloc(0)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Copies; the piece stays the caller's. */
  add(piece: Uint8Array): void {
    const needed = this.#length + piece.length
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#held.length))
      larger.set(this.#held.subarray(0, this.#length))
      this.#held.fill(0)
      this.#held = larger
    }
    this.#held.set(piece, this.#length)
    this.#length = needed
  }

  /** The first bytes as they are now, for a look: what is added later may go elsewhere. */
  peek(end: number): Buffer<ArrayBuffer> {
    return this.#held.subarray(0, Math.min(end, this.#length))
  }

  /** All of them, which are the caller's now; there are none afterwards. */
  take(): Buffer<ArrayBuffer> {
    const all = this.peek(this.#length)
    this.#held = Buffer.alloc(0)
    this.#length = 0
    return all
  }
}
