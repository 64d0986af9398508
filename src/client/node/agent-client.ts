import { AgentError, type ErrorCode } from '../../errors.ts'
import type { Secret } from '../../secrets/secret.ts'
import { type Caller, dial, type Line } from '../../socket/dial.ts'
import { readEndpointFile } from '../../socket/endpoint-file.ts'
import type { Method, ParamsInput, Result, WireSiteStatus } from '../../socket/messages.ts'
import type { WireAllowedTool, WireQuestion } from '../../socket/tools-messages.ts'

export interface ClientOptions {
  /** Candidates for the endpoint file, best first: `standardPaths().endpointFiles`. */
  readonly endpointFiles: readonly string[]
  /** What the agent is told about this program; a hint for people, no proof. */
  readonly caller: Caller
  /** The site of calls that name none. Default: `SG_SESSION_SITE`, as `sg-session exec` sets it, else the agent's first. */
  readonly site?: string
  /** For connecting and for each ordinary answer, in milliseconds. Default: 5,000. */
  readonly timeoutMs?: number
}

/** A session of a site. `sessionToken` is a secret. */
export type AgentSession = Result<'session/get'>
/** Every page of `tools/list`. */
export type ToolsList = Omit<Result<'tools/list'>, 'next'>

/** How long a sign-in may take altogether: the artist's five minutes, and what the machines need around them. */
const signInLimitMs = 6 * 60_000

export interface SignInListeners {
  /** Hears where the artist signs in. */
  readonly onBrowser?: (url: string) => void
  /** Hears that the sign-in waits for `submitCredentials`, and whether with a code. */
  readonly onCredentialsWanted?: (wantsCode: boolean) => void
}

/**
 * Asks the user's agent for sessions. One connection, opened when first needed and again after the agent was restarted;
 * `close()` when done. Every call is bounded in time and throws an AgentError.
 */
export class AgentClient {
  readonly #options: ClientOptions
  readonly #timeoutMs: number
  #line: Promise<Line> | undefined
  #endpointFile: string | undefined
  /** How often `close` was called. */
  #closings = 0

  constructor(options: ClientOptions) {
    this.#options = options
    this.#timeoutMs = options.timeoutMs ?? 5_000
  }

  /** Which of the candidates announced the agent that this is or was last connected to. */
  get endpointFile(): string | undefined {
    return this.#endpointFile
  }

