import type { Config, SiteConfig } from '../config/config.ts'
import { BrowserSignIn } from '../identity/browser-sign-in.ts'
import type { Ports } from '../ports.ts'
import type { UnfinishedWork } from '../waiting/unfinished-work.ts'
import { BrokerWayIn } from './broker.ts'
import { IdentityDirectWayIn } from './identity-direct.ts'
import { LegacyWayIn } from './legacy.ts'
import { SignInMemory } from './sign-in-memory.ts'
import { SiteWayIn } from './site-way-in.ts'
import { StoredSecret } from './stored-secret.ts'
import { WebWayIn } from './web.ts'

/** The way in of each configured site. `work`: where what they do by themselves counts while it is under way. */
export function makeWaysIn(
  config: Config,
  ports: Ports,
  rules: { readonly insecureLoopback: boolean },
  work: UnfinishedWork,
): ReadonlyMap<string, SiteWayIn> {
  const { issuer, clientId, redirectPorts, scopes } = config.identity
  const identity =
    clientId === undefined
      ? undefined
      : new BrowserSignIn({ issuer, clientId, redirectPorts, scopes, ...rules }, { ...ports, work })
  const memoryOf = (site: string, broker: string): { memory?: SignInMemory } => {
    const { secretStore: store, clock, log } = ports
    if (!store || !identity) return {}
    const { maxAgeHours, rememberSignIn: isOn } = config.session
    const place = new StoredSecret({ store, name: `${issuer} ${site} ${clientId}`, log })
    return { memory: new SignInMemory({ place, identity, broker, maxAgeMs: maxAgeHours * 3600_000, clock, isOn }) }
  }
  const brokerOf = ({ url: site, broker }: SiteConfig): BrokerWayIn | undefined =>
    identity && broker ? new BrokerWayIn({ site, broker, identity, ...memoryOf(site, broker) }, ports) : undefined
  return new Map(
    config.sites.map((site) => {
      const settings = { site: site.url, ...rules }
      const ways = {
        broker: brokerOf(site),
        web: new WebWayIn(settings, ports),
        legacy: new LegacyWayIn(settings, ports),
        'identity-direct': identity && new IdentityDirectWayIn({ site: site.url, identity }, ports),
      }
      return [site.url, new SiteWayIn(site, ways, ports)]
    }),
  )
}
