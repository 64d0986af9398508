import type { TLSSocket } from 'node:tls'
import { AgentError, asAgentError } from '../errors.ts'
import type { Log } from '../ports.ts'
import type { SiteStatus } from '../session/changes.ts'
import type { AllowedBy, Call, TurnedAway } from './calls.ts'
import { encodeFrame, FrameError, FrameReader } from './frames.ts'
import type { CallingTool, Gate } from './gate.ts'
import { type GreetingSettings, greet, isOfThisUser, noteTurnedAway } from './greeting.ts'
import { parseJsonText } from './json-text.ts'
import {
  answer,
  isMethod,
  judgeParams,
  judgeRequest,
  type Method,
  methods,
  notification,
  type Request,
  refusal,
} from './messages.ts'
import { type Caller, type Desk, handlers, toWireStatus, type WaitsFor } from './methods.ts'
import { type Scope, scopeOf } from './scopes.ts'
import { nameless, type Tool } from './tool-log.ts'
import type { Turnstile } from './turnstile.ts'

export interface ConnectionSettings extends GreetingSettings {
  readonly desk: Desk
  readonly gate: Gate
  readonly turnstile: Turnstile
  readonly log: Log
  /** Called once instead of `onKeyShown`, when it has said something wrong: it is not read any more, and waits for its time to be over. */
  readonly onHeld: (reason: string) => void
}

/**
 * One plug-in's connection: a stranger until its first message is a `hello` with the run's key, then served until it goes, or
 * has asked nothing for long. A stranger that says anything else gets no byte of an answer, and nothing it says is read.
 */
export class Connection {
  readonly #socket: TLSSocket
  readonly #settings: ConnectionSettings
  readonly #frames = new FrameReader()
  #tool: CallingTool | undefined
  #watching = false
  #inFlight = 0
  #idle: NodeJS.Timeout | undefined

