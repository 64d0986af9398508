import { randomBytes } from 'node:crypto'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { AgentError } from '../errors.ts'
import type { Log } from '../ports.ts'
import { Secret } from '../secrets/secret.ts'
import type { SiteStatus } from '../session/changes.ts'
import type { PeerRow } from '../system/connection-table.ts'
import type { StallWatch } from '../system/stall-watch.ts'
import type { CallBook } from './calls.ts'
import { makeRunCertificate } from './certificate.ts'
import { Connection } from './connection.ts'
import type { Endpoint } from './endpoint-file.ts'
import type { CallingTool, Gate } from './gate.ts'
import { noteTurnedAway } from './greeting.ts'
import { type Limits, limits as standardLimits } from './limits.ts'
import { protocolsServed, protocolVersion } from './messages.ts'
import type { Desk } from './methods.ts'
import type { Identified } from './peer.ts'
import type { Met } from './peers/met.ts'
import { peerName, Strangers } from './strangers.ts'
import { nameless } from './tool-log.ts'
import { Turnstile } from './turnstile.ts'
import type { Peers } from './who-is-calling.ts'

export interface ListenerSettings {
  readonly peers: Peers
  readonly gate: Gate
  readonly calls: CallBook
  readonly log: Log
  /** Those of limits.ts when not said. */
  readonly limits?: Limits
  readonly stalls: Pick<StallWatch, 'begin'>
  /** The newest version of the protocol that is served, beside the one before it. That of messages.ts when not said. */
  readonly newestProtocol?: number
  /** Absent: it is always open. */
  readonly turnstile?: Turnstile
}

/** The agent's own socket: TLS on 127.0.0.1, a port the system chose, a certificate and a key of this run. */
export class SocketListener {
  readonly #settings: ListenerSettings
  readonly #limits: Limits
  readonly #connections = new Set<Connection>()
  readonly #strangers: Strangers
  readonly #raw = new Set<Socket>()
  /** The newest of each name. */
  readonly #met = new Map<string, Met>()
  readonly #turnstile: Turnstile
  #server: Server | undefined

  constructor(settings: ListenerSettings) {
    this.#settings = settings
    this.#turnstile = settings.turnstile ?? new Turnstile()
    this.#limits = settings.limits ?? standardLimits
    this.#strangers = new Strangers(this.#limits, settings.log)
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
    })
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

  #admit(socket: Socket): void {
    // Reset, as with every connection that finds no place: a client tells it from something else at our address.
    if (this.#raw.size >= this.#limits.connections) return void socket.resetAndDestroy()
    this.#strangers.admit(socket)
    this.#raw.add(socket)
    const name = peerName(socket)
    const met = this.#settings.peers.meet(socket)
    this.#met.set(name, met)
    void met.isForeign.then(async (isForeign) => isForeign && this.#refuseForeign(socket, await met.row))
    socket.once('close', () => {
      this.#raw.delete(socket)
      if (this.#met.get(name) === met) this.#met.delete(name)
    })
  }

  /** Of a connection that was gone before anybody could look nobody can say whose it was. */
  #refuseForeign(socket: Socket, row: PeerRow | undefined): void {
    const identified: Identified = row
      ? { kind: 'unknown', uid: row.uid, because: 'it is another user’s' }
      : { kind: 'unknown', because: 'its connection is over' }
    this.#strangers.note('not a connection of this user')
    noteTurnedAway(this.#settings.calls, row ? 'other_user' : 'no_hello', { identified, claim: nameless })
    socket.destroy()
  }

  #welcome(socket: TLSSocket, desk: Desk, key: Secret): void {
    const met = this.#met.get(peerName(socket))
    if (!met) return void socket.destroy()
    const { peers, gate, calls, stalls, log } = this.#settings
    const connection = new Connection(socket, {
      ...{ peers, met, gate, calls, stalls, log, key, desk, turnstile: this.#turnstile },
      limits: this.#limits,
      protocols: protocolsServed(this.#settings.newestProtocol ?? protocolVersion),
      onKeyShown: () => this.#strangers.letIn(socket),
      onHeld: (reason) => this.#strangers.hold(socket, reason),
      demandPlace: (identified) => this.#demandPlace(identified),
    })
    this.#connections.add(connection)
    socket.once('close', () => this.#connections.delete(connection))
  }

  #demandPlace(identified: Identified): void {
    // One program cannot have more than all have together.
    if (this.#connections.size < this.#limits.connectionsOfOneExecutable) return
    const executable = executableOf(identified)
    let open = 0
    for (const { tool } of this.#connections) {
      if (tool && executableOf(tool.identified) === executable) open += 1
    }
    if (open < this.#limits.connectionsOfOneExecutable) return
    const who = executable === undefined ? 'programs that nobody can name have' : `"${executable}" has`
    throw new AgentError('rate_limited', `${who} ${open} connections open`, {
      advice: 'Close connections that are not used, or end the program that opens too many.',
    })
  }
}

function executableOf(identified: Identified): string | undefined {
  return identified.kind === 'known' ? identified.peer.executable : undefined
}
