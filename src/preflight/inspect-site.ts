import type { SiteConfig } from '../config/config.ts'
import { AgentError } from '../errors.ts'
import type { Ports } from '../ports.ts'
import { readSiteInfo, type SiteInfo } from '../shotgrid/site-info.ts'
import { BrokerClient } from '../sign-in/broker-client.ts'
import { takesPassphrases } from '../sign-in/choose-way-in.ts'
import { takesNoPassphrases } from '../sign-in/legacy-refusal.ts'
import type { BrokerFacts, PersonFacts, Problem } from './person-facts.ts'

/** What site and broker say to everybody. Throws `site_unreachable`; a broker that cannot be asked is a fact. */
export async function inspectSite(
  { url, broker }: Pick<SiteConfig, 'url' | 'broker'>,
  ports: Pick<Ports, 'fetch' | 'clock'>,
  signal: AbortSignal,
): Promise<Pick<PersonFacts, 'info' | 'broker'>> {
  const [info, brokerFacts] = await Promise.all([
    readSiteInfo(ports.fetch, url, signal),
    broker === undefined ? undefined : inspectBroker(broker, url, ports, signal),
  ])
  return { info, ...(brokerFacts ? { broker: brokerFacts } : {}) }
}

/** Why a site takes login and passphrase from nobody; undefined where it does take them. */
export function noPassphrases(site: string, info: SiteInfo): Problem | undefined {
  return takesPassphrases(info.authentication) ? undefined : problemOf(takesNoPassphrases(site, info))
}

async function inspectBroker(
  url: string,
  site: string,
  { fetch, clock }: Pick<Ports, 'fetch' | 'clock'>,
  signal: AbortSignal,
): Promise<BrokerFacts> {
  try {
    const { sites_supported: sites } = await new BrokerClient(url, fetch, clock).metadata(signal)
    if (sites.includes(site)) return { url }
    const error = new AgentError('site_unknown', `the broker "${url}" does not serve "${site}"`, {
      advice: 'Ask IT which broker serves this site.',
    })
    return { url, problem: problemOf(error) }
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    return { url, problem: problemOf(error) }
  }
}

export function problemOf({ code, message: says, advice: next }: AgentError): Problem {
  return { code, says, next }
}