  constructor(socket: TLSSocket, settings: ConnectionSettings) {
    this.#socket = socket
    this.#settings = settings
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      const { messageBytes, helloBytes } = settings.limits
      this.#take(this.#frames.read(chunk, () => (this.#tool ? messageBytes : helloBytes)))
    })
    socket.once('close', () => clearTimeout(this.#idle))
    // The peer going away is ordinary; 'close' follows and the listener forgets us.
    socket.on('error', () => socket.destroy())
  }

  /** Whose connection it is; undefined before that is known. */
  get tool(): CallingTool | undefined {
    return this.#tool
  }

  announce(status: SiteStatus): void {
    if (this.#watching) this.#send(notification('session/changed', toWireStatus(status)))
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Takes message by message. Until it is known who is calling, what comes behind the first one waits. */
  #take(lines: Iterator<string>): void {
    try {
      for (let next = lines.next(); !next.done; next = lines.next()) {
        if (this.#socket.destroyed) return
        if (this.#tool) {
          this.#receive(next.value)
          continue
        }
        this.#socket.pause()
        void this.#greet(next.value).then(() => {
          if (!this.#tool) return
          this.#take(lines)
          this.#socket.resume()
        })
        return
      }
    } catch (error) {
      // After a broken frame nobody knows where the next one starts.
      if (!(error instanceof FrameError)) this.#settings.log.error({ err: error }, 'a connection failed')
      const reason = error instanceof FrameError ? error.message : 'failure'
      if (this.#tool) this.#cut(reason)
      else this.#hold('no_hello', reason, nameless)
    }
  }

  /** Never rejects. */
  async #greet(line: string): Promise<void> {
    const greeted = await greet(line, this.#settings, {
      isGone: () => this.#socket.destroyed,
      cut: (reason) => this.#cut(reason),
    })
    switch (greeted.kind) {
      case 'held':
        return this.#hold(greeted.outcome, greeted.reason, greeted.claim)
      case 'gone':
        return
      case 'refused':
        this.#send(greeted.reply)
        this.#socket.destroySoon()
        return
      case 'let-in':
        this.#tool = greeted.tool
        this.#idle = setTimeout(() => this.#endIfIdle(), this.#settings.limits.idleMs).unref()
        this.#send(greeted.reply)
    }
  }

  #receive(line: string): void {
    const { limits } = this.#settings
    this.#idle?.refresh()
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
    const served = this.#settings.stalls.begin(isMethod(request.method) ? request.method : 'unknown')
    const { turnstile } = this.#settings
    void turnstile
      .pass(request.method, () => this.#serve(request))
      .finally(() => {
        served()
        this.#inFlight -= 1
        // A call may have taken longer than one may be idle.
        if (!this.#socket.destroyed) this.#idle?.refresh()
      })
  }

  async #serve(request: Request): Promise<void> {
    const { calls, desk, log } = this.#settings
    const { method } = request
    const startedMs = performance.now()
    const leave: Leave = { allowedBy: undefined }
    let outcome: Call['outcome'] = 'ok'
    let frame: Buffer
    try {
      frame = this.#encode(answer(request.id, await this.#call(request, leave)))
    } catch (thrown) {
      const error = asAgentError(thrown)
      outcome = error.code
      if (error.code === 'internal_error') log.error({ err: error }, 'a request failed')
      frame = this.#encode(refusal(request.id, error))
    }
    const ms = Math.round(performance.now() - startedMs)
    const site = takesSite(method) ? desk.siteNamed(request.params['site']) : undefined
    calls.note({
      ...(this.#tool ?? { claim: this.#claim }),
      method,
      ...(site === undefined ? {} : { site }),
      scope: isMethod(method) && method !== 'hello' ? scopeOf[method] : 'status',
      outcome,
      ...(leave.allowedBy === undefined ? {} : { allowedBy: leave.allowedBy }),
      ms,
    })
    this.#write(frame)
    // The audit has what was served; the log is for what was not. A line of it is a tenth of a call's time.
    log[outcome === 'ok' ? 'debug' : 'info']({ client: nameOf(this.#claim), method, outcome, ms }, 'request')
  }

  async #call(request: Request, leave: Leave): Promise<unknown> {
    const { method } = request
    if (!isMethod(method) || method === 'hello')
      throw new AgentError('unknown_method', `there is no method "${method}"`)
    return this.#dispatch(method, request.params, leave)
  }

  async #dispatch<M extends Exclude<Method, 'hello'>>(method: M, unjudged: unknown, leave: Leave): Promise<unknown> {
    const { desk } = this.#settings
    const params = judgeParams(method, unjudged)
    // Also where it is left out: then the first is meant.
    const site = takesSite(method) ? desk.siteNamed(Reflect.get(params, 'site')) : undefined
    // A site that is not configured is the handler's to refuse.
    const scope = site === undefined ? 'status' : scopeOf[method]
    const asked = this.#tool
    if (!asked) throw new AgentError('consent_denied')
    leave.allowedBy = await this.#settings.gate.demand(asked, scope, site, Reflect.get(params, 'interactive') === true)
    const caller: Caller = {
      watch: () => {
        this.#watching = true
      },
      release: async (released) => void (await this.#checkAgain(asked, leave, scopeOf[method], released)),
      confirm: () => this.#checkAgain(asked, leave, 'status', site),
      notifyStep: (at, step) => this.#send(stepNotification(at, step)),
    }
    return handlers[method](params, desk, caller)
  }

  /**
   * Whoever holds the connection now: it may have changed hands, and its program with it, since `asked` was given leave. Then
   * whoever it is now needs leave too.
   */
  async #checkAgain(asked: CallingTool, leave: Leave, scope: Scope, site: string | undefined): Promise<CallingTool> {
    const { peers, gate } = this.#settings
    const tool = this.#tool ?? asked
    const { identified } = tool
    const isStill = identified.kind === 'known' && (await peers.isStill(identified.peer))
    // Another request may have found out already that it is somebody else.
    if (isStill && tool === asked) return asked
    const now = isStill ? tool : await this.#identifyAgain(tool)
    leave.allowedBy = await gate.demand(now, scope, site, false)
    // Leave may have taken its time.
    return now.identified.kind === 'known' ? this.#checkAgain(now, leave, scope, site) : now
  }

  async #identifyAgain({ identified, claim }: CallingTool): Promise<CallingTool> {
    const { peers, met } = this.#settings
    const now = await peers.identify(met, identified.kind === 'known' ? identified.peer.pid : claim.pid)
    if (!isOfThisUser(now)) {
      this.#cut('not a program of this user any more')
      throw new AgentError('consent_denied')
    }
    this.#tool = { identified: now, claim }
    return this.#tool
  }

  get #claim(): Tool {
    return this.#tool?.claim ?? nameless
  }

  #send(message: object): void {
    this.#write(this.#encode(message))
  }

  #encode(message: object): Buffer {
    return encodeFrame(message, this.#settings.limits.messageBytes)
  }

  #write(frame: Buffer): void {
    const isGone = this.#socket.destroyed || this.#socket.writableEnded
    const isFull = this.#socket.writableLength > this.#settings.limits.unreadBytes
    if (isGone || isFull) frame.fill(0)
    if (isGone) return
    if (isFull) return this.#cut('answers were not read')
    this.#socket.write(frame, () => frame.fill(0))
  }

  /** The client connects again when it has something to ask. */
  #endIfIdle(): void {
    if (this.#watching || this.#inFlight > 0 || this.#socket.destroyed) return
    this.#settings.log.info({ client: nameOf(this.#claim) }, 'an idle connection was ended')
    this.#socket.destroySoon()
  }

  /** Whoever guesses pays for each guess with the whole time that a stranger has. */
  #hold(outcome: TurnedAway, reason: string, claim: Tool): void {
    noteTurnedAway(this.#settings.calls, outcome, { claim })
    this.#socket.pause()
    this.#settings.onHeld(reason)
  }

  #cut(reason: string): void {
    this.#settings.log.warn({ client: this.#tool && nameOf(this.#claim), reason }, 'connection cut')
    this.#socket.destroy()
  }
}

function stepNotification(site: string, step: WaitsFor): object {
  if (step.kind === 'browser') return notification('signIn/browser', { site, url: step.url.href })
  return notification('signIn/credentialsWanted', { site, wantsCode: step.wantsCode })
}

/** Filled while a request is under way. */
interface Leave {
  allowedBy: AllowedBy | undefined
}

function takesSite(method: string): boolean {
  return isMethod(method) && 'site' in methods[method].params.shape
}

function nameOf({ name, version }: Tool): string {
  return `${name}/${version}`
}
