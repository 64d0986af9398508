import type { Config, SiteConfig } from '../config/config.ts'
import { IssuerMetadata } from '../identity/metadata.ts'
import { BrokerClient } from '../sign-in/broker-client.ts'
import { systemClock } from '../system/system-clock.ts'
import type { BrokerMetadata } from '../token-exchange.ts'
import type { Finding } from './finding.ts'
import { describeFailure } from './reach.ts'
import { usesIdentity } from './sites.ts'
import type { Check } from './world.ts'

/** Whether the issuer answers and says that it is itself (OpenID Connect Discovery §4.3). */
export const checkIdentity: Check = async (world, signal) => {
  const { config } = world.setup.effective
  const { issuer, clientId } = config.identity
  if (!usesIdentity(config) || clientId === undefined) {
    return [
      { check: 'identity', state: 'skipped', found: 'not needed: no site is signed in to through Autodesk Identity' },
    ]
  }
  const row = { check: 'identity', about: issuer } as const
  try {
    const settings = { issuer, clientId, fetch: world.wayOut.fetch, ...world.rules }
    const found = (await new IssuerMetadata(settings).configuration(signal)).serverMetadata()
    const page = found.authorization_endpoint
    if (!page || !found.token_endpoint) {
      const advice = 'Ask IT whether "identity.issuer" is right: what answers cannot sign anybody in.'
      return [{ ...row, state: 'failed', found: 'answers, but names no page or address to sign in at', advice }]
    }
    return [{ ...row, state: 'ok', found: `answers and is itself; people sign in at ${new URL(page).origin}` }]
  } catch (error) {
    return [{ ...row, ...(await describeFailure(error, issuer, world)) }]
  }
}

/** Each configured broker, once for every site it is to serve: is it one, does it serve the site, for whose sign-ins. */
export const checkBrokers: Check = async (world, signal) => {
  const { config } = world.setup.effective
  const served = config.sites.filter((site): site is SiteConfig & { broker: string } => site.broker !== undefined)
  if (served.length === 0) return [{ check: 'broker', state: 'skipped', found: 'none is configured' }]
  const rows = served.map(async (site): Promise<Finding> => {
    const { broker } = site
    try {
      const metadata = await new BrokerClient(broker, world.wayOut.fetch, systemClock).metadata(signal)
      return judgeBroker(metadata, site, config.identity)
    } catch (error) {
      return { check: 'broker', about: broker, ...(await describeFailure(error, broker, world)) }
    }
  })
  return distinct(await Promise.all(rows))
}

/** Holds what a broker says of itself against the configuration. */
export function judgeBroker(
  metadata: BrokerMetadata,
  { url, broker = '' }: Pick<SiteConfig, 'url' | 'broker'>,
  identity: Pick<Config['identity'], 'issuer' | 'clientId'>,
): Finding {
  const row = { check: 'broker', about: broker } as const
  if (!metadata.sites_supported.includes(url)) {
    const advice =
      'Ask the operator of the broker to add the site, or correct the address of the broker in the configuration.'
    return { ...row, state: 'failed', found: `is a broker, but does not serve "${url}"`, advice }
  }
  const named = metadata.sg_session_identity
  if (!named) return { ...row, state: 'ok', found: `serves "${url}"; it does not say whose sign-ins it takes` }
  const takes = `it takes sign-ins of the Autodesk app "${named.client_id}" at "${named.issuer}"`
  if (originOf(named.issuer) !== identity.issuer || named.client_id !== identity.clientId) {
    const advice = `This machine signs in with "${identity.clientId ?? 'none'}" at "${identity.issuer}": correct "identity" in the configuration, or ask the operator of the broker.`
    return { ...row, state: 'failed', found: `serves "${url}", but ${takes}`, advice }
  }
  return { ...row, state: 'ok', found: `serves "${url}" and takes sign-ins of this Autodesk app` }
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url
}

/** Two sites of one broker that is down are one row. */
function distinct(rows: readonly Finding[]): Finding[] {
  return [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()]
}
