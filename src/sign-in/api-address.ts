import { isLoopback } from '../config/config.ts'
import { AgentError } from '../errors.ts'
import type { BrokerMetadata, ExchangeAnswer } from '../token-exchange.ts'

/**
 * Where the session of an answer is good: the site, or the broker's gateway. The token goes there, so an address is believed
 * only when it is the site's, the broker's own, or one that the broker's metadata lists. Throws `broker_unreachable` for any
 * other.
 */
export function judgeApiUrl(
  { site, api_url: apiUrl = site }: Pick<ExchangeAnswer, 'site' | 'api_url'>,
  { issuer, gateway_urls_supported: gateways = [] }: Pick<BrokerMetadata, 'issuer' | 'gateway_urls_supported'>,
): string {
  if (apiUrl === site || apiUrl === issuer) return apiUrl
  const url = new URL(apiUrl)
  const isPrivate = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))
  if (url.origin === apiUrl && isPrivate && gateways.includes(apiUrl)) return apiUrl
  throw new AgentError(
    'broker_unreachable',
    `the broker "${issuer}" sends to "${apiUrl}", which is none of its addresses`,
  )
}
