import type { Config } from '../config.ts'
import { BrowserSignIn } from '../identity/browser-sign-in.ts'
import type { Ports } from '../ports.ts'
import { BrokerWayIn } from './broker.ts'
import { SignInMemory } from './sign-in-memory.ts'
import { StoredSecret } from './stored-secret.ts'
import type { WayIn } from './way-in.ts'

/** The way in of each configured site that has one. */
export function makeWaysIn(
  config: Config,
  ports: Ports,
  rules: { readonly insecureLoopback: boolean },
): ReadonlyMap<string, WayIn> {
  const { issuer, clientId, redirectPorts, scopes } = config.identity
  const ways = new Map<string, WayIn>()
  if (clientId === undefined) return ways
  const identity = new BrowserSignIn({ issuer, clientId, redirectPorts, scopes, ...rules }, ports)
  const memoryOf = (site: string, broker: string): { memory?: SignInMemory } => {
    const { secretStore: store, clock, log } = ports
    if (!store) return {}
    const { maxAgeHours, rememberSignIn: isOn } = config.session
    const place = new StoredSecret({ store, name: `${issuer} ${site} ${clientId}`, log })
    return { memory: new SignInMemory({ place, identity, broker, maxAgeMs: maxAgeHours * 3600_000, clock, isOn }) }
  }
  for (const { url: site, broker } of config.sites) {
    if (broker) ways.set(site, new BrokerWayIn({ site, broker, identity, ...memoryOf(site, broker) }, ports))
  }
  return ways
}
