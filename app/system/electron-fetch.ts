import { session } from 'electron'
import type { Config } from '../../src/config.ts'
import type { Fetch } from '../../src/ports.ts'

/**
 * Chromium's way out: the system's proxy, PAC and certificates; no cookies, no cache, nothing on disk. `proxy` of the
 * configuration replaces the system's. A redirect is an error, as with every caller of the port.
 */
export async function electronFetch(network: Pick<Config['network'], 'proxy'>): Promise<Fetch> {
  // Without "persist:" a partition lives in memory only.
  const outside = session.fromPartition('outside', { cache: false })
  await outside.setProxy(
    network.proxy
      ? { mode: 'fixed_servers', proxyRules: network.proxy, proxyBypassRules: '<local>' }
      : { mode: 'system' },
  )
  outside.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
  return (url, init) =>
    outside.fetch(url, {
      ...init,
      credentials: 'omit',
      cache: 'no-store',
      bypassCustomProtocolHandlers: true,
    } as RequestInit)
}
