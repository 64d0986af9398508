import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError } from '../errors.ts'
import type { Ports } from '../ports.ts'
import type { Secret } from '../secret.ts'
import type { SignedIn } from '../session/session.ts'
import { type Launch, LauncherOff, pollLaunch, requestLaunch } from '../shotgrid/session-launcher.ts'
import { takeInSiteSession } from './site-session.ts'
import type { SignInRequest, WayIn } from './way-in.ts'

const pollEveryMs = 2_000

/** Signing in at the site itself in the system browser: its App Session Launcher. Needs no broker and no Autodesk app. */
export class WebWayIn implements WayIn {
  readonly name = 'web'
  readonly #site: string
  readonly #ports: Pick<Ports, 'fetch' | 'clock'>

  constructor({ site }: { readonly site: string }, ports: Pick<Ports, 'fetch' | 'clock'>) {
    this.#site = site
    this.#ports = ports
  }

  /** Throws `web_sign_in_unavailable` where the site has it switched off, `access_denied`, `site_unreachable`. */
  async signIn({ onStep, signal }: SignInRequest): Promise<SignedIn> {
    const launch = await this.#request(signal)
    onStep({ kind: 'browser', url: launch.url })
    const sessionToken = await this.#approved(launch, signal)
    const made = { site: this.#site, sessionToken, obtainedBy: this.name } as const
    return takeInSiteSession(this.#ports, made, signal)
  }

  async #request(signal: AbortSignal): Promise<Launch> {
    try {
      const label = { appName: 'sg-session', machineId: hostname() }
      return await requestLaunch(this.#ports.fetch, this.#site, label, signal)
    } catch (error) {
      if (!(error instanceof LauncherOff)) throw error
      throw new AgentError('web_sign_in_unavailable', `"${this.#site}" has its App Session Launcher switched off`, {
        cause: error,
      })
    }
  }

  async #approved(launch: Launch, signal: AbortSignal): Promise<Secret> {
    for (;;) {
      await sleep(pollEveryMs, undefined, { signal }).catch(() => signal.throwIfAborted())
      const state = await pollLaunch(this.#ports.fetch, this.#site, launch.id, signal)
      if (state.is === 'approved') return state.sessionToken
      // Refused, or forgotten by the site: it does not say which.
      if (state.is === 'gone') throw new AgentError('access_denied', `"${this.#site}" no longer waits for this sign-in`)
    }
  }
}
