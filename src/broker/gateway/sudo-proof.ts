import { randomBytes } from 'node:crypto'
import { AgentError } from '../../errors.ts'
import type { Clock } from '../../ports.ts'
import { SiteFault } from '../../shotgrid/faults.ts'
import { SingleFlight } from '../../waiting/single-flight.ts'
import { sudoRefused } from '../issue/session.ts'
import type { ScriptedSite } from '../scripted-site.ts'

const provedForMs = 3600_000
const siteLimitMs = 30_000

/**
 * Whether a site takes notice of `sudo_as_login` in JSON-RPC calls at all. One that does not answers every call of the
 * gateway with the script's rights, so this is asked before the first session and every hour. REST bearers say it themselves.
 */
export class SudoProof {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #sites = new Map<string, { readonly flight: SingleFlight<void>; provedAtMs?: number }>()

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /**
   * `login`: somebody the site has to act for. Throws `session_owner_mismatch` for a site that answers as nobody at all,
   * `temporarily_unavailable` when it does not act for `login`, or says neither yes nor no, `site_unreachable`.
   */
  async demand(site: ScriptedSite, login: string): Promise<void> {
    const entry = this.#sites.get(site.url) ?? { flight: new SingleFlight<void>() }
    this.#sites.set(site.url, entry)
    if (entry.provedAtMs !== undefined && this.#clock.monotonicMs() - entry.provedAtMs < provedForMs) return
    await entry.flight.run(async () => {
      await prove(site, login)
      entry.provedAtMs = this.#clock.monotonicMs()
    })
  }
}

async function prove(site: ScriptedSite, login: string): Promise<void> {
  const signal = AbortSignal.timeout(siteLimitMs)
  const readAs = (sudoAsLogin: string): Promise<unknown> =>
    site.readEntities({ type: 'Project', filters: [], fields: ['id'], limit: 1, signal }, { sudoAsLogin })
  try {
    // First with somebody there is: only then the refusal below is about the login.
    await readAs(login)
  } catch (cause) {
    throw sudoRefused(site, { login }, cause)
  }
  try {
    await readAs(`nobody-${randomBytes(16).toString('hex')}`)
  } catch (cause) {
    if (!(cause instanceof SiteFault)) throw cause
    if (cause.kind === 'authentication') return
    const said = `"${site.url}" did not say whether it acts for people: ${cause.message}`
    throw new AgentError('temporarily_unavailable', said, { cause })
  }
  throw new AgentError('session_owner_mismatch', `"${site.url}" takes no notice of whom it is asked to act for`)
}
