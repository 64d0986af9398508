import { AgentError } from '../../errors.ts'
import type { ScriptedSite } from '../scripted-site.ts'

/** Which sites are reached through the gateway under which host. */
export class GatewayAddresses {
  readonly #sites: readonly ScriptedSite[]

  constructor(sites: readonly ScriptedSite[]) {
    this.#sites = sites.filter(({ policy: { issue } }) => issue === 'gateway' || issue === 'auto')
  }

  /** All of them, for agents: nowhere else a session of this broker is good but at a site. */
  list(): string[] {
    return [...new Set(this.#sites.map(({ policy: { gatewayUrl } }) => gatewayUrl))]
  }

  /** The sites that a request's own `Host` header stands for; none where the gateway is not served. */
  at(host: string | undefined): readonly ScriptedSite[] {
    return this.#sites.filter(({ policy: { gatewayUrl } }) => sameHost(gatewayUrl, host))
  }

  /**
   * Throws `config_invalid` for a site that shares its address: tools ask for `info` before they say who they are, and then
   * the address alone tells which site is meant.
   */
  demandOwn(site: ScriptedSite): void {
    const [, another] = this.#sites.filter(({ policy }) => policy.gatewayUrl === site.policy.gatewayUrl)
    if (another) {
      const said = `"${site.url}" needs a "gatewayUrl" of its own: "${site.policy.gatewayUrl}" stands for several sites`
      throw new AgentError('config_invalid', said)
    }
  }
}

function sameHost(gatewayUrl: string, host: string | undefined): boolean {
  const expected = new URL(gatewayUrl)
  if (host === undefined || !/^[\w.:[\]-]+$/.test(host)) return false
  // As a URL, so that case and the scheme's own port make no difference.
  const written = `${expected.protocol}//${host}`
  return URL.canParse(written) && new URL(written).host === expected.host
}
