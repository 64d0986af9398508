import type { TLSSocket } from 'node:tls'
import { AgentError, asAgentError } from '../errors.ts'
import type { Log } from '../ports.ts'
import type { Secret } from '../secret.ts'
import type { SiteStatus } from '../session/changes.ts'
import type { StallWatch } from '../stall-watch.ts'
import { version } from '../version.ts'
import type { AllowedBy, Call, CallBook, TurnedAway } from './calls.ts'
import { encodeFrame, FrameError, FrameReader } from './frames.ts'
import { JsonTextError, parseJsonText } from './json-text.ts'
import type { Limits } from './limits.ts'
import {
  answer,
  isMethod,
  judgeParams,
  judgeRequest,
  type Method,
  methods,
  notification,
  type Params,
  protocolVersion,
  type Request,
  refusal,
} from './messages.ts'
import { type Caller, type Desk, handlers, toWireStatus, type WaitsFor } from './methods.ts'
import type { Identified } from './peer.ts'
import { type Scope, scopeOf } from './scopes.ts'
import { nameless, type Tool, toolFromClaim } from './tool-log.ts'
import type { Met, Peers } from './who-is-calling.ts'

/** Who asks: what the system says of the program, and what it says of itself. */
export interface CallingTool {
  readonly identified: Identified
  readonly claim: Tool
}

/** Decides which program may have what. */
export interface Gate {
  /**
   * Resolves if the program may, with what lets it; undefined for what needs no leave. Asks the artist where the configuration
   * says so: an `interactive` caller waits for the answer. `site` undefined: no site in particular.
   * Throws `consent_denied`, `consent_timeout`, `interaction_required`.
   */
  demand(
    tool: CallingTool,
    scope: Scope,
    site: string | undefined,
    interactive: boolean,
  ): Promise<AllowedBy | undefined>
}

export interface ConnectionSettings {
  readonly key: Secret
  readonly desk: Desk
  readonly peers: Peers
  /** The other end, as it was met when the connection came. */
  readonly met: Met
  readonly gate: Gate
  readonly calls: CallBook
  readonly log: Log
  readonly limits: Limits
  readonly stalls: Pick<StallWatch, 'begin'>
  /** Called once, when the peer has shown the key. */
  readonly onKeyShown: () => void
  /** Called once instead, when it has said something wrong: it is not read any more, and waits for its time to be over. */
  readonly onHeld: (reason: string) => void
  /** Throws `rate_limited` when the program has connections enough. */
  readonly demandPlace: (identified: Identified) => void
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
      else this.#hold('no_hello', reason)
    }
  }

  /** Lets the peer in if it has the key and is this user's. Never rejects. */
  async #greet(line: string): Promise<void> {
    let request: Request
    let hello: Params<'hello'>
    try {
      request = judgeRequest(parseJsonText(line, this.#settings.limits.jsonDepth))
      if (request.method !== 'hello') return this.#hold('no_hello', 'the first message was not hello')
      hello = judgeParams('hello', request.params)
    } catch (error) {
      const said = error instanceof JsonTextError || error instanceof AgentError ? error.message : 'failure'
      return this.#hold('no_hello', said)
    }
    const claim = toolFromClaim(hello.client)
    if (!this.#settings.key.equals(hello.key)) return this.#hold('wrong_key', 'wrong key', claim)
    this.#settings.onKeyShown()
    this.#idle = setTimeout(() => this.#cut('nobody could say who calls'), this.#settings.limits.identifyMs).unref()
    const greeted = this.#settings.stalls.begin('hello')
    const identified = await this.#settings.peers.identify(this.#settings.met, hello.client.pid).finally(greeted)
    clearTimeout(this.#idle)
    if (this.#socket.destroyed) return
    const tool: CallingTool = { identified, claim }
    if (uidOf(identified) !== ownUid) {
      this.#noteTurnedAway('other_user', tool)
      return this.#cut('not a program of this user')
    }
    try {
      if (hello.protocol !== protocolVersion) {
        const said = `this agent speaks protocol ${protocolVersion}, the client ${hello.protocol}`
        throw new AgentError('unsupported_version', said)
      }
      this.#settings.demandPlace(identified)
    } catch (thrown) {
      const error = asAgentError(thrown)
      this.#noteTurnedAway(error.code, tool)
      this.#send(refusal(request.id, error))
      this.#socket.destroySoon()
      return
    }
    this.#tool = tool
    this.#idle = setTimeout(() => this.#endIfIdle(), this.#settings.limits.idleMs).unref()
    this.#send(answer(request.id, { protocol: protocolVersion, agent: { version, pid: process.pid } }))
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
    void this.#serve(request).finally(() => {
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
    log.info({ client: nameOf(this.#claim), method, outcome, ms }, 'request')
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
    if (uidOf(now) !== ownUid) {
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

  #noteTurnedAway(outcome: Call['outcome'], who: Pick<CallingTool, 'claim'> & Partial<CallingTool>): void {
    this.#settings.calls.note({ ...who, method: 'hello', scope: 'status', outcome, ms: 0 })
  }

  /** The client connects again when it has something to ask. */
  #endIfIdle(): void {
    if (this.#watching || this.#inFlight > 0 || this.#socket.destroyed) return
    this.#settings.log.info({ client: nameOf(this.#claim) }, 'an idle connection was ended')
    this.#socket.destroySoon()
  }

  /** Whoever guesses pays for each guess with the whole time that a stranger has. */
  #hold(outcome: TurnedAway, reason: string, claim: Tool = this.#claim): void {
    this.#noteTurnedAway(outcome, { claim })
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

const ownUid = process.getuid?.() ?? -1

function uidOf(identified: Identified): number | undefined {
  return identified.kind === 'known' ? identified.peer.uid : identified.uid
}
