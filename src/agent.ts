import { z } from 'zod'
import { deskOf } from './agent-desk.ts'
import { CallRecord } from './audit/call-record.ts'
import { LocalAudit } from './audit/local-audit.ts'
import type { Logger } from './audit/system-log.ts'
import type { Config, SiteConfig } from './config/config.ts'
import { findSite } from './config/config.ts'
import { isOf } from './consent/application.ts'
import { Consent } from './consent/consent.ts'
import { Decisions } from './consent/decisions.ts'
import { type ConsentLimits, consentLimits } from './consent/limits.ts'
import { isOwnCommand, type OwnCommand } from './consent/own-command.ts'
import type { AskConsent } from './consent/question.ts'
import type { AgentError } from './errors.ts'
import { HandOut, type NumberedSession } from './hand-out/hand-out.ts'
import type { Ports } from './ports.ts'
import type { PutSecret, TakeSecret } from './secrets/passed-secrets.ts'
import type { EndReason, SiteStatus } from './session/changes.ts'
import { Sessions } from './session/sessions.ts'
import { RestTokens } from './shotgrid/rest-tokens.ts'
import type { Choice } from './sign-in/choose-way-in.ts'
import { type SignInOptions, SignIns, type SignInsRules, wayLimitMs } from './sign-in/sign-ins.ts'
import type { Credentials, SignInStep } from './sign-in/way-in.ts'
import type { Endpoint } from './socket/endpoint-file.ts'
import { SocketListener } from './socket/listener.ts'
import type { AutodeskTokenOf, Desk, RestTokenOf } from './socket/methods.ts'
import { sha256Of } from './socket/peers/program-file.ts'
import { isRootOwned } from './socket/peers/root-owned.ts'
import { Turnstile } from './socket/turnstile.ts'
import { systemPeers } from './socket/who-is-calling.ts'
import { StallWatch } from './system/stall-watch.ts'
import { UnfinishedWork } from './waiting/unfinished-work.ts'
import { withPatience } from './waiting/with-patience.ts'

export type { AuditEntry } from './audit/audit-entry.ts'
export type { OwnCommand } from './consent/own-command.ts'
export type { AskConsent, ConsentAnswer, ConsentQuestion } from './consent/question.ts'
export {
  type AddressFinding,
  type AddressFindings,
  type BrokerFinding,
  checkAddresses,
  type SiteFinding,
} from './sign-in/check-addresses.ts'
export type { SignInOptions } from './sign-in/sign-ins.ts'
export type { Credentials, SignInStep } from './sign-in/way-in.ts'
export type { AllowedTool, RefusedTool } from './socket/tools-desk.ts'

export interface AgentRules extends SignInsRules {
  /** Where what is kept between runs is written; absent: nothing is kept. */
  readonly stateFolder?: string
  /** Whether nobody can be sitting at the screen. Default: never. */
  readonly isScreenLocked?: () => boolean
  /** What hands the audit to the system's log; the system's own when not said. */
  readonly systemLogger?: Logger
  /** How the artist is asked whether a program may have the session; absent where there is no screen. */
  readonly askConsent?: AskConsent
  /** The command line whose word about programs counts; absent: nobody's over the socket. */
  readonly ownCommand?: OwnCommand
  readonly consentLimits?: Partial<ConsentLimits>
  /** As the listener's. */
  readonly newestProtocol?: number
}

const passedState = z.object({ sites: z.record(z.string(), z.unknown()) })
export type PassedState = z.input<typeof passedState>

/** How long an end waits for what is on its way to the disk. */
const diskLimitMs = 2_000

export interface HandOverProblem {
  /** Wall clock, ms since the epoch. */
  readonly at: number
  /** A sentence that can follow a colon. */
  readonly because: string
}

/**
 * The program without a face: holds the sessions of the configured sites, signs in, and serves plug-ins over the socket.
 * The tray app and `sg-session agent` are two shells round it.
 */
export class Agent {
  /** Which programs may have a session, and what the artist said of them. */
  readonly consent: Consent
  /** What programs have asked for: today, lately, and as it happens. */
  readonly calls: CallRecord
  /** What of it is kept on the disk. */
  readonly audit: LocalAudit
  readonly #config: Config
  readonly #sessions: Sessions
  readonly #handOut: HandOut
  readonly #signIns: SignIns
  readonly #desk: Desk
  readonly #listener: SocketListener
  /** Where requests wait while another process takes this one's place. */
  readonly turnstile = new Turnstile()
  /** Why a newer program on the disk has not taken over, while that is so. */
  handOverProblem: HandOverProblem | undefined
  readonly #work = new UnfinishedWork()

