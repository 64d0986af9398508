import { z } from 'zod'
import { AgentError } from '../errors.ts'
import type { Ports } from '../ports.ts'
import { Secret } from '../secret.ts'
import type { SignedIn } from '../session/session.ts'
import { SiteFault, SiteTrouble, translateSiteTrouble } from '../shotgrid/faults.ts'
import { callRpc } from '../shotgrid/json-rpc.ts'
import { readSiteInfo, type SiteInfo } from '../shotgrid/site-info.ts'
import { untilAborted } from '../until-aborted.ts'
import { takesPassphrases } from './choose-way-in.ts'
import { takeInSiteSession } from './site-session.ts'
import type { Credentials, SignInRequest, WayIn } from './way-in.ts'

const sessionBody = z.object({ session_id: z.string().min(1) })

/**
 * Signing in with ShotGrid's own login and passphrase, and a code where a second factor is set up. They are sent once and
 * kept nowhere.
 */
export class LegacyWayIn implements WayIn {
  readonly name = 'legacy'
  readonly #site: string
  readonly #ports: Pick<Ports, 'fetch' | 'clock'>

  constructor({ site }: { readonly site: string }, ports: Pick<Ports, 'fetch' | 'clock'>) {
    this.#site = site
    this.#ports = ports
  }

  /** Throws `legacy_sign_in_unavailable` on a site that takes no passphrases, `site_unreachable`. */
  async signIn({ onStep, signal }: SignInRequest): Promise<SignedIn> {
    const info = await readSiteInfo(this.#ports.fetch, this.#site, signal)
    if (!takesPassphrases(info.authentication)) throw this.#unavailable()
    let accept: (signedIn: SignedIn) => void = () => undefined
    const signedIn = new Promise<SignedIn>((resolve) => {
      accept = resolve
    })
    let busy = false
    const ask = (wantsCode: boolean): void => {
      const submit = async (credentials: Credentials): Promise<void> => {
        signal.throwIfAborted()
        if (busy) throw new AgentError('rate_limited', 'another try is under way')
        busy = true
        try {
          accept(await this.#try(credentials, info, signal))
        } catch (error) {
          if (error instanceof AgentError && error.code === 'two_factor_required') ask(true)
          throw error
        } finally {
          busy = false
        }
      }
      onStep({ kind: 'credentials', wantsCode, submit })
    }
    ask(false)
    return untilAborted(signedIn, signal)
  }

  async #try(credentials: Credentials, info: SiteInfo, signal: AbortSignal): Promise<SignedIn> {
    const sessionToken = await this.#sessionOf(credentials, info, signal)
    return takeInSiteSession(this.#ports, { site: this.#site, sessionToken, obtainedBy: this.name }, signal)
  }

  async #sessionOf(credentials: Credentials, { authentication }: SiteInfo, signal: AbortSignal): Promise<Secret> {
    try {
      const caller = { kind: 'person', ...credentials } as const
      const call = { method: 'get_session_token', signal }
      const answer = sessionBody.safeParse(await callRpc(this.#ports.fetch, this.#site, caller, call))
      if (answer.success) return new Secret(answer.data.session_id)
      const trouble = new SiteTrouble('answered "get_session_token" in an unknown form', 200)
      throw translateSiteTrouble(trouble, this.#site, 'signing in')
    } catch (error) {
      if (!(error instanceof SiteFault)) throw error
      throw this.#refusal(error, authentication)
    }
  }

  /** What the site's number means on a site of this kind. facts: shotgrid §1.5, §5 */
  #refusal(fault: SiteFault, authentication: string): AgentError {
    const cause = { cause: fault }
    switch (fault.kind) {
      case 'two_factor_missing':
        return new AgentError('two_factor_required', undefined, cause)
      case 'sso_only':
        return this.#unavailable(cause)
      case 'identity_only':
        return new AgentError('personal_access_token_required', undefined, cause)
      case 'authentication': {
        const code = authentication === 'oxygen' ? 'personal_access_token_required' : 'passphrase_rejected'
        return new AgentError(code, undefined, cause)
      }
      case 'other':
        return new AgentError('site_unreachable', `"${this.#site}" refused the sign-in: ${fault.message}`, cause)
    }
  }

  #unavailable(options: { readonly cause?: unknown } = {}): AgentError {
    const said = `"${this.#site}" signs people in through the company's own sign-in only`
    return new AgentError('legacy_sign_in_unavailable', said, options)
  }
}
