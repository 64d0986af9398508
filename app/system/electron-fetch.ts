import { type Session, session } from 'electron'
import type { Config } from '../../src/config/config.ts'
import type { Fetch } from '../../src/ports.ts'

/**
 * Chromium's way out: the system's proxy, PAC and certificates; no cookies, no cache, nothing on disk. `proxy` of the
 * configuration replaces the system's. A `cookie` that a caller sends itself goes out as it is; none is ever kept. A redirect
 * that is not to be followed comes back as an answer without a body, as from Node's fetch; where it leads stays unsaid. Every
 * fetch of one `way` goes as the newest was told to: who only looks takes a way of their own.
 */
export async function electronFetch(network: Pick<Config['network'], 'proxy'>, way: Way = 'outside'): Promise<Fetch> {
  const outside = sessionOf(way)
  await outside.setProxy(
    network.proxy
      ? { mode: 'fixed_servers', proxyRules: network.proxy, proxyBypassRules: '<local>' }
      : { mode: 'system' },
  )
  outside.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
  return async (url, init) => {
    try {
      return await outside.fetch(url, {
        ...init,
        credentials: 'omit',
        cache: 'no-store',
        bypassCustomProtocolHandlers: true,
      } as RequestInit)
    } catch (error) {
      if (init.redirect === 'manual' && isRefusedRedirect(error)) return new Response(null, { status: 302 })
      throw error
    }
  }
}

/** Electron ends such a request without saying more than this. */
function isRefusedRedirect(error: unknown): boolean {
  return error instanceof Error && error.message === 'Redirect was cancelled'
}

/** The proxy Chromium asks an address through, as `electronFetch` was last told; undefined: none. */
export async function electronProxyFor(url: URL, way: Way = 'outside'): Promise<string | undefined> {
  // As a PAC file answers: `PROXY proxy:3128; DIRECT`.
  const [first = ''] = (await sessionOf(way).resolveProxy(url.href)).split(';')
  const [, kind, place] = /^\s*(PROXY|HTTPS|SOCKS\d?)\s+(\S+)/.exec(first) ?? []
  const schemes: Readonly<Record<string, string>> = { PROXY: 'http', HTTPS: 'https' }
  return place === undefined ? undefined : `${schemes[kind ?? ''] ?? 'socks5'}://${place}`
}

/** The last is the session that electron-updater makes for itself. */
type Way = 'outside' | 'doctor' | 'electron-updater'

function sessionOf(way: Way): Session {
  // Without "persist:" a partition lives in memory only.
  return session.fromPartition(way, { cache: false })
}
