import type { TLSSocket } from 'node:tls'
import { AgentError, asAgentError } from '../errors.ts'
import type { Log } from '../ports.ts'
import type { Secret } from '../secret.ts'
import type { SiteStatus } from '../session/changes.ts'
import { version } from '../version.ts'
import { encodeFrame, FrameError, FrameReader } from './frames.ts'
import { JsonTextError, parseJsonText } from './json-text.ts'
import { limits } from './limits.ts'
import {
  answer,
  isMethod,
  judgeParams,
  judgeRequest,
  type Method,
  notification,
  protocolVersion,
  type Request,
  refusal,
} from './messages.ts'
import { type Caller, type Desk, handlers, handsOut, toWireStatus, type WaitsFor } from './methods.ts'
import { type Tool, type ToolLog, toolFromClaim } from './tool-log.ts'

export interface ConnectionSettings {
  readonly key: Secret
  readonly desk: Desk
  readonly tools: ToolLog
  readonly log: Log
  /** Called once, when the peer has shown the key. */
  readonly onAccepted: () => void
}

/**
 * One plug-in's connection: a stranger until its first message is a `hello` with the run's key, then served until it goes.
 * A stranger that says anything else is cut off without a byte of an answer.
 */
export class Connection {
  readonly #socket: TLSSocket
  readonly #settings: ConnectionSettings
  readonly #frames = new FrameReader()
  #tool: Tool | undefined
  #watching = false
  #inFlight = 0

  constructor(socket: TLSSocket, settings: ConnectionSettings) {
    this.#socket = socket
    this.#settings = settings
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    // The peer going away is ordinary; 'close' follows and the listener forgets us.
    socket.on('error', () => socket.destroy())
  }

  announce(status: SiteStatus): void {
    if (this.#watching) this.#send(notification('session/changed', toWireStatus(status)))
  }

  #read(chunk: Buffer): void {
    const maxBytes = (): number => (this.#tool === undefined ? limits.helloBytes : limits.messageBytes)
    try {
      for (const line of this.#frames.read(chunk, maxBytes)) {
        if (this.#socket.destroyed) return
        if (this.#tool === undefined) this.#greet(line)
        else this.#receive(line, this.#tool)
      }
    } catch (error) {
      // After a broken frame nobody knows where the next one starts.
      if (!(error instanceof FrameError)) this.#settings.log.error({ err: error }, 'a connection failed')
      this.#cut(error instanceof FrameError ? error.message : 'failure')
    }
  }

  #greet(line: string): void {
    let request: Request
    let hello: ReturnType<typeof judgeParams<'hello'>>
    try {
      request = judgeRequest(parseJsonText(line, limits.jsonDepth))
      if (request.method !== 'hello') return this.#cut('the first message was not hello')
      hello = judgeParams('hello', request.params)
    } catch (error) {
      if (!(error instanceof JsonTextError || error instanceof AgentError)) throw error
      return this.#cut(error.message)
    }
    if (!this.#settings.key.equals(hello.key)) return this.#cut('wrong key')
    if (hello.protocol !== protocolVersion) {
      const said = `this agent speaks protocol ${protocolVersion}, the client ${hello.protocol}`
      this.#send(refusal(request.id, new AgentError('unsupported_version', said)))
      this.#socket.end()
      return
    }
    this.#tool = toolFromClaim(hello.client)
    this.#settings.onAccepted()
    this.#send(answer(request.id, { protocol: protocolVersion, agent: { version, pid: process.pid } }))
  }

  #receive(line: string, tool: Tool): void {
    let request: Request
    try {
      request = judgeRequest(parseJsonText(line, limits.jsonDepth))
    } catch (error) {
      const said = error instanceof Error ? error.message : 'is wrong'
      this.#send(refusal(null, new AgentError('invalid_request', `the message ${said}`, { cause: error })))
      return
    }
    if (this.#inFlight >= limits.requestsInFlight) {
      const said = `more than ${limits.requestsInFlight} requests wait on this connection`
      this.#send(refusal(request.id, new AgentError('rate_limited', said)))
      return
    }
    this.#inFlight += 1
    void this.#serve(request, tool).finally(() => {
      this.#inFlight -= 1
    })
  }

  async #serve(request: Request, tool: Tool): Promise<void> {
    const { tools, desk, log } = this.#settings
    const startedMs = performance.now()
    let outcome = 'ok'
    try {
      this.#send(answer(request.id, await this.#call(request, tool)))
    } catch (thrown) {
      const error = asAgentError(thrown)
      outcome = error.code
      if (error.code === 'internal_error') log.error({ err: error }, 'a request failed')
      this.#send(refusal(request.id, error))
      if (handsOut(request.method)) tools.noteRefusal(tool, desk.siteNamed(request.params['site']), error.code)
    }
    log.info(
      { client: nameOf(tool), method: request.method, outcome, ms: Math.round(performance.now() - startedMs) },
      'request',
    )
  }

  async #call(request: Request, tool: Tool): Promise<unknown> {
    const { method } = request
    if (!isMethod(method) || method === 'hello')
      throw new AgentError('unknown_method', `there is no method "${method}"`)
    const caller: Caller = {
      watch: () => {
        this.#watching = true
      },
      noteHandOut: (site) => this.#settings.tools.noteUse(tool, site),
      notifyStep: (site, step) => this.#send(stepNotification(site, step)),
    }
    return dispatch(method, request.params, this.#settings.desk, caller)
  }

  #send(message: object): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    if (this.#socket.writableLength > limits.unreadBytes) return this.#cut('answers were not read')
    this.#socket.write(encodeFrame(message, limits.messageBytes))
  }

  #cut(reason: string): void {
    this.#settings.log.warn({ client: this.#tool && nameOf(this.#tool), reason }, 'connection cut')
    this.#socket.destroy()
  }
}

function stepNotification(site: string, step: WaitsFor): object {
  if (step.kind === 'browser') return notification('signIn/browser', { site, url: step.url.href })
  return notification('signIn/credentialsWanted', { site, wantsCode: step.wantsCode })
}

function nameOf({ name, version }: Tool): string {
  return `${name}/${version}`
}

function dispatch<M extends Exclude<Method, 'hello'>>(
  method: M,
  params: unknown,
  desk: Desk,
  caller: Caller,
): Promise<unknown> {
  return handlers[method](judgeParams(method, params), desk, caller)
}
