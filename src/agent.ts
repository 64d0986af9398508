import type { Config, SiteConfig } from './config.ts'
import { findSite } from './config.ts'
import { AgentError } from './errors.ts'
import { BrowserSignIn, type BrowserStep } from './identity/browser-sign-in.ts'
import type { Ports } from './ports.ts'
import type { Secret } from './secret.ts'
import type { SiteStatus } from './session/changes.ts'
import type { Session, SignedIn } from './session/session.ts'
import { Sessions } from './session/sessions.ts'
import { SiteFault } from './shotgrid/faults.ts'
import { RestTokens } from './shotgrid/rest-tokens.ts'
import { BrokerWayIn } from './sign-in/broker.ts'
import type { WayIn } from './sign-in/way-in.ts'
import type { Endpoint } from './socket/endpoint-file.ts'
import { SocketListener } from './socket/listener.ts'
import type { Desk } from './socket/methods.ts'

export interface SignInOptions {
  readonly switchUser?: boolean
  readonly openBrowser?: boolean
  readonly onBrowser?: (site: string, url: URL) => void
}

/**
 * The program without a face: holds the sessions of the configured sites, signs in, and serves plug-ins over the socket.
 * The tray app and `sg-session agent` are two shells round it.
 */
export class Agent {
  readonly #config: Config
  readonly #ports: Pick<Ports, 'log' | 'openBrowser'>
  readonly #sessions: Sessions
  readonly #restTokens: RestTokens
  readonly #waysIn: ReadonlyMap<string, WayIn>
  readonly #listener: SocketListener
  /** The browser step of each sign-in under way, for those who join it and for pasting. */
  readonly #steps = new Map<string, BrowserStep>()
  readonly #stepListeners = new Set<(site: string, url: URL) => void>()
  readonly #startedAt: number

