import { AgentError } from '../errors.ts'
import { Feed } from '../feed.ts'
import type { Clock, Log } from '../ports.ts'
import type { Secret } from '../secret.ts'
import type { SiteStatus } from './changes.ts'
import { SessionHolder } from './session-holder.ts'

export interface SessionsSettings {
  readonly sites: readonly string[]
  readonly maxAgeMs: number
  readonly remindBeforeMs: number
  readonly clock: Clock
  readonly log: Log
  /** As a holder's. */
  readonly onWiped?: (sessionToken: Secret) => void
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
}
