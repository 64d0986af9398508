import type { Config } from '../config/config.ts'
import { AgentError, asAgentError } from '../errors.ts'
import type { Clock, Log, Ports } from '../ports.ts'
import type { TakeSecret } from '../secrets/passed-secrets.ts'
import type { EndReason } from '../session/changes.ts'
import { type TakenSession, takeHeld } from '../session/passed-on.ts'
import type { Sessions } from '../session/sessions.ts'
import type { UnfinishedWork } from '../waiting/unfinished-work.ts'
import { type SignInStepOptions, SignInSteps } from './sign-in-steps.ts'
import type { SiteWayIn } from './site-way-in.ts'
import type { SignInStep } from './way-in.ts'
import { makeWaysIn } from './ways-in.ts'

export interface SignInOptions extends SignInStepOptions {
  readonly onStep?: (site: string, step: SignInStep) => void
}

export interface SignInsRules {
  readonly insecureLoopback: boolean
  /** Whether a window asks for login and passphrase as soon as a sign-in waits for them. Default true. */
  readonly hasCredentialsWindow?: boolean
}

/** For saying which way a sign-in would go: less than a client waits for the answer. */
export const wayLimitMs = 25_000

/** The sign-ins of every configured site: begun, joined, resumed, ended. Sites are canonical. */
export class SignIns {
  readonly steps: SignInSteps
  readonly #config: Config
  readonly #hasSecretStore: boolean
  readonly #hasCredentialsWindow: boolean
  readonly #sessions: Sessions
  readonly #waysIn: ReadonlyMap<string, SiteWayIn>
  readonly #clock: Clock
  readonly #log: Log

  constructor(
    config: Config,
    ports: Ports,
    sessions: Sessions,
    work: UnfinishedWork,
    { hasCredentialsWindow = true, ...rules }: SignInsRules,
  ) {
    this.steps = new SignInSteps(ports)
    this.#config = config
    this.#hasSecretStore = ports.secretStore !== undefined
    this.#hasCredentialsWindow = hasCredentialsWindow
    this.#sessions = sessions
    this.#clock = ports.clock
    this.#log = ports.log
    this.#waysIn = makeWaysIn(config, ports, rules, work)
  }

  /** As `Agent.resume`. */
  async resume(): Promise<void> {
    await Promise.all(
      [...this.#waysIn].map(([site, way]) => this.#sessions.at(site).resume((signal) => way.resume(signal))),
    )
  }

  /** Resolves when what is to be remembered or revoked is; bounded in time. */
  async settled(): Promise<void> {
    await Promise.all([...this.#waysIn.values()].map((way) => way.settled()))
  }

  /** As `Agent.secretStoreProblem`. */
  secretStoreProblem(): AgentError | undefined {
    if (!this.#config.session.rememberSignIn) return undefined
    if (!this.#hasSecretStore) return new AgentError('secret_store_unavailable', 'this system has no keychain to use')
    return [...this.#waysIn.values()].map((way) => way.secretStoreProblem).find((problem) => problem !== undefined)
  }

  /** Throws `site_unknown` for a site that is not configured. */
  wayInto(site: string): SiteWayIn {
    const way = this.#waysIn.get(site)
    if (!way) throw new AgentError('site_unknown', `"${site}" is not configured`)
    return way
  }

  /** Signs the artist in, or joins the sign-in under way. Resolves when it is done. */
  async signIn(site: string, options: SignInOptions): Promise<void> {
    // Also one that has not reached the browser yet: it would come back with the account the browser remembers.
    if (options.switchUser) this.#sessions.at(site).cancelSignIn()
    // Asking again is how an artist says that they closed the tab.
    else if (this.steps.at(site)?.kind === 'browser' && options.openBrowser !== false) this.steps.openOrTell(site)
    await this.#signIn(site, options)
  }

  /** A tool has nobody who types: it joins a sign-in that somebody began, and begins none that only a terminal could go on with. */
  async signInForTool(site: string): Promise<void> {
    const isUnderWay = this.#sessions.at(site).status().state === 'signing_in'
    if (!this.#hasCredentialsWindow && !isUnderWay) {
      await this.wayInto(site).demandNothingToType(AbortSignal.timeout(wayLimitMs))
    }
    await this.#signIn(site, {})
  }

  /** Ends the session, or the sign-in under way, and forgets what a later run could resume. */
  async end(site: string, reason: EndReason): Promise<void> {
    await Promise.all([this.#sessions.at(site).signOut(reason), this.#waysIn.get(site)?.forgetRemembered()])
  }

  /**
   * Holds the sessions that another process has passed on, each by the way it came; resolves with their sites. One that cannot be
   * gone on with, for the configuration is another by now, say, is left out.
   */
  async goOn(passed: Readonly<Record<string, unknown>>, take: TakeSecret): Promise<string[]> {
    const taken: string[] = []
    for (const [site, one] of Object.entries(passed)) {
      const way = this.#waysIn.get(site)
      if (!way) continue
      let held: TakenSession | undefined
      try {
        held = takeHeld(site, one, take, this.#clock)
        const { session, account, signedIn, renewal } = held
        this.#sessions.at(site).goOn(held, await way.goOn({ session, account, signedInAt: signedIn.at }, renewal, take))
        taken.push(site)
      } catch (error) {
        held?.session.sessionToken.wipe()
        this.#log.warn({ site, err: asAgentError(error) }, 'a session could not be taken over; sign in to it again')
      }
    }
    return taken
  }

  async #signIn(site: string, options: SignInOptions): Promise<void> {
    const way = this.wayInto(site)
    const hear = (at: string, step: SignInStep): void => {
      if (at === site) options.onStep?.(at, step)
    }
    const joined = options.switchUser ? undefined : this.steps.at(site)
    if (joined) hear(site, joined)
    const stop = this.steps.begun.listen(hear)
    try {
      await this.#sessions.at(site).signIn((signal) => this.steps.run(way, site, options, signal))
    } finally {
      stop()
    }
  }
}
