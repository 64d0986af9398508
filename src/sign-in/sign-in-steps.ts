import { AgentError } from '../errors.ts'
import { Feed } from '../feed.ts'
import type { Ports } from '../ports.ts'
import type { SignedIn } from '../session/session.ts'
import type { SiteWayIn } from './site-way-in.ts'
import type { BrowserStep, Credentials, SignInStep } from './way-in.ts'

export interface SignInStepOptions {
  readonly switchUser?: boolean
  /** false: only tell the address. */
  readonly openBrowser?: boolean
}

/** What each sign-in waits for, site by site, while it waits for the artist; and the browser's start. */
export class SignInSteps {
  /** What a sign-in begins to wait for. */
  readonly begun: Feed<[site: string, step: SignInStep]>
  /** A browser that would not start: the sign-in goes on, the address can be opened by hand. */
  readonly failed: Feed<[site: string]>
  readonly #ports: Pick<Ports, 'openBrowser' | 'log'>
  readonly #steps = new Map<string, SignInStep>()

  constructor(ports: Pick<Ports, 'openBrowser' | 'log'>) {
    const onListenerError = (error: unknown): void => ports.log.error({ err: error }, 'a listener failed')
    this.#ports = ports
    this.begun = new Feed(onListenerError)
    this.failed = new Feed(onListenerError)
  }

  at(site: string): SignInStep | undefined {
    return this.#steps.get(site)
  }

  /** Goes a way in, and knows its step while that lasts. */
  async run(way: SiteWayIn, site: string, options: SignInStepOptions, signal: AbortSignal): Promise<SignedIn> {
    const { switchUser = false, openBrowser = true } = options
    let own: SignInStep | undefined
    const onStep = (step: SignInStep): void => {
      own = step
      this.#steps.set(site, step)
      this.begun.announce(site, step)
      if (openBrowser && step.kind === 'browser') this.openOrTell(site)
    }
    const forget = (): void => {
      if (this.#steps.get(site) === own) this.#steps.delete(site)
    }
    signal.addEventListener('abort', forget, { once: true })
    return way.signIn({ switchUser, onStep, signal }).finally(forget)
  }

  /** Takes the address the browser came back to. Throws `invalid_request` if no sign-in waits for it. */
  acceptRedirect(site: string, address: string): void {
    const step = this.#steps.get(site)
    if (step?.kind !== 'browser' || !step.acceptRedirect) {
      throw new AgentError('invalid_request', `no sign-in to "${site}" is waiting for such an address`)
    }
    step.acceptRedirect(address)
  }

  /** Tries them. Throws `invalid_request` if no sign-in waits for some, else why the site did not take these. */
  async submit(site: string, credentials: Credentials): Promise<void> {
    const step = this.#steps.get(site)
    if (step?.kind !== 'credentials') {
      throw new AgentError('invalid_request', `no sign-in to "${site}" is waiting for a login and passphrase`)
    }
    await step.submit(credentials)
  }

  /** Sends the browser there. Throws `invalid_request` if no sign-in waits for it, or what kept it from starting. */
  async open(site: string): Promise<void> {
    await this.#ports.openBrowser(this.#browserStep(site).url)
  }

  /** The same for who cannot wait: what goes wrong is told to those who listen to `failed`. */
  openOrTell(site: string): void {
    const step = this.#steps.get(site)
    this.open(site).catch((error: unknown) => {
      this.#ports.log.warn({ site, err: error }, 'the browser could not be started')
      if (this.#steps.get(site) === step) this.failed.announce(site)
    })
  }

  #browserStep(site: string): BrowserStep {
    const step = this.#steps.get(site)
    if (step?.kind !== 'browser') {
      throw new AgentError('invalid_request', `no sign-in to "${site}" is waiting for the browser`)
    }
    return step
  }
}
