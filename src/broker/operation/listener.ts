import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { AgentError } from '../../errors.ts'
import type { BrokerConfig } from '../config.ts'

export type Handle = (request: IncomingMessage, response: ServerResponse) => void
type Tls = NonNullable<BrokerConfig['listen']['tls']>

/** What a client may take of time and room before it has shown anything. */
export interface ListenerLimits {
  /** From a request's first byte to the end of its headers. */
  readonly headersMs: number
  /** A whole request: as long as the largest upload through the gateway takes. What has small bodies ends them earlier. */
  readonly requestMs: number
  /** No byte in either direction. */
  readonly silenceMs: number
  /** Between two requests; longer than nginx keeps its connections (60 s), so that the proxy is the one to close. */
  readonly keepAliveMs: number
  readonly handshakeMs: number
  readonly connections: number
}

export const listenerLimits: ListenerLimits = {
  headersMs: 10_000,
  requestMs: 3600_000,
  silenceMs: 300_000,
  keepAliveMs: 65_000,
  handshakeMs: 10_000,
  connections: 4_096,
}

const headerBytes = 16 * 1024
const minVersion = 'TLSv1.2'

/** The broker's socket. It lives as long as the process, whatever the configuration becomes; who answers is told to it. */
export class Listener {
  readonly #server: http.Server | https.Server
  /** Oldest first, by the client's address and port: a TLS connection and the TCP one below it have the same. */
  readonly #connections = new Map<string, { readonly socket: Socket; readonly answers: Set<ServerResponse> }>()
  readonly #limits: ListenerLimits
  #isClosing = false

  constructor(tls: Tls | undefined, handle: Handle, limits: ListenerLimits = listenerLimits) {
    this.#limits = limits
    const settings = {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.min(limits.headersMs / 4, 2_000),
      maxHeaderSize: headerBytes,
    }
    const onRequest: Handle = (request, response) => {
      const answers = this.#connections.get(nameOf(request.socket))?.answers
      answers?.add(response)
      response.once('close', () => answers?.delete(response))
      if (this.#isClosing) response.setHeader('connection', 'close')
      handle(request, response)
    }
    this.#server = tls
      ? https.createServer({ ...settings, ...tls, minVersion, handshakeTimeout: limits.handshakeMs }, onRequest)
      : http.createServer(settings, onRequest)
    this.#server.timeout = limits.silenceMs
    this.#server.on('connection', (socket: Socket) => this.#admit(socket))
  }

  /** Resolves with the address it listens at. Throws `config_invalid`. */
  async listen({ host, port }: { readonly host: string; readonly port: number }): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) =>
        reject(
          new AgentError('config_invalid', `"listen": cannot listen on ${host}:${port} (${cause.code ?? cause})`, {
            cause,
          }),
        ),
      )
      this.#server.listen(port, host, resolve)
    })
    const { address, family, port: taken } = this.#server.address() as AddressInfo
    const scheme = this.#server instanceof https.Server ? 'https' : 'http'
    return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${taken}`
  }

  /** New connections get this certificate; open ones keep theirs. Throws what OpenSSL says of it. */
  useCertificate(tls: Tls): void {
    if (this.#server instanceof https.Server) this.#server.setSecureContext({ ...tls, minVersion })
  }

  get connections(): number {
    return this.#connections.size
  }

  /** From now on each answer is its connection's last. */
  announceClosing(): void {
    this.#isClosing = true
    for (const { answers } of this.#connections.values()) {
      for (const answer of answers) if (!answer.headersSent) answer.setHeader('connection', 'close')
    }
  }

  /** Takes no new connections; resolves when the last one has closed, which after `limitMs` is now. */
  async close(limitMs: number): Promise<void> {
    this.announceClosing()
    const giveUp = setTimeout(() => this.#server.closeAllConnections(), limitMs)
    // Connections that have not sent a whole request yet are not worth the wait.
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const { socket, answers } of this.#connections.values()) if (answers.size === 0) socket.destroy()
    await closed
    clearTimeout(giveUp)
  }

  /** When there is no room left, the oldest connection without a request makes some: silence locks nobody out. */
  #admit(socket: Socket): void {
    const name = nameOf(socket)
    if (this.#connections.size >= this.#limits.connections) {
      const oldest = [...this.#connections.values()].find(({ answers }) => answers.size === 0)
      if (!oldest) {
        socket.destroy()
        return
      }
      oldest.socket.destroy()
    }
    this.#connections.set(name, { socket, answers: new Set() })
    socket.once('close', () => this.#connections.delete(name))
  }
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
