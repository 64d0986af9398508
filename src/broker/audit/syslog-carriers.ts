import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { BrokerConfig } from '../config.ts'
import { appName, formatMessage, messageId, priorityOf, type SyslogMessage } from './syslog-message.ts'

export type SyslogPlace = NonNullable<BrokerConfig['syslog']>

/** One way to a syslog receiver. */
export interface Carrier {
  /**
   * Hands messages over to the system; no protocol of syslog tells whether the receiver took them. Throws when they, or some
   * of them, cannot be handed over. Not called again before it settles.
   */
  deliver(messages: readonly SyslogMessage[], signal: AbortSignal): Promise<void>
  close(): void
}

/** `didBreak` hears when the way breaks after messages were handed over: the last of them may not have arrived. */
export function makeCarrier(place: SyslogPlace, didBreak: () => void): Carrier {
  switch (place.protocol) {
    case 'udp':
      return datagrams(place)
    case 'unix':
      return unixSocket(place.host)
    default:
      return stream(place, didBreak)
  }
}

/** A receiver that is not there is told by ICMP, if at all, a moment after the datagram left. */
const udpAnswerMs = 100

/** RFC 5426: one message a datagram. */
function datagrams({ host, port }: SyslogPlace): Carrier {
  return {
    async deliver(messages, signal) {
      const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4')
      try {
        const failed = new Promise<never>((_resolve, reject) => {
          socket.once('error', reject)
          signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        })
        failed.catch(() => undefined)
        const within = <T>(work: Promise<T>): Promise<T> => Promise.race([failed, work])
        await within(new Promise<void>((resolve) => socket.connect(port, host, resolve)))
        for (const message of messages) {
          await within(
            new Promise<void>((resolve, reject) => {
              socket.send(formatMessage(message), (error) => (error ? reject(error) : resolve()))
            }),
          )
        }
        await within(new Promise<void>((resolve) => setTimeout(resolve, udpAnswerMs)))
      } finally {
        socket.close()
      }
    },
    close() {},
  }
}

/** RFC 5425 §4.3 for TLS, RFC 6587 §3.4.1 for plain TCP: the length stands before each message. */
function stream({ protocol, host, port }: SyslogPlace, didBreak: () => void): Carrier {
  let socket: Socket | undefined
  const open = (signal: AbortSignal): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const opening =
        protocol === 'tls'
          ? connectTls({ host, port, minVersion: 'TLSv1.2', ...(isIP(host) ? {} : { servername: host }) })
          : connect({ host, port })
      opening.on('error', reject)
      const giveUp = (): void => void opening.destroy(asError(signal.reason))
      signal.addEventListener('abort', giveUp, { once: true })
      opening.once(protocol === 'tls' ? 'secureConnect' : 'connect', () => {
        signal.removeEventListener('abort', giveUp)
        opening.setKeepAlive(true, 30_000)
        // Receivers say nothing; what they say all the same is read, so that their farewell is noticed.
        opening.resume()
        opening.once('close', () => {
          if (socket !== opening) return
          socket = undefined
          didBreak()
        })
        resolve(opening)
      })
    })
  return {
    async deliver(messages, signal) {
      socket ??= await open(signal)
      const current = socket
      const frames = messages.map(formatMessage).flatMap((message) => [Buffer.from(`${message.length} `), message])
      await new Promise<void>((resolve, reject) => {
        const giveUp = (): void => {
          // Here the caller hears of it by the rejection.
          socket = undefined
          current.destroy()
          reject(asError(signal.reason))
        }
        current.once('error', giveUp)
        current.once('close', giveUp)
        signal.addEventListener('abort', giveUp, { once: true })
        current.write(Buffer.concat(frames), (error) => {
          for (const event of ['error', 'close']) current.off(event, giveUp)
          signal.removeEventListener('abort', giveUp)
          if (error) giveUp()
          else resolve()
        })
      })
    },
    close() {
      const closing = socket
      socket = undefined
      closing?.end()
      closing?.unref()
    },
  }
}

/**
 * Node has no datagrams on unix sockets, which is what `/dev/log` is; logger(1), which every Debian has, does. It waits where
 * a full receiver makes it wait, and we do not.
 */
function unixSocket(path: string): Carrier {
  const options = ['--socket', path, '--socket-errors=on', '--prio-prefix', '--rfc5424=notq', '--size=65000']
  const names = ['--tag', appName, '--msgid', messageId, `--id=${process.pid}`]
  return {
    deliver: (messages, signal) =>
      new Promise((resolve, reject) => {
        const logger = spawn('logger', [...options, ...names], {
          env: { PATH: process.env['PATH'] ?? '' },
          stdio: ['pipe', 'ignore', 'pipe'],
          signal,
          killSignal: 'SIGKILL',
        })
        let complaint = ''
        logger.stderr.setEncoding('utf8').on('data', (chunk: string) => {
          complaint += chunk
        })
        logger.once('error', (cause) => reject(new Error(`logger(1) does not run: ${cause.message}`, { cause })))
        logger.once('close', (status) => {
          if (status === 0 && complaint === '') resolve()
          else reject(new Error(complaint.trim() || `logger(1) ended with ${status}`))
        })
        // One that ended early says why by itself.
        logger.stdin.on('error', () => undefined)
        logger.stdin.end(messages.map((message) => `<${priorityOf(message)}>${message.text}\n`).join(''))
      }),
    close() {},
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('the connection broke')
}
