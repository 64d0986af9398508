import { readFileSync } from 'node:fs'
import http from 'node:http'
import tls from 'node:tls'
import { AgentError } from './errors.ts'
import type { Fetch } from './ports.ts'

export interface NetworkSettings {
  readonly proxy?: string | undefined
  readonly extraCa?: string | undefined
}

const neverProxied = ['localhost', '127.0.0.1', '::1']

/**
 * Plain Node's way out, for the programs that have no Electron: trusts the system's certificate authorities beside Node's
 * own and `extraCa`; goes through `proxy`, else through the proxy the environment names. Changes the whole process, so it
 * is called once, from an entry file. Throws `config_invalid` for an unreadable `extraCa`.
 */
export function useSystemNetwork({ proxy, extraCa }: NetworkSettings): Fetch {
  // Pipelines set it for some tool of theirs; here it would hand tokens to whoever stands in between.
  delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  const extra = extraCa === undefined ? [] : [readCertificates(extraCa)]
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), ...tls.getCACertificates('system'), ...extra])
  const { env } = process
  const noProxy = [...neverProxied, env['no_proxy'] ?? env['NO_PROXY'] ?? ''].filter(Boolean).join(',')
  const proxies = proxy
    ? { http_proxy: proxy, https_proxy: proxy }
    : {
        http_proxy: env['http_proxy'] ?? env['HTTP_PROXY'],
        https_proxy: env['https_proxy'] ?? env['HTTPS_PROXY'] ?? env['http_proxy'] ?? env['HTTP_PROXY'],
      }
  http.setGlobalProxyFromEnv({ ...proxies, no_proxy: noProxy })
  return (url, init) => fetch(url, init)
}

function readCertificates(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new AgentError('config_invalid', `"network.extraCa": ${file}: cannot be read`, { cause })
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw new AgentError('config_invalid', `"network.extraCa": ${file}: holds no PEM certificate`)
  }
  return text
}