  /**
   * The session of a site, renewed first if it has less than `minValidityS` seconds left. `interactive` lets the agent sign the
   * artist in first if nobody is, which can take minutes; without it that throws `login_required`. Ends after 30 seconds,
   * interactive after six minutes.
   */
  getSession(request: ParamsInput<'session/get'> = {}): Promise<AgentSession> {
    // A renewal passes through two services and may take longer than an ordinary answer.
    const limitMs = request.interactive ? signInLimitMs : Math.max(this.#timeoutMs, 30_000)
    return this.call('session/get', { ...this.#at(request.site), ...request }, limitMs)
  }

  /**
   * Tells the agent that the site refused the session. Resolves, within 60 seconds, when the agent has asked the site, once for
   * all who say so, and renewed if it is true; then `getSession` again. `generation` (of the refused session) saves the
   * question when it is old.
   */
  reportRejected(request: ParamsInput<'session/reportRejected'>): Promise<WireSiteStatus> {
    return this.call('session/reportRejected', { ...this.#at(request.site), ...request }, 60_000)
  }

  /** A bearer for the REST API at `apiUrl`, made from the session; within 30 seconds. */
  getRestToken(site?: string): Promise<Result<'rest/get'>> {
    return this.call('rest/get', this.#at(site), 30_000)
  }

  /**
   * The Autodesk access token of the sign-in, refreshed first if it has less than `minValidityS` seconds left; within 30 seconds.
   * Throws `autodesk_token_unavailable` where the configuration does not allow it or the artist did not sign in at Autodesk.
   */
  getAutodeskToken(request: ParamsInput<'autodesk/get'> = {}): Promise<Result<'autodesk/get'>> {
    return this.call('autodesk/get', { ...this.#at(request.site), ...request }, Math.max(this.#timeoutMs, 30_000))
  }

  /**
   * Signs the artist in: opens the browser and resolves when they have come back, within six minutes. `onBrowser` hears the
   * address, for showing it; `onCredentialsWanted` that the sign-in waits for `submitCredentials`.
   */
  async signIn(
    request: ParamsInput<'signIn'>,
    { onBrowser, onCredentialsWanted }: SignInListeners = {},
  ): Promise<WireSiteStatus> {
    const line = await this.#connected()
    const stops = [
      line.onNotification('signIn/browser', ({ url }) => onBrowser?.(url)),
      line.onNotification('signIn/credentialsWanted', ({ wantsCode }) => onCredentialsWanted?.(wantsCode)),
    ]
    try {
      return await line.request('signIn', { ...this.#at(request.site), ...request }, signInLimitMs)
    } finally {
      for (const stop of stops) stop()
    }
  }

  /** Which way a sign-in goes now (`broker`, `web`, `legacy`, `identity-direct`), and why; the agent may have to ask the site. */
  wayIn(site?: string): Promise<Result<'signIn/way'>> {
    return this.call('signIn/way', this.#at(site), 30_000)
  }

  /** Tries a login and passphrase for the sign-in that waits for them; throws why the site did not take them. */
  async submitCredentials(request: ParamsInput<'signIn/credentials'>): Promise<WireSiteStatus> {
    // Never sent again: an agent that was restarted knows nothing of the sign-in.
    return (await this.#connected()).request('signIn/credentials', { ...this.#at(request.site), ...request }, 60_000)
  }

  /** For a browser that could not come back by itself: the address it was sent to, pasted by the artist. */
  pasteRedirect(url: string, site?: string): Promise<WireSiteStatus> {
    return this.call('signIn/paste', { ...this.#at(site), url })
  }

  /** Ends a sign-in that is under way; whoever waits for it gets `sign_in_cancelled`. */
  cancelSignIn(site?: string): Promise<WireSiteStatus> {
    return this.call('signIn/cancel', this.#at(site))
  }

  /** Ends the session, for all tools. Answers how long the site itself lets it live on, where that is known. */
  signOut(site?: string): Promise<WireSiteStatus> {
    return this.call('signOut', this.#at(site), 15_000)
  }

  /** The agent and the status of every site. No secrets. */
  status(): Promise<Result<'status'>> {
    return this.call('status', {})
  }

  /** Which programs may have a session, and which are not asked about for a while. */
  async listTools(): Promise<ToolsList> {
    const first = await this.call('tools/list', {})
    const list = { consent: first.consent, allowed: [...first.allowed], refused: [...first.refused] }
    for (let { next } = first; next !== undefined; ) {
      const page = await this.call('tools/list', { after: next })
      list.allowed.push(...page.allowed)
      list.refused.push(...page.refused)
      next = page.next
    }
    return list
  }

  /** The questions about programs that wait for the artist's answer. */
  async pendingQuestions(): Promise<WireQuestion[]> {
    return (await this.call('tools/pending', {})).questions
  }

  /** Allows a program. For sg-session's own command line alone; others get `consent_denied`. */
  allowTool(request: ParamsInput<'tools/allow'>): Promise<WireAllowedTool> {
    return this.call('tools/allow', { ...this.#at(request.site), ...request })
  }

  /** Forgets that a program was allowed, by the `id` of `listTools`. For sg-session's own command line alone. */
  revokeTool(id: string): Promise<WireAllowedTool> {
    return this.call('tools/revoke', { id })
  }

  /** Answers one of `pendingQuestions`, by its `id`. For sg-session's own command line alone. */
  answerQuestion(id: string, answer: 'once' | 'always' | 'deny'): Promise<WireQuestion> {
    return this.call('tools/answer', { id, answer })
  }

  /**
   * Calls `listener` with the status of every site now and with each change, until `signal` aborts. When the agent goes
   * away it hears `undefined` once, and the statuses again as soon as an agent is back, within two seconds. Of an agent in
   * whose place another one stands already it hears the statuses only.
   */
  async watch(listener: (status: WireSiteStatus | undefined) => void, signal: AbortSignal): Promise<void> {
    let told = false
    while (!signal.aborted) {
      let wasConnected = false
      try {
        await this.#watchOnce(listener, signal, () => {
          told = false
          wasConnected = true
        })
      } catch (error) {
        if (!(error instanceof AgentError) || !isGone(error)) throw error
      }
      if (signal.aborted) return
      if (!told && !wasConnected) {
        listener(undefined)
        told = true
      }
      await pause(reconnectPauseMs, signal)
    }
  }

  /** Resolves when the connection is gone. */
  async #watchOnce(
    listener: (status: WireSiteStatus) => void,
    signal: AbortSignal,
    onConnected: () => void,
  ): Promise<void> {
    // A connection of its own: ending the watch must not break somebody's call.
    const line = await this.#connect()
    const hangUp = (): void => line.close()
    const stop = line.onNotification('session/changed', listener)
    signal.addEventListener('abort', hangUp, { once: true })
    try {
      const { sites } = await line.request('session/watch', {}, this.#timeoutMs)
      onConnected()
      for (const status of sites) listener(status)
      await line.closed
    } finally {
      stop()
      signal.removeEventListener('abort', hangUp)
      line.close()
    }
  }

  /** Ends the connection; calls that wait throw `agent_not_running`. A later call connects anew. */
  close(): void {
    this.#closings += 1
    void this.#line?.then(
      (line) => line.close(),
      () => undefined,
    )
    this.#line = undefined
  }

  /** Any method of docs/PROTOCOL.md. A connection that ended without an answer is opened anew, once: the agent was restarted. */
  async call<M extends Method>(
    method: M,
    params: ParamsInput<M>,
    timeoutMs: number = this.#timeoutMs,
  ): Promise<Result<M>> {
    const closings = this.#closings
    try {
      return await (await this.#connected()).request(method, params, timeoutMs)
    } catch (error) {
      const lost = error instanceof AgentError && error.code === 'agent_not_running'
      // What `close` cut off is not to be asked again.
      if (!lost || closings !== this.#closings) throw error
    }
    return (await this.#connected()).request(method, params, timeoutMs)
  }

  #at(site: string | undefined): { site?: string } {
    const meant = site ?? this.#options.site ?? (process.env['SG_SESSION_SITE'] || undefined)
    return meant === undefined ? {} : { site: meant }
  }

  #connected(): Promise<Line> {
    if (!this.#line) {
      const line = this.#connect()
      this.#line = line
      const forget = (): void => {
        if (this.#line === line) this.#line = undefined
      }
      line.then((open) => open.closed.then(forget), forget)
    }
    return this.#line
  }

  async #connect(): Promise<Line> {
    const tried: Secret[] = []
    const errors: AgentError[] = []
    // Again where another agent is announced by now: one that was just replaced has closed its doors.
    for (let round = 0, before = -1; round < mostRounds && tried.length > before; round += 1) {
      before = tried.length
      const line = await this.#connectOnce(tried, errors)
      if (line) return line
    }
    throw (
      errors[0] ??
      new AgentError('agent_not_running', `no agent is announced in ${this.#options.endpointFiles.join(' or ')}`)
    )
  }

  /** To the first that answers of those whose keys were not `tried`; both lists grow. */
  async #connectOnce(tried: Secret[], errors: AgentError[]): Promise<Line | undefined> {
    // What lies in one place, stale, foreign or silent, must not hide the agent announced in the next.
    const note = (error: unknown): undefined => {
      if (!(error instanceof AgentError)) throw error
      errors.push(error)
    }
    const { endpointFiles, caller } = this.#options
    const read = await Promise.all(
      endpointFiles.map(async (file) => ({ file, endpoint: await readEndpointFile(file).catch(note) })),
    )
    const announced = read.flatMap(({ file, endpoint }) =>
      endpoint && !tried.some((key) => key.equals(endpoint.key)) ? [{ file, endpoint }] : [],
    )
    for (const { file, endpoint } of announced) {
      tried.push(endpoint.key)
      const line = await dial(endpoint, caller, this.#timeoutMs / announced.length).catch(note)
      if (!line) continue
      this.#endpointFile = file
      return line
    }
    return undefined
  }
}

const reconnectPauseMs = 250
const mostRounds = 3
const passing = new Set<ErrorCode>(['agent_not_running', 'not_your_agent', 'agent_timeout', 'temporarily_unavailable'])

/** Errors that pass when an agent starts: none there, one that was killed, or one that is only just starting. */
function isGone(error: AgentError): boolean {
  return passing.has(error.code)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
  })
}
