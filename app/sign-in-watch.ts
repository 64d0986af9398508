import type { Agent, Credentials } from '../src/agent.ts'
import { asAgentError, type ErrorCode } from '../src/errors.ts'
import type { SiteSituation, WaitedFor } from './situation.ts'

type SignInFacts = Pick<
  SiteSituation,
  'waitsForBrowser' | 'takesRedirect' | 'browserFailed' | 'credentials' | 'waitedFor'
>

/** What a sign-in under way is at, site by site, beyond what the agent's status tells. */
export class SignInWatch {
  readonly #agent: Agent
  readonly #changed: () => void
  readonly #browserFailed = new Set<string>()
  readonly #refusals = new Map<string, ErrorCode>()
  readonly #waitedFor = new Map<string, WaitedFor>()

  /** `changed` is called when there is something new to show. */
  constructor(agent: Agent, changed: () => void) {
    this.#agent = agent
    this.#changed = changed
    agent.onChange(({ site, reason }) => {
      if (reason === 'sign_in_started') this.#forget(site)
    })
    agent.onSignInStep((site, { kind }) => {
      this.#waitedFor.set(site, kind)
      changed()
    })
    agent.onBrowserFailed((site) => {
      this.#browserFailed.add(site)
      changed()
    })
  }

  factsOf(site: string): SignInFacts {
    const step = this.#agent.signInStep(site)
    const waitsForBrowser = step?.kind === 'browser'
    return {
      waitsForBrowser,
      takesRedirect: waitsForBrowser && step.acceptRedirect !== undefined,
      browserFailed: waitsForBrowser && this.#browserFailed.has(site),
      credentials:
        step?.kind === 'credentials' ? { wantsCode: step.wantsCode, refusal: this.#refusals.get(site) } : undefined,
      waitedFor: this.#waitedFor.get(site),
    }
  }

  /** As `Agent.submitCredentials`; why they were not taken is shown until the next ones are tried. */
  async submitCredentials(site: string, credentials: Credentials): Promise<void> {
    this.#refusals.delete(site)
    try {
      await this.#agent.submitCredentials(site, credentials)
    } catch (error) {
      this.#refusals.set(site, asAgentError(error).code)
      throw error
    } finally {
      this.#changed()
    }
  }

  #forget(site: string): void {
    this.#browserFailed.delete(site)
    this.#refusals.delete(site)
    this.#waitedFor.delete(site)
  }
}
