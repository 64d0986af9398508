import type { SiteConfig } from '../config/config.ts'
import { AgentError } from '../errors.ts'
import type { Ports } from '../ports.ts'
import type { TakeSecret } from '../secrets/passed-secrets.ts'
import type { Renewal, SignedIn } from '../session/session.ts'
import { readSiteInfo, type SiteInfo } from '../shotgrid/site-info.ts'
import { SingleFlight } from '../waiting/single-flight.ts'
import { untilAborted } from '../waiting/until-aborted.ts'
import { type Choice, chooseByConfiguration, chooseBySite, type WayInName } from './choose-way-in.ts'
import type { ResumableWayIn, SignInRequest, TakenSignIn, WayIn } from './way-in.ts'
import { launcherOff } from './web.ts'

/** The ways there are to one site. */
export interface Ways {
  readonly broker: ResumableWayIn | undefined
  readonly web: WayIn
  readonly legacy: WayIn
  readonly 'identity-direct': WayIn | undefined
}

const infoLimitMs = 20_000

/** The way in to one site: the configured one, or with `auto` the best there is at the moment of the sign-in. */
export class SiteWayIn {
  readonly #site: SiteConfig
  readonly #ways: Ways
  readonly #ports: Pick<Ports, 'fetch' | 'log'>
  readonly #asking = new SingleFlight<SiteInfo>()

  constructor(site: SiteConfig, ways: Ways, ports: Pick<Ports, 'fetch' | 'log'>) {
    this.#site = site
    this.#ways = ways
    this.#ports = ports
  }

  /**
   * Which way a sign-in goes now, and why. Asks the site where only it can tell, and for `web` whether it has that. Throws
   * `web_sign_in_unavailable` where there is no way, or not the configured one; `site_unreachable`.
   */
  async choose(signal: AbortSignal): Promise<Choice> {
    const { url } = this.#site
    const decided = chooseByConfiguration(this.#site)
    if (decided && decided.way !== 'web') return decided
    // Any tool may ask, as often as it likes; the site is asked once for all who do at the same time.
    const asked = this.#asking.run(() => readSiteInfo(this.#ports.fetch, url, AbortSignal.timeout(infoLimitMs)))
    const info = await untilAborted(asked, signal)
    if (!decided) return chooseBySite(url, info)
    if (!info.hasLauncher) throw launcherOff(url)
    return decided
  }

  /** For where nobody could answer: throws `interaction_required` if a sign-in would ask for login and passphrase; like `choose`. */
  async demandNothingToType(signal: AbortSignal): Promise<void> {
    const { way } = await this.choose(signal)
    if (way !== 'legacy') return
    const said = `"${this.#site.url}" wants a login and passphrase, and this agent has no window to ask for them`
    const advice = 'Run "sg-session sign-in" in a terminal, then ask again.'
    throw new AgentError('interaction_required', said, { advice })
  }

  /** Throws an AgentError, or the reason of the request's signal. */
  async signIn(request: SignInRequest): Promise<SignedIn> {
    const choice = await this.choose(request.signal)
    this.#ports.log.info({ site: this.#site.url, ...choice }, 'signing in')
    return this.#named(choice.way).signIn(request)
  }

  /** As `ResumableWayIn`: sign-ins of a way that cannot be resumed are over with the agent. */
  async resume(signal: AbortSignal): Promise<SignedIn> {
    if (!this.#ways.broker) throw new AgentError('login_required', 'no sign-in is remembered')
    return this.#ways.broker.resume(signal)
  }

  /** As `WayIn.goOn`, of the way that the session came by. Throws `config_invalid` where the configuration leads another way now. */
  async goOn(taken: TakenSignIn, passed: unknown, take: TakeSecret): Promise<Renewal> {
    const { obtainedBy } = taken.session
    const decided = chooseByConfiguration(this.#site)
    if (decided && decided.way !== obtainedBy)
      throw new AgentError(
        'config_invalid',
        `the way in "${obtainedBy}" is not configured for "${this.#site.url}" any more`,
      )
    return this.#named(obtainedBy).goOn(taken, passed, take)
  }

  async forgetRemembered(): Promise<void> {
    await this.#ways.broker?.forgetRemembered()
  }

  async settled(): Promise<void> {
    await this.#ways.broker?.settled()
  }

  get secretStoreProblem(): AgentError | undefined {
    return this.#ways.broker?.secretStoreProblem
  }

  #named(name: WayInName): WayIn {
    const way = this.#ways[name]
    // The configuration is checked for this: a way that it names has what it needs.
    if (!way) throw new AgentError('config_invalid', `the way in "${name}" is not configured for "${this.#site.url}"`)
    return way
  }
}
