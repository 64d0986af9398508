import type { Socket } from 'node:net'
import type { Log } from '../ports.ts'
import type { Limits } from './limits.ts'

interface Stranger {
  readonly socket: Socket
  stepsLeft: number
}

/** A stranger's time is counted in steps: in one that the event loop is late with, nobody could be heard. */
const steps = 8

/**
 * The connections that have not shown the key. Each has two seconds from its TCP connection on, so that a slow handshake buys
 * no time, and one that has said something wrong is held until they are over: guessing costs time, and the end tells nothing.
 * An agent that is late itself gives more: whoever speaks in time is heard, also in a storm.
 */
export class Strangers {
  readonly #limits: Limits
  readonly #log: Log
  /** Oldest first. */
  readonly #waiting = new Map<string, Stranger>()
  /** Those that have said something wrong; oldest mistake first. */
  readonly #held = new Map<string, Stranger>()
  #logged = 0
  #unlogged = 0
  #minute: NodeJS.Timeout | undefined
  #clock: NodeJS.Timeout | undefined

  constructor(limits: Limits, log: Log) {
    this.#limits = limits
    this.#log = log
  }

  admit(socket: Socket): void {
    const name = peerName(socket)
    // A peer that comes back from the same port has left the old connection, even if we have not heard of it yet.
    this.#find(name)?.socket.destroy()
    this.#forget(name)
    if (this.#waiting.size + this.#held.size >= this.#limits.strangers) this.#makePlace()
    // One more than there are: the first is under way.
    this.#waiting.set(name, { socket, stepsLeft: steps + 1 })
    this.#clock ??= setInterval(() => this.#step(), this.#limits.helloMs / steps)
    socket.once('close', () => {
      if (this.#find(name)?.socket === socket) this.#forget(name)
    })
  }

  /** It has shown the key: its time and its place are given back. */
  letIn(socket: Socket): void {
    this.#forget(peerName(socket))
  }

  /** It has said something wrong. Its time goes on; when places are short, its own is the first to go. */
  hold(socket: Socket, reason: string): void {
    const name = peerName(socket)
    const stranger = this.#waiting.get(name)
    if (!stranger) return
    this.#waiting.delete(name)
    this.#held.set(name, stranger)
    this.note(reason)
  }

  /** Who has shown itself to be wrong goes first, then the oldest: an honest client needs its place for milliseconds. */
  #makePlace(): void {
    const [name] = this.#held.size > 0 ? this.#held.keys() : this.#waiting.keys()
    // A reset, so that a client can tell it from something else at our address.
    this.#find(name ?? '')?.socket.resetAndDestroy()
    this.#forget(name ?? '')
  }

  #forget(name: string): void {
    this.#waiting.delete(name)
    this.#held.delete(name)
    if (this.#waiting.size + this.#held.size > 0) return
    clearInterval(this.#clock)
    this.#clock = undefined
  }

  #step(): void {
    for (const stranger of [...this.#held.values(), ...this.#waiting.values()]) {
      stranger.stepsLeft -= 1
      if (stranger.stepsLeft <= 0) stranger.socket.destroy()
    }
  }

  #find(name: string): Stranger | undefined {
    return this.#waiting.get(name) ?? this.#held.get(name)
  }

  /** Logs why one was not let in. A flood of strangers must not become a flood of lines. */
  note(reason: string): void {
    this.#minute ??= setTimeout(() => this.#turnMinute(), 60_000).unref()
    if (this.#logged < this.#limits.loggedStrangers) {
      this.#logged += 1
      this.#log.warn({ reason }, 'a stranger was not let in')
    } else {
      this.#unlogged += 1
    }
  }

  #turnMinute(): void {
    if (this.#unlogged > 0) this.#log.warn({ count: this.#unlogged }, 'more strangers were not let in')
    this.#minute = undefined
    this.#logged = 0
    this.#unlogged = 0
  }
}

/** Of one peer at a time: its ports may come back. */
export function peerName(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`
}
