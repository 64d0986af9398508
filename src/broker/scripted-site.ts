import { AgentError } from '../errors.ts'
import type { Fetch } from '../ports.ts'
import { SiteFault } from '../shotgrid/faults.ts'
import { callRpc, type Query, readEntities, type ScriptCaller } from '../shotgrid/json-rpc.ts'
import { grantFromScript, type RestGrant } from '../shotgrid/rest.ts'
import type { BrokerSite } from './config.ts'

/** In whose name the script acts, and under which id the site's event log shows it. */
export interface Acting {
  readonly sudoAsLogin?: string
  readonly sessionUuid?: string
}

/**
 * A site as the broker talks to it: as a script. During a change of keys there are two; the one the site took last is tried
 * first. Every call throws SiteFault for a refusal, `site_unreachable` for everything else.
 */
export class ScriptedSite {
  readonly policy: BrokerSite
  readonly #fetch: Fetch
  /** The script that the site took last. */
  #current = 0

  constructor(policy: BrokerSite, fetch: Fetch) {
    this.policy = policy
    this.#fetch = fetch
  }

  get url(): string {
    return this.policy.url
  }

  callRpc(call: { method: string; params?: object; signal: AbortSignal }, acting: Acting = {}): Promise<unknown> {
    return this.asScript(acting, (caller) => callRpc(this.#fetch, this.url, caller, call))
  }

  readEntities(query: Query, acting: Acting = {}): Promise<Record<string, unknown>[]> {
    return this.asScript(acting, (caller) => readEntities(this.#fetch, this.url, caller, query))
  }

  /** A REST bearer; nobody but the caller sees to it that it is in the right name. */
  grantBearer(acting: Acting, signal: AbortSignal): Promise<RestGrant> {
    return this.asScript(acting, (caller) => grantFromScript(this.#fetch, this.url, caller, signal))
  }

  /**
   * Does something as the script that the site takes. The number of a refusal does not tell a wrong key from a refused sudo, so
   * the other script is tried on either; both refuse a sudo that is not to be.
   */
  async asScript<T>(acting: Acting, work: (caller: ScriptCaller) => Promise<T>): Promise<T> {
    const { scripts } = this.policy
    const first = this.#current
    for (let turn = 0; ; turn += 1) {
      const index = (first + turn) % scripts.length
      const script = scripts[index]
      if (!script) throw new AgentError('config_invalid', `"${this.url}" has no script`)
      try {
        const result = await work({ kind: 'script', ...script, ...acting })
        this.#current = index
        return result
      } catch (error) {
        const isRefused = error instanceof SiteFault && error.kind === 'authentication'
        if (!isRefused || turn + 1 >= scripts.length) throw error
      }
    }
  }
}
