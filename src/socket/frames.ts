import { encodeJson } from '../write-secrets.ts'

/** A peer sent something that is no frame; the message names the rule and quotes nothing. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

const lineFeed = 0x0a

/**
 * Cuts a byte stream into messages: UTF-8 text up to a line feed. Holds at most `maxBytes` of an unfinished message, so a
 * peer that never ends its line costs no more than that.
 */
export class FrameReader {
  #pending: Buffer[] = []
  #pendingBytes = 0
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /**
   * The messages that `chunk` completes, without their line feeds. The limit is passed each time because it rises once the
   * peer has shown the key. Throws FrameError for a line over the limit, an empty line, or bytes that are not UTF-8.
   */
  *read(chunk: Buffer, maxBytes: () => number): Generator<string> {
    let rest = chunk
    for (let end = rest.indexOf(lineFeed); end >= 0; end = rest.indexOf(lineFeed)) {
      if (this.#pendingBytes + end + 1 > maxBytes()) throw new FrameError('message too long')
      const line = Buffer.concat([...this.#pending, rest.subarray(0, end)])
      this.#pending = []
      this.#pendingBytes = 0
      rest = rest.subarray(end + 1)
      try {
        yield this.#decode(line)
      } finally {
        // It may hold a passphrase, or the key.
        line.fill(0)
      }
    }
    if (rest.length === 0) return
    if (this.#pendingBytes + rest.length >= maxBytes()) throw new FrameError('message too long')
    this.#pending.push(rest)
    this.#pendingBytes += rest.length
  }

  #decode(line: Buffer): string {
    if (line.length === 0) throw new FrameError('empty message')
    try {
      return this.#decoder.decode(line)
    } catch {
      throw new FrameError('not UTF-8')
    }
  }
}

/**
 * One message as it goes on the wire, its secrets revealed; to be wiped when it is sent. Throws FrameError when it is over
 * `maxBytes`, `login_required` where a secret is wiped.
 */
export function encodeFrame(message: object, maxBytes: number): Buffer {
  const frame = encodeJson(message, '\n')
  if (frame.length > maxBytes) throw new FrameError('message too long')
  return frame
}
