import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Endpoint } from '../../src/socket/endpoint-file.ts'

/** A peer that says exactly what a test tells it to, and hears every byte. */
export class RawLine {
  readonly #socket: Socket
  #heard = Buffer.alloc(0)
  #waiting: (() => void) | undefined
  readonly closed: Promise<void>

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#heard = Buffer.concat([this.#heard, chunk])
      this.#waiting?.()
    })
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) =>
      socket.once('close', () => {
        this.#waiting?.()
        resolve()
      }),
    )
  }

  static async tls(endpoint: Endpoint): Promise<RawLine> {
    const socket = connectTls({
      host: '127.0.0.1',
      port: endpoint.port,
      ca: endpoint.certificatePem,
      checkServerIdentity: () => undefined,
    })
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    return new RawLine(socket)
  }

  static async tcp(port: number): Promise<RawLine> {
    const socket = connectTcp(port, '127.0.0.1')
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new RawLine(socket)
  }

  static async greeted(endpoint: Endpoint): Promise<RawLine> {
    const line = await RawLine.tls(endpoint)
    line.send(hello(endpoint.key.reveal()))
    await line.message()
    return line
  }

  get heard(): Buffer {
    return this.#heard
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed
  }

  /** Objects go as JSON with a line feed; text and bytes as they are. */
  send(what: object | string | Buffer): void {
    if (typeof what === 'string' || Buffer.isBuffer(what)) this.#socket.write(what)
    else this.#socket.write(`${JSON.stringify(what)}\n`)
  }

  /** The next whole message, or undefined when the connection closes first. */
  async message(): Promise<Record<string, unknown> | undefined> {
    for (;;) {
      const end = this.#heard.indexOf(0x0a)
      if (end >= 0) {
        const line = this.#heard.subarray(0, end).toString('utf8')
        this.#heard = this.#heard.subarray(end + 1)
        return JSON.parse(line) as Record<string, unknown>
      }
      if (this.#socket.destroyed) return undefined
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
  }

  stopReading(): void {
    this.#socket.pause()
  }

  goOnReading(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#socket.destroy()
  }
}

export function hello(key: string, change: object = {}): object {
  return {
    jsonrpc: '2.0',
    id: 1,
    method: 'hello',
    params: { protocol: 1, key, client: { name: 'test', version: '1', pid: process.pid }, ...change },
  }
}
