import { AgentError } from '../errors.ts'
import type { Ports } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import type { Renewal, SignedIn } from '../session/session.ts'
import { SiteFault, SiteTrouble, translateSiteTrouble } from '../shotgrid/faults.ts'
import { callRpcForSecret } from '../shotgrid/json-rpc.ts'
import { readSiteInfo, type SiteInfo } from '../shotgrid/site-info.ts'
import { anySignal } from '../waiting/any-signal.ts'
import { untilAborted } from '../waiting/until-aborted.ts'
import { takesPassphrases } from './choose-way-in.ts'
import { explainRefusal, takesNoPassphrases } from './legacy-refusal.ts'
import { RecentRefusals } from './recent-refusals.ts'
import { goOnWithSiteSession, takeInSiteSession } from './site-session.ts'
import type { Credentials, CredentialsStep, SignInRequest, TakenSignIn, WayIn } from './way-in.ts'

type SitePorts = Pick<Ports, 'fetch' | 'clock'>

/** For asking the site what it is, before anybody types anything. */
const infoLimitMs = 20_000

export interface LegacyWaySettings {
  readonly site: string
  /** For one try, from the passphrase to the session. Default 45,000: less than a client waits for the answer. */
  readonly tryLimitMs?: number
}

/**
 * Signing in with ShotGrid's own login and passphrase, and a code where a second factor is set up. They are sent once and
 * kept nowhere.
 */
export class LegacyWayIn implements WayIn {
  readonly name = 'legacy'
  readonly #site: string
  readonly #tryLimitMs: number
  readonly #ports: SitePorts
  readonly #refusals: RecentRefusals

  constructor({ site, tryLimitMs = 45_000 }: LegacyWaySettings, ports: SitePorts) {
    this.#site = site
    this.#tryLimitMs = tryLimitMs
    this.#ports = ports
    this.#refusals = new RecentRefusals(ports.clock)
  }

  /**
   * Waits for credentials that the site takes, as often as it refuses some. Throws `legacy_sign_in_unavailable` on a site that
   * takes no passphrases, before anything is asked for; `site_unreachable`.
   */
  async signIn({ onStep, signal }: SignInRequest): Promise<SignedIn> {
    const limited = anySignal([signal, AbortSignal.timeout(infoLimitMs)])
    const info = await readSiteInfo(this.#ports.fetch, this.#site, limited)
    signal.throwIfAborted()
    if (!takesPassphrases(info.authentication)) throw takesNoPassphrases(this.#site, info)
    const settings = { site: this.#site, tryLimitMs: this.#tryLimitMs, info, ports: this.#ports, onStep, signal }
    return new CredentialsDesk({ ...settings, refusals: this.#refusals }).signedIn
  }

  async goOn({ session }: TakenSignIn, passed: unknown): Promise<Renewal> {
    return goOnWithSiteSession(this.#ports, session, passed)
  }
}

interface DeskSettings {
  readonly site: string
  readonly tryLimitMs: number
  readonly info: SiteInfo
  readonly ports: SitePorts
  readonly refusals: RecentRefusals
  readonly onStep: (step: CredentialsStep) => void
  readonly signal: AbortSignal
}

/** One sign-in that waits for credentials: one try at a time, until one succeeds or the sign-in is over. */
class CredentialsDesk {
  readonly #settings: DeskSettings
  #succeed: (signedIn: SignedIn) => void = () => undefined
  /** Settles with the session of the try that succeeded, or the signal's reason. */
  readonly signedIn: Promise<SignedIn>
  #state: 'waiting' | 'trying' | 'done' = 'waiting'
  #refusedTries = 0

  constructor(settings: DeskSettings) {
    this.#settings = settings
    const success = new Promise<SignedIn>((resolve) => {
      this.#succeed = resolve
    })
    this.signedIn = untilAborted(success, settings.signal)
    this.#ask(false)
  }

  #ask(wantsCode: boolean): void {
    this.#settings.onStep({ kind: 'credentials', wantsCode, submit: (credentials) => this.#submit(credentials) })
  }

  async #submit(credentials: Credentials): Promise<void> {
    const { signal } = this.#settings
    signal.throwIfAborted()
    if (this.#state === 'trying') throw new AgentError('rate_limited', 'another try is under way')
    if (this.#state === 'done') throw new AgentError('invalid_request', 'the sign-in needs no login any more')
    this.#settings.refusals.demandRoom(credentials.login, this.#settings.site)
    this.#state = 'trying'
    try {
      const signedIn = await this.#try(credentials)
      if (signal.aborted) {
        await signedIn.renewal.forget()
        signedIn.session.sessionToken.wipe()
      }
      signal.throwIfAborted()
      this.#state = 'done'
      this.#succeed(signedIn)
    } catch (error) {
      this.#state = 'waiting'
      signal.throwIfAborted()
      if (error instanceof AgentError && error.code === 'two_factor_required') this.#ask(true)
      throw error
    }
  }

  async #try(credentials: Credentials): Promise<SignedIn> {
    const { site, ports, signal, tryLimitMs } = this.#settings
    const limited = anySignal([signal, AbortSignal.timeout(tryLimitMs)])
    const sessionToken = await this.#sessionOf(credentials, limited)
    return takeInSiteSession(ports, { site, sessionToken, obtainedBy: 'legacy' }, limited)
  }

  async #sessionOf(credentials: Credentials, signal: AbortSignal): Promise<Secret> {
    const { site, info, ports } = this.#settings
    try {
      const caller = { kind: 'person', ...credentials } as const
      const call = { method: 'get_session_token', secretAt: ['results', 'session_id'], signal } as const
      const sessionToken = await callRpcForSecret(ports.fetch, site, caller, call)
      if (sessionToken) return sessionToken
      const trouble = new SiteTrouble('answered "get_session_token" in an unknown form', 200)
      throw translateSiteTrouble(trouble, site, 'signing in')
    } catch (error) {
      // Without causes: a site's sentence, or the page in its place, may quote what was sent.
      if (error instanceof AgentError) throw new AgentError(error.code, error.message)
      if (!(error instanceof SiteFault)) throw error
      if (error.kind === 'authentication' || error.kind === 'identity_only') {
        this.#refusedTries += 1
        this.#settings.refusals.note(credentials.login)
      }
      throw explainRefusal({
        fault: error,
        ...{ site, info },
        refusedTries: this.#refusedTries,
        codeGiven: credentials.code !== undefined,
      })
    }
  }
}
