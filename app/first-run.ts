import { type AddressFindings, checkAddresses } from '../src/agent.ts'
import { writeSettings } from '../src/config/config-files.ts'
import { AgentError } from '../src/errors.ts'
import type { Fetch } from '../src/ports.ts'
import type { ShellOptions } from './shell.ts'
import type { Strings } from './strings/en.ts'
import type { CallResult } from './windows/calls.ts'
import type { Finding, Problem } from './windows/contract.ts'

export interface Addresses {
  readonly site: string
  /** Empty where there is none. */
  readonly broker: string
}

export interface FirstRunSettings {
  readonly fetch: Fetch
  /** Who may sign artists in; a broker that names another one is not believed. */
  readonly expectedIssuer: string
  readonly options: Pick<ShellOptions, 'paths' | 'rules'>
}

/** Asks the addresses and says in plain words what is there, and how signing in will go. Never throws. */
export async function findAddresses(
  addresses: Addresses,
  { fetch, expectedIssuer, options }: FirstRunSettings,
  { firstRun }: Strings,
): Promise<CallResult<'checkAddresses'>> {
  const found = await checkAddresses(addresses, { fetch, rules: options.rules })
  const site = siteFinding(found, firstRun)
  const broker = brokerFinding(found, expectedIssuer, firstRun)
  if (!site.good || !broker.good) return { site, broker, ready: false }
  const way = found.broker ? 'broker' : (found.site.withoutBroker?.way ?? 'none')
  const wayIn: Problem = { tone: way === 'none' ? 'warning' : 'info', ...firstRun.wayIn[way] }
  return { site, broker, wayIn, ready: way !== 'none' }
}

/**
 * Checks again and writes what is needed to sign in into the settings: the site, and with a broker its address and the client
 * id that it takes sign-ins of. Throws why not.
 */
export async function saveAddresses(addresses: Addresses, settings: FirstRunSettings): Promise<void> {
  const { fetch, expectedIssuer, options } = settings
  const { site, broker } = await checkAddresses(addresses, { fetch, rules: options.rules })
  if (!site.ok || !site.address) throw new AgentError(site.code ?? 'site_unreachable', site.detail)
  if (!broker) {
    if (site.withoutBroker?.way === 'none') {
      throw new AgentError('web_sign_in_unavailable', site.withoutBroker.because)
    }
    await writeSettings(options.paths, { sites: [{ url: site.address }] }, options.rules)
    return
  }
  const { identity } = broker
  if (!broker.ok || !broker.address || !identity) {
    throw new AgentError(broker.code ?? 'broker_unreachable', broker.detail)
  }
  if (identity.issuer !== expectedIssuer) {
    throw new AgentError(
      'broker_unreachable',
      `"${broker.address}" signs in at "${identity.issuer}", not approved here`,
    )
  }
  const document = {
    sites: [{ url: site.address, broker: broker.address }],
    identity: { clientId: identity.clientId },
  }
  await writeSettings(options.paths, document, options.rules)
}

type Texts = Strings['firstRun']

function siteFinding({ site }: AddressFindings, texts: Texts): Finding {
  if (site.ok) return { good: true, text: texts.siteGood }
  return { good: false, text: site.code === 'config_invalid' ? texts.addressWrong : texts.siteSilent }
}

function brokerFinding({ site, broker }: AddressFindings, expectedIssuer: string, texts: Texts): Finding {
  if (!broker) return { good: true, text: '' }
  if (broker.code === 'config_invalid') return { good: false, text: texts.addressWrong }
  if (broker.code === 'site_unknown') return { good: false, text: texts.brokerOtherSite }
  if (!broker.ok) return { good: false, text: texts.brokerSilent }
  if (!broker.identity) return { good: false, text: texts.brokerTooOld }
  const { issuer } = broker.identity
  if (issuer !== expectedIssuer) return { good: false, text: texts.brokerOtherIdentity(issuer) }
  // Whether the site answers is the site's finding; to serve it the broker needs to know no more than its address.
  return site.address === undefined ? { good: false, text: texts.siteFirst } : { good: true, text: texts.brokerGood }
}
