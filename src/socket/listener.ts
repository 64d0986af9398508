import { randomBytes } from 'node:crypto'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Log } from '../ports.ts'
import { Secret } from '../secret.ts'
import type { SiteStatus } from '../session/changes.ts'
import type { CallBook } from './calls.ts'
import { makeRunCertificate } from './certificate.ts'
import { type CallingTool, Connection, type Gate } from './connection.ts'
import type { Endpoint } from './endpoint-file.ts'
import { limits } from './limits.ts'
import type { Desk } from './methods.ts'
import type { Peers } from './who-is-calling.ts'

export interface ListenerSettings {
  readonly peers: Peers
  readonly gate: Gate
  readonly calls: CallBook
  readonly log: Log
}

/** The agent's own socket: TLS on 127.0.0.1, a port the system chose, a certificate and a key of this run. */
export class SocketListener {
  readonly #settings: ListenerSettings
  readonly #connections = new Set<Connection>()
  /** Oldest first. */
  readonly #strangers = new Map<string, Stranger>()
  readonly #raw = new Set<Socket>()
  #server: Server | undefined

  constructor(settings: ListenerSettings) {
    this.#settings = settings
  }

  /** Starts to listen; resolves with what the endpoint file must say. */
  async open(desk: Desk): Promise<Endpoint> {
    const { certificatePem, privateKeyPem } = await makeRunCertificate()
    const key = new Secret(randomBytes(32).toString('base64url'))
    const server = createServer({
      key: privateKeyPem,
      cert: certificatePem,
      // 1.2 for the Pythons of older DCCs; TLS 1.3 wherever both can.
      minVersion: 'TLSv1.2',
      handshakeTimeout: limits.helloMs,
    })
    server.maxConnections = limits.connections
    server.on('connection', (socket: Socket) => this.#admit(socket))
    server.on('secureConnection', (socket) => this.#welcome(socket, desk, key))
    // Port scanners, browsers and plain TCP end here; nothing was said to them.
    server.on('tlsClientError', (_error, socket) => socket.destroy())
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, resolve)
    })
    server.on('error', (error) => this.#settings.log.error({ err: error }, 'the socket failed'))
    this.#server = server
    const { port } = server.address() as AddressInfo
    return { port, certificatePem, key, pid: process.pid, startedAt: Math.floor(desk.startedAt / 1000) }
  }

  announce(status: SiteStatus): void {
    for (const connection of this.#connections) connection.announce(status)
  }

  /** To the connections of the programs that `isMeant`, where nothing has changed but for them. */
  announceTo(isMeant: (tool: CallingTool) => boolean, status: SiteStatus): void {
    for (const connection of this.#connections) {
      if (connection.tool && isMeant(connection.tool)) connection.announce(status)
    }
  }

  /** Ends the connections of the programs that `isMeant`. */
  closeWhere(isMeant: (tool: CallingTool) => boolean): void {
    for (const connection of this.#connections) {
      if (connection.tool && isMeant(connection.tool)) connection.close()
    }
  }

  /** Stops listening and closes every connection. */
  async close(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = undefined
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      for (const socket of this.#raw) socket.destroy()
    })
  }

  /** The clock of a stranger starts at the TCP connection, so that a slow handshake buys no time. */
  #admit(socket: Socket): void {
    const name = peerName(socket)
    // A peer that comes back from the same port has left the old connection, even if we have not heard of it yet.
    this.#turnAway(name)
    // When all places are taken the oldest goes: an honest client needs its place for milliseconds.
    const [oldest] = this.#strangers.keys()
    if (oldest !== undefined && this.#strangers.size >= limits.strangers) this.#turnAway(oldest)
    this.#raw.add(socket)
    this.#strangers.set(name, { socket, limit: setTimeout(() => socket.destroy(), limits.helloMs) })
    socket.once('close', () => {
      this.#raw.delete(socket)
      if (this.#strangers.get(name)?.socket === socket) this.#forgetStranger(name)
    })
  }

  #welcome(socket: TLSSocket, desk: Desk, key: Secret): void {
    const stranger = peerName(socket)
    const connection = new Connection(socket, {
      ...this.#settings,
      key,
      desk,
      onAccepted: () => this.#forgetStranger(stranger),
    })
    this.#connections.add(connection)
    socket.once('close', () => this.#connections.delete(connection))
  }

  #turnAway(name: string): void {
    this.#strangers.get(name)?.socket.destroy()
    this.#forgetStranger(name)
  }

  #forgetStranger(name: string): void {
    clearTimeout(this.#strangers.get(name)?.limit)
    this.#strangers.delete(name)
  }
}

interface Stranger {
  readonly socket: Socket
  readonly limit: NodeJS.Timeout
}

function peerName(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`
}
