import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError, asAgentError } from '../errors.ts'
import type { Ports } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import type { Renewal, SignedIn } from '../session/session.ts'
import { type Launch, LauncherOff, type LaunchState, pollLaunch, requestLaunch } from '../shotgrid/session-launcher.ts'
import { pauseMs } from '../waiting/asked-to-wait.ts'
import { goOnWithSiteSession, takeInSiteSession } from './site-session.ts'
import type { SignInRequest, TakenSignIn, WayIn } from './way-in.ts'

const pollEveryMs = 2_000
/** How long a site may give no usable answer before the sign-in is given up. */
const silenceLimitMs = 30_000
/** The site forgets a request after some 305 s; one that is nearly as old was not declined. facts: shotgrid §3.1 */
const oldAgeMs = 300_000

type WebPorts = Pick<Ports, 'fetch' | 'clock'>

/**
 * Signing in at the site itself in the system browser: its App Session Launcher. Needs no broker and no Autodesk app.
 *
 * `switchUser` changes nothing here: the site's page says who is signed in to it in that browser and asks that person. Who
 * wants to be someone else signs out of the site there first, or opens the address in another browser or a private window.
 */
export class WebWayIn implements WayIn {
  readonly name = 'web'
  readonly #site: string
  readonly #ports: WebPorts

  constructor({ site }: { readonly site: string }, ports: WebPorts) {
    this.#site = site
    this.#ports = ports
  }

  /**
   * Throws `web_sign_in_unavailable` where the site has it switched off, `access_denied` when the person declined,
   * `sign_in_timeout` when the site no longer waits for them, `site_unreachable`.
   */
  async signIn({ onStep, signal }: SignInRequest): Promise<SignedIn> {
    const launch = await this.#request(signal)
    const wait = new LaunchWait(this.#site, this.#ports)
    onStep({ kind: 'browser', url: launch.url })
    const sessionToken = await this.#approved(launch, wait, signal)
    const made = { site: this.#site, sessionToken, obtainedBy: this.name } as const
    return takeInSiteSession(this.#ports, made, signal)
  }

  async goOn({ session }: TakenSignIn, passed: unknown): Promise<Renewal> {
    return goOnWithSiteSession(this.#ports, session, passed)
  }

  async #request(signal: AbortSignal): Promise<Launch> {
    try {
      const label = { appName: 'sg-session', machineId: hostname() }
      return await requestLaunch(this.#ports.fetch, this.#site, label, signal)
    } catch (error) {
      if (!(error instanceof LauncherOff)) throw error
      throw launcherOff(this.#site, error)
    }
  }

  /** One question after the other, never two at once: the site hands the token out once. */
  async #approved(launch: Launch, wait: LaunchWait, signal: AbortSignal): Promise<Secret> {
    const { fetch, clock } = this.#ports
    for (;;) {
      await sleep(wait.pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted())
      const state = await pollLaunch(fetch, this.#site, launch.id, signal)
      signal.throwIfAborted()
      if (state.is === 'approved') return state.sessionToken
      wait.judge(state, clock.monotonicMs())
    }
  }
}

/** `web_sign_in_unavailable`, for a site that has the launcher and does not offer it. */
export function launcherOff(site: string, cause?: unknown): AgentError {
  return new AgentError('web_sign_in_unavailable', `"${site}" has its App Session Launcher switched off`, { cause })
}

/** The waiting for one launch: what each answer means after those before it. */
class LaunchWait {
  readonly #site: string
  readonly #clock: Ports['clock']
  readonly #startedAt: number
  readonly #startedAtMonotonicMs: number
  #answeredAtMonotonicMs: number
  #tokenMayBeLost = false
  #pauseMs = pollEveryMs

  constructor(site: string, { clock }: WebPorts) {
    this.#site = site
    this.#clock = clock
    this.#startedAt = clock.now()
    this.#startedAtMonotonicMs = clock.monotonicMs()
    this.#answeredAtMonotonicMs = this.#startedAtMonotonicMs
  }

  /** Before the next question. */
  get pauseMs(): number {
    return this.#pauseMs
  }

  /** Returns where it is worth asking again; throws why it is not. */
  judge(state: Exclude<LaunchState, { is: 'approved' }>, monotonicMs: number): void {
    switch (state.is) {
      case 'waiting':
        this.#answeredAtMonotonicMs = monotonicMs
        this.#tokenMayBeLost = false
        this.#pauseMs = pollEveryMs
        return
      case 'gone':
        throw this.#gone()
      case 'refused':
        throw this.#refused(state)
      case 'unknown': {
        const error = asAgentError(state.error)
        this.#tokenMayBeLost ||= state.mayHaveArrived
        this.#pauseMs = pauseMs(error, pollEveryMs)
        // A site that says when to come back is there.
        if (error.retryAfterMs !== undefined) this.#answeredAtMonotonicMs = monotonicMs + this.#pauseMs
        if (monotonicMs - this.#answeredAtMonotonicMs > silenceLimitMs) throw error
      }
    }
  }

  /** Declined, forgotten for its age, or handed out to nobody: the site does not say which, what went before does. */
  #gone(): AgentError {
    const said = `"${this.#site}" no longer waits for this sign-in`
    if (this.#tokenMayBeLost) {
      return new AgentError('site_unreachable', `${said}, and one of its answers was lost on the way`, {
        advice: 'Sign in again: the site hands a session out once, and that answer may have held it.',
      })
    }
    // By either clock: one stands still while the machine sleeps, the other can be set.
    const ageMs = Math.max(this.#clock.now() - this.#startedAt, this.#clock.monotonicMs() - this.#startedAtMonotonicMs)
    if (ageMs >= oldAgeMs) return new AgentError('sign_in_timeout', `${said}: it has waited for five minutes`)
    return new AgentError('access_denied', `${said}: it was declined in the browser, or the site has forgotten it`, {
      advice: 'Sign in again and approve it in the browser; the page says as whom. Nothing was declined? Tell IT.',
    })
  }

  #refused({ status, said }: Extract<LaunchState, { is: 'refused' }>): AgentError {
    const message = `signing in through the browser at "${this.#site}": ${said}`
    return status === 403 ? new AgentError('access_denied', message) : new AgentError('site_unreachable', message)
  }
}
