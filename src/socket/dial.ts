import { X509Certificate } from 'node:crypto'
import { connect, type TLSSocket } from 'node:tls'
import { AgentError } from '../errors.ts'
import type { Endpoint } from './endpoint-file.ts'
import { encodeFrame, FrameReader } from './frames.ts'
import { parseJsonText } from './json-text.ts'
import { limits } from './limits.ts'
import {
  judgeReply,
  type Method,
  methods,
  type Notification,
  type NotificationParams,
  notifications,
  type ParamsInput,
  protocolVersion,
  type Reply,
  type RequestId,
  type Result,
} from './messages.ts'

export interface Caller {
  readonly name: string
  readonly version: string
}

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
}

/** A client's connection to an agent that has proved to be the one of the endpoint file. */
export class Line {
  readonly #socket: TLSSocket
  readonly #frames = new FrameReader()
  readonly #waiting = new Map<RequestId, Waiting>()
  readonly #listeners = new Set<(method: string, params: unknown) => void>()
  #lastId = 0
  #broken: AgentError | undefined
  /** Resolves with the reason when the connection is gone. */
  readonly closed: Promise<AgentError>

  constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#fail(new AgentError('agent_not_running', 'sg-session closed the connection'))
        resolve(this.#broken ?? new AgentError('agent_not_running'))
      })
    })
    socket.on('error', (error) =>
      this.#fail(new AgentError('agent_not_running', 'the connection to sg-session broke', { cause: error })),
    )
  }

  /** Throws the agent's error, `agent_timeout`, or `agent_not_running` when the connection breaks. */
  async request<M extends Method>(method: M, params: ParamsInput<M>, timeoutMs: number): Promise<Result<M>> {
    if (this.#broken) throw this.#broken
    this.#lastId += 1
    const id = this.#lastId
    const frame = encodeOwn({ jsonrpc: '2.0', id, method, params })
    let timer: NodeJS.Timeout | undefined
    try {
      const result = await new Promise<unknown>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject })
        const late = `no answer to "${method}" within ${timeoutMs / 1000} s`
        timer = setTimeout(() => reject(new AgentError('agent_timeout', late)), timeoutMs)
        this.#socket.write(frame)
      })
      const judged = methods[method].result.safeParse(result)
      if (!judged.success)
        throw new AgentError('unsupported_version', `the answer to "${method}" is not of protocol ${protocolVersion}`)
      return judged.data as Result<M>
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  /** Calls `listener` with each notification of that name; returns how to stop. */
  onNotification<N extends Notification>(name: N, listener: (params: NotificationParams<N>) => void): () => void {
    const heard = (method: string, params: unknown): void => {
      if (method !== name) return
      const judged = notifications[name].safeParse(params)
      if (judged.success) listener(judged.data as NotificationParams<N>)
    }
    this.#listeners.add(heard)
    return () => void this.#listeners.delete(heard)
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    try {
      for (const line of this.#frames.read(chunk, () => limits.messageBytes)) {
        this.#take(judgeReply(parseJsonText(line, limits.jsonDepth)))
      }
    } catch (cause) {
      this.#fail(
        new AgentError('unsupported_version', 'sg-session said something that is not of the protocol', { cause }),
      )
      this.#socket.destroy()
    }
  }

  #take(reply: Reply): void {
    if (reply.kind === 'notification') {
      for (const listener of [...this.#listeners]) listener(reply.method, reply.params)
      return
    }
    if (reply.id === null) return
    const waiting = this.#waiting.get(reply.id)
    if (reply.kind === 'error') waiting?.reject(reply.error)
    else waiting?.resolve(reply.result)
  }

  #fail(error: AgentError): void {
    this.#broken ??= error
    for (const waiting of this.#waiting.values()) waiting.reject(this.#broken)
  }
}

/** What the agent could not read it could not answer either: such a request is refused before it is sent. */
function encodeOwn(message: object): Buffer {
  try {
    const frame = encodeFrame(message, limits.messageBytes)
    parseJsonText(frame.toString('utf8').trimEnd(), limits.jsonDepth)
    return frame
  } catch (cause) {
    throw new AgentError('invalid_request', `the request ${cause instanceof Error ? cause.message : 'is wrong'}`, {
      cause,
    })
  }
}

/**
 * Connects to the agent of an endpoint file. The key is sent only after the certificate was found to be the file's own,
 * byte for byte. Throws `agent_not_running` when nobody listens, `not_your_agent` when something else does,
 * `unsupported_version`, or `agent_timeout`.
 */
export async function dial(endpoint: Endpoint, caller: Caller, timeoutMs: number): Promise<Line> {
  const deadline = performance.now() + timeoutMs
  const line = new Line(await connectPinned(endpoint, timeoutMs))
  try {
    const client = { ...caller, pid: process.pid }
    const hello = { protocol: protocolVersion, key: endpoint.key.reveal(), client }
    await line.request('hello', hello, Math.max(1, deadline - performance.now()))
    return line
  } catch (error) {
    line.close()
    if (error instanceof AgentError && error.code === 'agent_not_running') {
      throw new AgentError('not_your_agent', 'sg-session did not accept the key of the endpoint file', { cause: error })
    }
    throw error
  }
}

function connectPinned(endpoint: Endpoint, timeoutMs: number): Promise<TLSSocket> {
  const pinned = new X509Certificate(endpoint.certificatePem).raw
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port: endpoint.port,
      ca: endpoint.certificatePem,
      // The certificate itself is the identity; it names no host.
      checkServerIdentity: () => undefined,
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
    })
    const fail = (error: AgentError): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    const timer = setTimeout(
      () => fail(new AgentError('agent_timeout', 'sg-session did not answer the connection')),
      timeoutMs,
    )
    socket.once('error', (cause) => {
      const code = 'code' in cause ? cause.code : undefined
      if (code === 'ECONNREFUSED') {
        return fail(
          new AgentError('agent_not_running', 'nobody listens at the address of the endpoint file', { cause }),
        )
      }
      // Hung up on before anything was shown: an agent that has too many callers does that, and says nothing of itself.
      if (code === 'ECONNRESET') {
        return fail(
          new AgentError(
            'temporarily_unavailable',
            'the connection was reset before the agent showed itself; it may have too many callers',
            { cause },
          ),
        )
      }
      const said = 'what listens at the address of the endpoint file is not sg-session'
      fail(new AgentError('not_your_agent', said, { cause }))
    })
    socket.once('secureConnect', () => {
      if (!socket.getPeerX509Certificate()?.raw.equals(pinned)) {
        return fail(new AgentError('not_your_agent', 'the certificate is not the one of the endpoint file'))
      }
      clearTimeout(timer)
      socket.removeAllListeners('error')
      socket.setNoDelay(true)
      resolve(socket)
    })
  })
}
