import { AgentError } from '../errors.ts'
import { Feed } from '../feed.ts'
import type { BrowserStep } from '../identity/browser-sign-in.ts'
import type { Ports } from '../ports.ts'
import type { SignedIn } from '../session/session.ts'
import type { WayIn } from './way-in.ts'

export interface BrowserStepOptions {
  readonly switchUser?: boolean
  /** false: only tell the address. */
  readonly openBrowser?: boolean
}

/** Where the artist signs in, site by site, while a sign-in waits for the browser; and the browser's start. */
export class BrowserSteps {
  /** The address of each sign-in, when it begins to wait for the browser. */
  readonly begun: Feed<[site: string, url: URL]>
  /** A browser that would not start: the sign-in goes on, the address can be opened by hand. */
  readonly failed: Feed<[site: string]>
  readonly #ports: Pick<Ports, 'openBrowser' | 'log'>
  readonly #steps = new Map<string, BrowserStep>()

  constructor(ports: Pick<Ports, 'openBrowser' | 'log'>) {
    const onListenerError = (error: unknown): void => ports.log.error({ err: error }, 'a listener failed')
    this.#ports = ports
    this.begun = new Feed(onListenerError)
    this.failed = new Feed(onListenerError)
  }

  at(site: string): BrowserStep | undefined {
    return this.#steps.get(site)
  }

  /** Goes a way in, and knows its step while that lasts. */
  async run(way: WayIn, site: string, options: BrowserStepOptions, signal: AbortSignal): Promise<SignedIn> {
    const { switchUser = false, openBrowser = true } = options
    let own: BrowserStep | undefined
    const onBrowser = (step: BrowserStep): void => {
      own = step
      this.#steps.set(site, step)
      this.begun.announce(site, step.url)
      if (openBrowser) this.openOrTell(site)
    }
    const forget = (): void => {
      if (this.#steps.get(site) === own) this.#steps.delete(site)
    }
    signal.addEventListener('abort', forget, { once: true })
    return way.signIn({ switchUser, onBrowser, signal }).finally(forget)
  }

  /** Sends the browser there. Throws `invalid_request` if no sign-in waits for it, or what kept it from starting. */
  async open(site: string): Promise<void> {
    const step = this.#steps.get(site)
    if (!step) throw new AgentError('invalid_request', `no sign-in to "${site}" is waiting for the browser`)
    await this.#ports.openBrowser(step.url)
  }

  /** The same for who cannot wait: what goes wrong is told to those who listen to `failed`. */
  openOrTell(site: string): void {
    const step = this.#steps.get(site)
    this.open(site).catch((error: unknown) => {
      this.#ports.log.warn({ site, err: error }, 'the browser could not be started')
      if (this.#steps.get(site) === step) this.failed.announce(site)
    })
  }
}
