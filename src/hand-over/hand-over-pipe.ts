import type { Duplex } from 'node:stream'
import { AgentError } from '../errors.ts'
import { GatheredBytes } from '../secrets/gathered-bytes.ts'
import { encodeJson } from '../secrets/write-secrets.ts'
import { withPatience } from '../waiting/with-patience.ts'

const lineFeed = 0x0a
/** Nobody has that many sites; and a peer that says more is none. */
const longestMessageBytes = 1024 * 1024

/** The pipe between a program and the one that takes its place: JSON, one message a line; every wait has its limit. */
export class HandOverPipe {
  readonly #stream: Duplex
  readonly #pending = new GatheredBytes()
  #wake: () => void = () => undefined
  #isOver = false

  constructor(stream: Duplex) {
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => {
      if (this.#pending.length + chunk.length <= longestMessageBytes) this.#pending.add(chunk)
      else this.#end()
      chunk.fill(0)
      this.#wake()
    })
    stream.on('error', () => this.#end())
    stream.once('end', () => this.#end())
    stream.once('close', () => this.#end())
  }

  /**
   * Secrets of the message are wiped from the bytes as soon as these are sent. What cannot be sent, or is not read within the limit, is
   * the peer's end, which is heard.
   */
  async send(message: object, limitMs: number): Promise<void> {
    const bytes = encodeJson(message, '\n')
    const sent = new Promise<true>((resolve) => {
      if (this.#stream.destroyed || this.#stream.writableEnded) return resolve(true)
      this.#stream.write(bytes, () => resolve(true))
    })
    if (!(await withPatience(sent, limitMs))) {
      this.#stream.destroy()
      this.#end()
    }
    bytes.fill(0)
  }

  /** The bytes of the next message, the caller's to wipe; undefined when the peer is gone. Throws `agent_timeout`. */
  async receiveBytes(limitMs: number): Promise<Buffer | undefined> {
    const deadline = performance.now() + limitMs
    for (;;) {
      const line = this.#next()
      if (line) return line
      if (this.#isOver) return undefined
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) throw new AgentError('agent_timeout', `it said nothing for ${Math.round(limitMs / 1000)} s`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** The next message, in which there is no secret. Throws `invalid_request` for what is no JSON. */
  async receive(limitMs: number): Promise<unknown> {
    const bytes = await this.receiveBytes(limitMs)
    if (!bytes) return undefined
    try {
      return JSON.parse(bytes.toString('utf8'))
    } catch {
      throw new AgentError('invalid_request', 'it said something that is no JSON')
    }
  }

  close(): void {
    this.#pending.take().fill(0)
    this.#stream.destroy()
  }

  #next(): Buffer | undefined {
    const held = this.#pending.peek(this.#pending.length)
    const end = held.indexOf(lineFeed)
    if (end < 0) return undefined
    const all = this.#pending.take()
    const line = Buffer.from(new Uint8Array(all.subarray(0, end)).buffer)
    this.#pending.add(all.subarray(end + 1))
    all.fill(0)
    return line
  }

  #end(): void {
    this.#isOver = true
    this.#wake()
  }
}
