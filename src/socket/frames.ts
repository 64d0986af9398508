import { GatheredBytes } from '../secrets/gathered-bytes.ts'
import { encodeJson } from '../secrets/write-secrets.ts'

/** A peer sent something that is no frame; the message names the rule and quotes nothing. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

const lineFeed = 0x0a

/**
 * Cuts a byte stream into messages: UTF-8 text up to a line feed. Holds at most `maxBytes` of an unfinished message, in
 * a buffer of at most twice that: a peer that never ends its line costs no more, in whatever pieces it comes.
 */
export class FrameReader {
  readonly #pending = new GatheredBytes()
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /**
   * The messages that `chunk` completes, without their line feeds. The limit is passed each time because it rises once the
   * peer has shown the key. Throws FrameError for a line over the limit, an empty line, or bytes that are not UTF-8.
   */
  *read(chunk: Buffer, maxBytes: () => number): Generator<string> {
    let rest = chunk
    for (let end = rest.indexOf(lineFeed); end >= 0; end = rest.indexOf(lineFeed)) {
      if (this.#pending.length + end + 1 > maxBytes()) throw new FrameError('message too long')
      this.#pending.add(rest.subarray(0, end))
      const line = this.#pending.take()
      rest = rest.subarray(end + 1)
      try {
        yield this.#decode(line)
      } finally {
        // It may hold a passphrase, or the key.
        line.fill(0)
      }
    }
    if (rest.length === 0) return
    if (this.#pending.length + rest.length >= maxBytes()) throw new FrameError('message too long')
    this.#pending.add(rest)
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