  constructor(config: Config, ports: Ports, rules: { readonly insecureLoopback: boolean }) {
    this.#config = config
    this.#ports = ports
    this.#startedAt = ports.clock.now()
    this.#sessions = new Sessions({
      sites: config.sites.map((site) => site.url),
      maxAgeMs: config.session.maxAgeHours * 3600_000,
      remindBeforeMs: config.session.remindBeforeMinutes * 60_000,
      clock: ports.clock,
      log: ports.log,
    })
    this.#restTokens = new RestTokens(ports.fetch, ports.clock)
    this.#waysIn = makeWaysIn(config, ports, rules)
    this.#listener = new SocketListener(ports.log)
    this.#sessions.changes.listen((status) => this.#listener.announce(status))
  }

  /** Opens the socket. Resolves with what the endpoint file must say. */
  listen(): Promise<Endpoint> {
    const desk: Desk = {
      startedAt: this.#startedAt,
      session: (request) => this.session(request.site, request.minValidityMs, request.interactive),
      restToken: (site) => this.restToken(site),
      reportRejected: (site, generation) => this.reportRejected(site, generation),
      signIn: ({ site, ...options }) => this.signIn(site, options),
      pasteRedirect: async (site, address) => this.pasteRedirect(site, address),
      cancelSignIn: (site) => this.cancelSignIn(site),
      signOut: (site) => this.signOut(site),
      status: () => this.#sessions.status(),
    }
    return this.#listener.open(desk)
  }

  /** Closes the socket and forgets every session, revoking what can be revoked; bounded in time. */
  async close(): Promise<void> {
    await this.#listener.close()
    await this.#sessions.signOutEverywhere()
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
    const site = this.#site(wanted)
    const underWay = this.#steps.get(site.url)
    // Also one that has not reached the browser yet: it would come back with the account the browser remembers.
    if (options.switchUser) this.#sessions.at(site.url).cancelSignIn()
    // Asking again is how an artist says that they closed the tab.
    else if (underWay && options.openBrowser !== false) this.#openAgain(underWay.url)
    await this.#signIn(site, options)
    return this.#sessions.at(site.url).status()
  }

  /** The address the browser came back to, pasted by the artist. Throws `invalid_request` if no sign-in waits for it. */
  pasteRedirect(wanted: string | undefined, address: string): SiteStatus {
    const { url } = this.#site(wanted)
    const step = this.#steps.get(url)
    if (!step) throw new AgentError('invalid_request', `no sign-in to "${url}" is waiting for the browser`)
    step.acceptRedirect(address)
    return this.#sessions.at(url).status()
  }

  cancelSignIn(wanted: string | undefined): SiteStatus {
    const holder = this.#sessions.at(this.#site(wanted).url)
    holder.cancelSignIn()
    return holder.status()
  }

  async signOut(wanted: string | undefined): Promise<SiteStatus> {
    const holder = this.#sessions.at(this.#site(wanted).url)
    await holder.signOut()
    return holder.status()
  }

  /** A session with `minValidityMs` left where the site grants that; signs in first only if `interactive`. */
  async session(
    wanted: string | undefined,
    minValidityMs: number,
    interactive: boolean,
  ): Promise<{ session: Session; generation: number }> {
    const site = this.#site(wanted)
    const holder = this.#sessions.at(site.url)
    const { signOuts } = holder
    try {
      return await holder.get(minValidityMs)
    } catch (error) {
      if (!interactive || !(error instanceof AgentError) || error.code !== 'login_required') throw error
      // Who signed out while this waited does not want to be signed in again.
      if (holder.signOuts !== signOuts) throw error
    }
    await this.#signIn(site, {})
    return holder.get(minValidityMs)
  }

  async reportRejected(wanted: string | undefined, generation: number | undefined): Promise<SiteStatus> {
    const holder = this.#sessions.at(this.#site(wanted).url)
    await holder.reportRejected(generation)
    return holder.status()
  }

  /** A REST bearer of the held session. */
  async restToken(wanted: string | undefined): Promise<{ site: string; accessToken: Secret; expiresAt: number }> {
    const site = this.#site(wanted).url
    const holder = this.#sessions.at(site)
    const { session, generation } = await holder.get(0)
    const token = await this.#restTokens.get(site, session.sessionToken).catch(async (error: unknown) => {
      if (!(error instanceof SiteFault)) throw error
      // The site does not know the session any more: found out here instead of by a plug-in.
      await holder.reportRejected(generation)
      return this.#restTokens.get(site, (await holder.get(0)).session.sessionToken)
    })
    // Signed out meanwhile: then nobody gets it. Someone else signed in: then it is not theirs.
    const { session: now } = await holder.get(0)
    return now.userId === session.userId ? { site, ...token } : this.restToken(wanted)
  }

  async #signIn(site: SiteConfig, options: SignInOptions): Promise<void> {
    const way = this.#waysIn.get(site.url)
    if (!way) throw new AgentError('web_sign_in_unavailable', `no broker is configured for "${site.url}"`)
    const { onBrowser } = options
    const heard = (at: string, url: URL): void => {
      if (at === site.url) onBrowser?.(at, url)
    }
    this.#stepListeners.add(heard)
    const joined = this.#steps.get(site.url)
    if (joined && !options.switchUser) heard(site.url, joined.url)
    try {
      await this.#sessions.at(site.url).signIn((signal) => this.#runWay(way, site.url, options, signal))
    } finally {
      this.#stepListeners.delete(heard)
    }
  }

  async #runWay(way: WayIn, site: string, options: SignInOptions, signal: AbortSignal): Promise<SignedIn> {
    const { switchUser = false, openBrowser = true } = options
    let own: BrowserStep | undefined
    const onBrowser = (step: BrowserStep): void => {
      own = step
      this.#steps.set(site, step)
      for (const listener of this.#stepListeners) listener(site, step.url)
    }
    const forget = (): void => {
      if (this.#steps.get(site) === own) this.#steps.delete(site)
    }
    signal.addEventListener('abort', forget, { once: true })
    return way.signIn({ switchUser, openBrowser, onBrowser, signal }).finally(forget)
  }

  #openAgain(url: URL): void {
    this.#ports.openBrowser(url).catch((error: unknown) => {
      this.#ports.log.warn({ err: error }, 'the browser could not be started')
    })
  }

  #site(wanted: string | undefined): SiteConfig {
    return findSite(this.#config, wanted)
  }
}

function makeWaysIn(
  config: Config,
  ports: Ports,
  rules: { readonly insecureLoopback: boolean },
): ReadonlyMap<string, WayIn> {
  const { issuer, clientId, redirectPorts, scopes } = config.identity
  const ways = new Map<string, WayIn>()
  if (clientId === undefined) return ways
  const identity = new BrowserSignIn({ issuer, clientId, redirectPorts, scopes, ...rules }, ports)
  for (const site of config.sites) {
    if (site.broker) ways.set(site.url, new BrokerWayIn({ site: site.url, broker: site.broker, identity }, ports))
  }
  return ways
}