  constructor(config: Config, ports: Ports, rules: AgentRules) {
    this.#config = config
    const startedAt = ports.clock.now()
    const restTokens = new RestTokens(ports.fetch, ports.clock)
    this.#sessions = new Sessions({
      sites: config.sites.map((site) => site.url),
      maxAgeMs: config.session.maxAgeHours * 3600_000,
      remindBeforeMs: config.session.remindBeforeMinutes * 60_000,
      clock: ports.clock,
      log: ports.log,
      onWiped: (sessionToken) => restTokens.wipe(sessionToken),
      work: this.#work,
    })
    this.#handOut = new HandOut({
      sessions: this.#sessions,
      restTokens,
      servesAutodeskToken: config.identity.serveAccessToken,
      signIn: (site) => this.#signIns.signInForTool(site),
    })
    this.#signIns = new SignIns(config, ports, this.#sessions, this.#work, rules)
    this.calls = new CallRecord(ports.clock, ports.log)
    this.audit = new LocalAudit({
      audit: config.audit,
      stateFolder: rules.stateFolder,
      clock: ports.clock,
      log: ports.log,
      logger: rules.systemLogger,
    })
    this.calls.entries.listen((entry) => this.audit.write(entry))
    this.#sessions.changes.listen((status) => this.calls.noteState(status))
    this.consent = new Consent({
      tools: config.tools,
      clock: ports.clock,
      log: ports.log,
      files: { isRootOwned, sha256Of },
      limits: { ...consentLimits, ...rules.consentLimits },
      isScreenLocked: rules.isScreenLocked ?? (() => false),
      ask: rules.askConsent,
      stateFolder: rules.stateFolder,
      isHandingOn: (application) => isOwnCommand(application, rules.ownCommand),
    })
    // Without a window there is nobody who says that the machine woke up.
    const stalls = new StallWatch({ clock: ports.clock, log: ports.log, onClockMoved: () => this.checkClock() })
    const tools = new Decisions(this.consent, rules.ownCommand)
    this.#desk = deskOf(this, { config, startedAt, stalls, tools })
    this.#listener = new SocketListener({
      stalls,
      turnstile: this.turnstile,
      peers: systemPeers(),
      gate: this.consent,
      calls: this.calls,
      log: ports.log,
      ...(rules.newestProtocol === undefined ? {} : { newestProtocol: rules.newestProtocol }),
    })
    this.#sessions.changes.listen((status) => this.#listener.announce(status))
    this.consent.allowedNow.listen((application, site) => {
      this.calls.noteDecision('toolAllowed', application, site)
      this.#listener.announceTo((tool) => isOf(tool, application), this.#sessions.at(site).status())
    })
    this.consent.revokedNow.listen((application) => {
      this.calls.noteDecision('toolRevoked', application)
      this.#listener.closeWhere((tool) => isOf(tool, application))
    })
  }

  /** Opens the socket, after reading which programs earlier runs have allowed. Resolves with what the endpoint file must say. */
  async listen(): Promise<Endpoint> {
    await this.consent.open()
    // A disk that hangs keeps nobody from being served.
    void this.audit.open()
    return this.#listener.open(this.#desk)
  }

  /**
   * Closes the socket and forgets every session, revoking what can be revoked but for the sign-ins that the next run is to
   * resume; bounded in time.
   */
  async close(): Promise<void> {
    await this.#listener.close()
    await withPatience(this.consent.close(), diskLimitMs)
    await this.#sessions.release()
    await this.#signIns.settled()
    this.calls.close()
    await this.audit.close()
  }

  /**
   * Whether somebody is signing in, a session or its Autodesk token is being renewed, or a question about a program waits: not a
   * moment to restart.
   */
  get isBusy(): boolean {
    return this.#work.isUnderWay || this.consent.isAsking
  }

  /** Resolves as soon as it is not busy; rejects with the reason of `signal`. */
  async whenIdle(signal: AbortSignal): Promise<void> {
    do {
      await this.#work.whenDone(signal)
      await this.consent.whenAnswered(signal)
    } while (this.isBusy)
  }

  /** Calls `listener` with everything that makes what was passed on untrue; returns how to stop. */
  onAnyChange(listener: () => void): () => void {
    const stops = [
      this.#sessions.changes.listen(listener),
      this.#signIns.steps.begun.listen(listener),
      this.consent.allowedNow.listen(listener),
      this.consent.revokedNow.listen(listener),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }

  /** What another process needs to go on in this one's place. Answers about programs are on the disk then. Not while it is busy. */
  async passOn(put: PutSecret): Promise<PassedState> {
    await this.consent.settled()
    return { sites: this.#sessions.passOn(put) }
  }

  /** Goes on with what another process has passed on; to be called before it listens. Resolves with the sites that it could take. */
  async goOn(passed: unknown, take: TakeSecret): Promise<string[]> {
    return this.#signIns.goOn(passedState.parse(passed).sites, take)
  }

  /** Closes the socket: the connections end. Another process serves. */
  async stopServing(): Promise<void> {
    await this.#listener.close()
  }

  /** As `close`, of what another process goes on with: revokes nothing of the sites it has `taken`; bounded in time. */
  async letGo(taken: readonly string[]): Promise<void> {
    await this.#listener.close()
    // First: no disk that hangs is to keep here what another process holds.
    await this.#sessions.letGo(taken)
    await withPatience(this.consent.close(), diskLimitMs)
    this.calls.close()
    await this.audit.close()
  }

  /**
   * Goes on with the sign-ins of an earlier run, where they are remembered and their day is not over; never opens a browser
   * and never throws. Called once at the start, and again when the network is back.
   */
  async resume(): Promise<void> {
    await this.#signIns.resume()
  }

  /** Why sign-ins are not remembered although the configuration wants it; undefined when all is well. */
  secretStoreProblem(): AgentError | undefined {
    return this.#signIns.secretStoreProblem()
  }

  /** Calls `listener` with every change of every site; returns how to stop. */
  onChange(listener: (status: SiteStatus) => void): () => void {
    return this.#sessions.changes.listen(listener)
  }

  status(): SiteStatus[] {
    return this.#sessions.status()
  }

  /** Signs the artist in, or joins the sign-in under way. Resolves with the site's status when it is done. */
  async signIn(wanted: string | undefined, options: SignInOptions = {}): Promise<SiteStatus> {
    const { url } = this.#site(wanted)
    await this.#signIns.signIn(url, options)
    return this.#sessions.at(url).status()
  }

  /** The address the browser came back to, pasted by the artist. Throws `invalid_request` if no sign-in waits for it. */
  pasteRedirect(wanted: string | undefined, address: string): SiteStatus {
    const { url } = this.#site(wanted)
    this.#signIns.steps.acceptRedirect(url, address)
    return this.#sessions.at(url).status()
  }

  /**
   * Tries a login and passphrase for the sign-in that waits for them. Resolves when the artist is signed in. Throws
   * `invalid_request` if none waits, else why the site did not take them: then it goes on waiting.
   */
  async submitCredentials(wanted: string | undefined, credentials: Credentials): Promise<SiteStatus> {
    const { url } = this.#site(wanted)
    await this.#signIns.steps.submit(url, credentials)
    await this.#sessions.at(url).signedIn()
    return this.#sessions.at(url).status()
  }

  /** What a sign-in waits for, while it waits for the artist. */
  signInStep(wanted?: string): SignInStep | undefined {
    return this.#signIns.steps.at(this.#site(wanted).url)
  }

  /** Where the artist signs in, while a sign-in waits for the browser. */
  signInAddress(wanted?: string): URL | undefined {
    const step = this.signInStep(wanted)
    return step?.kind === 'browser' ? step.url : undefined
  }

  /** Which way a sign-in to the site goes now, and why. Asks the site where only it can tell. Throws like a sign-in. */
  async wayIn(wanted: string | undefined, signal = AbortSignal.timeout(wayLimitMs)): Promise<Choice> {
    return this.#signIns.wayInto(this.#site(wanted).url).choose(signal)
  }

  /** Throws `invalid_request` if no sign-in waits for the browser, or what kept the browser from starting. */
  async openBrowserAgain(wanted?: string): Promise<void> {
    await this.#signIns.steps.open(this.#site(wanted).url)
  }

  /** Calls `listener` whenever a sign-in, whoever started it, begins to wait for the artist; returns how to stop. */
  onSignInStep(listener: (site: string, step: SignInStep) => void): () => void {
    return this.#signIns.steps.begun.listen(listener)
  }

  /** Calls `listener` when a browser could not be started for a sign-in, which goes on; returns how to stop. */
  onBrowserFailed(listener: (site: string) => void): () => void {
    return this.#signIns.steps.failed.listen(listener)
  }

  cancelSignIn(wanted: string | undefined): SiteStatus {
    const holder = this.#sessions.at(this.#site(wanted).url)
    holder.cancelSignIn()
    return holder.status()
  }

  async signOut(wanted: string | undefined): Promise<SiteStatus> {
    const { url } = this.#site(wanted)
    await this.#signIns.end(url, 'signed_out')
    return this.#sessions.at(url).status()
  }

  /** Signs out of every site, saying why; sign-ins under way are cancelled. */
  async endSessions(reason: Exclude<EndReason, 'signed_out'>): Promise<void> {
    await Promise.all(this.#config.sites.map(({ url }) => this.#signIns.end(url, reason)))
  }

  /** To be called when the machine woke up or its clock was set: ends what is over, renews nothing. */
  checkClock(): void {
    this.#sessions.checkClock()
  }

  /** As `HandOut.session`. */
  async session(wanted: string | undefined, minValidityMs: number, interactive: boolean): Promise<NumberedSession> {
    return this.#handOut.session(this.#site(wanted).url, minValidityMs, interactive)
  }

  async reportRejected(wanted: string | undefined, generation: number | undefined): Promise<SiteStatus> {
    const holder = this.#sessions.at(this.#site(wanted).url)
    await holder.reportRejected(generation)
    return holder.status()
  }

  /** As `HandOut.restToken`. */
  async restToken(wanted: string | undefined): Promise<RestTokenOf> {
    return this.#handOut.restToken(this.#site(wanted).url)
  }

  /** As `HandOut.autodeskToken`. */
  async autodeskToken(wanted: string | undefined, minValidityMs: number): Promise<AutodeskTokenOf> {
    return this.#handOut.autodeskToken(this.#site(wanted).url, minValidityMs)
  }

  #site(wanted: string | undefined): SiteConfig {
    return findSite(this.#config, wanted)
  }
}
