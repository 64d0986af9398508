import { type ConfigRules, originSchema } from '../config/config.ts'
import { AgentError, asAgentError, type ErrorCode } from '../errors.ts'
import type { Fetch } from '../ports.ts'
import { readSiteInfo, type SiteInfo } from '../shotgrid/site-info.ts'
import { systemClock } from '../system/system-clock.ts'
import { BrokerClient } from './broker-client.ts'
import { chooseBySite, type WayByAsking } from './choose-way-in.ts'

/** What a live check of one address found. */
export interface AddressFinding {
  readonly ok: boolean
  /** Why not, of the one table. */
  readonly code?: ErrorCode
  /** What was found, for people. */
  readonly detail: string
  /** The address in canonical form, as configuration takes it; absent when it is no address. */
  readonly address?: string
}

export interface SiteFinding extends AddressFinding {
  /** How a sign-in goes without a broker, by what the site says of itself, and why; absent when it is no site. */
  readonly withoutBroker?: { readonly way: WayByAsking | 'none'; readonly because: string }
}

export interface BrokerFinding extends AddressFinding {
  /**
   * The Autodesk app this broker takes sign-ins of, by its own word. Whoever typed the broker's address trusts it that far;
   * an issuer that is not Autodesk's own is nothing to adopt without asking IT.
   */
  readonly identity?: { readonly issuer: string; readonly clientId: string }
}

export interface AddressFindings {
  readonly site: SiteFinding
  /** Absent when no broker was named. */
  readonly broker?: BrokerFinding
}

const checkLimitMs = 10_000

/**
 * Asks both addresses, without credentials, whether they are what they should be: a ShotGrid site, and a broker that serves
 * it. Addresses may lack their `https://`; an empty broker is none. Never throws; answers within ten seconds.
 */
export async function checkAddresses(
  wanted: { readonly site: string; readonly broker: string },
  { fetch, rules }: { readonly fetch: Fetch; readonly rules: ConfigRules },
): Promise<AddressFindings> {
  const signal = AbortSignal.timeout(checkLimitMs)
  const site = readAddress(wanted.site, rules)
  const broker = wanted.broker.trim() === '' ? undefined : readAddress(wanted.broker, rules)
  const [siteFinding, brokerFinding] = await Promise.all([
    checkSite(site, fetch, signal),
    broker && checkBroker(broker, site, fetch, rules, signal),
  ])
  return { site: siteFinding, ...(brokerFinding ? { broker: brokerFinding } : {}) }
}

type Address = { readonly origin: string } | { readonly origin?: never; readonly wrong: string }

function readAddress(text: string, rules: ConfigRules): Address {
  const trimmed = text.trim()
  const parsed = originSchema(rules).safeParse(trimmed.includes('://') ? trimmed : `https://${trimmed}`)
  return parsed.success ? { origin: parsed.data } : { wrong: parsed.error.issues[0]?.message ?? 'is no address' }
}

async function checkSite(site: Address, fetch: Fetch, signal: AbortSignal): Promise<SiteFinding> {
  if (site.origin === undefined) return { ok: false, code: 'config_invalid', detail: `the site ${site.wrong}` }
  const address = site.origin
  try {
    const info = await readSiteInfo(fetch, address, signal)
    // Every site says its version. facts: shotgrid §1.6
    const version = /^\d+\.\d+\.\d+/.exec(info.version ?? '')?.[0]
    if (!version) throw new AgentError('site_unreachable', `"${address}" answers, but not as a ShotGrid site`)
    const detail = `"${address}" is ShotGrid ${version}`
    return { ok: true, address, detail, withoutBroker: wayWithoutBroker(address, info) }
  } catch (error) {
    return { ok: false, address, ...failure(error) }
  }
}

function wayWithoutBroker(site: string, info: SiteInfo): NonNullable<SiteFinding['withoutBroker']> {
  try {
    return chooseBySite(site, info)
  } catch (error) {
    return { way: 'none', because: asAgentError(error).message }
  }
}

async function checkBroker(
  broker: Address,
  site: Address,
  fetch: Fetch,
  rules: ConfigRules,
  signal: AbortSignal,
): Promise<BrokerFinding> {
  if (broker.origin === undefined) return { ok: false, code: 'config_invalid', detail: `the broker ${broker.wrong}` }
  const address = broker.origin
  try {
    const metadata = await new BrokerClient(address, fetch, systemClock).metadata(signal)
    const named = metadata.sg_session_identity
    const issuer = named && originSchema(rules).safeParse(named.issuer).data
    const identity = named && issuer ? { identity: { issuer, clientId: named.client_id } } : {}
    if (site.origin === undefined) return { ok: true, address, detail: `"${address}" is a broker`, ...identity }
    if (!metadata.sites_supported.includes(site.origin)) {
      const detail = `"${address}" is a broker, but does not serve "${site.origin}"`
      return { ok: false, code: 'site_unknown', detail, address, ...identity }
    }
    return { ok: true, address, detail: `"${address}" is a broker that serves "${site.origin}"`, ...identity }
  } catch (error) {
    return { ok: false, address, ...failure(error) }
  }
}

function failure(thrown: unknown): { code: ErrorCode; detail: string } {
  const { code, message } = asAgentError(thrown)
  return { code, detail: message }
}
