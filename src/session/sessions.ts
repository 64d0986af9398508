import { AgentError } from '../errors.ts'
import { Feed } from '../feed.ts'
import type { Clock, Log } from '../ports.ts'
import type { PutSecret } from '../secrets/passed-secrets.ts'
import type { Secret } from '../secrets/secret.ts'
import type { UnfinishedWork } from '../waiting/unfinished-work.ts'
import type { SiteStatus } from './changes.ts'
import type { PassedSession } from './passed-on.ts'
import { SessionHolder } from './session-holder.ts'

export interface SessionsSettings {
  readonly sites: readonly string[]
  readonly maxAgeMs: number
  readonly remindBeforeMs: number
  readonly clock: Clock
  readonly log: Log
  /** As a holder's. */
  readonly onWiped?: (sessionToken: Secret) => void
  readonly work?: UnfinishedWork
}

/** The sessions of every configured site, and the one feed of what happens to them. */
export class Sessions {
  readonly #holders: ReadonlyMap<string, SessionHolder>
  readonly changes: Feed<[SiteStatus]>

  constructor({ sites, ...settings }: SessionsSettings) {
    this.changes = new Feed((error) => settings.log.error({ err: error }, 'a listener failed'))
    const announce = (status: SiteStatus): void => this.changes.announce(status)
    this.#holders = new Map(sites.map((site) => [site, new SessionHolder({ ...settings, site, announce })]))
  }

  /** Throws `site_unknown` for a site that is not configured. */
  at(site: string): SessionHolder {
    const holder = this.#holders.get(site)
    if (!holder) throw new AgentError('site_unknown', `"${site}" is not configured`)
    return holder
  }

  status(): SiteStatus[] {
    return [...this.#holders.values()].map((holder) => holder.status())
  }

  checkClock(): void {
    for (const holder of this.#holders.values()) holder.checkClock()
  }

  async release(): Promise<void> {
    await Promise.all([...this.#holders.values()].map((holder) => holder.release()))
  }

  /** What another process needs to hold the same, by site; those where nobody is signed in are left out. */
  passOn(put: PutSecret): Record<string, PassedSession> {
    const passed = [...this.#holders].map(([site, holder]) => [site, holder.passOn(put)] as const)
    return Object.fromEntries(passed.flatMap(([site, one]) => (one ? [[site, one]] : [])))
  }

  /** Another process holds those of the sites that it has `taken`; the others are over, as when the agent stops. */
  async letGo(taken: readonly string[]): Promise<void> {
    for (const site of taken) this.#holders.get(site)?.letGo()
    await this.release()
  }
}
