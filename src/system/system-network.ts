import { readFileSync } from 'node:fs'
import http from 'node:http'
import tls from 'node:tls'
import { AgentError } from '../errors.ts'
import type { Fetch } from '../ports.ts'
import { sendingBytesThemselves } from '../secrets/send-bytes.ts'

export interface NetworkSettings {
  readonly proxy?: string | undefined
  readonly extraCa?: string | undefined
}

/** Never asked through a proxy, written as Node compares them. */
const neverProxied = ['localhost', '127.0.0.1', '[::1]']

/**
 * Plain Node's way out, for the programs that have no Electron: trusts the system's certificate authorities beside Node's
 * own and `extraCa`; goes through `proxy`, else through the proxy the environment names. Changes the whole process, so it
 * is called once, from an entry file. Throws `config_invalid` for an unreadable `extraCa` or a proxy that is no address.
 */
export function useSystemNetwork({ proxy, extraCa }: NetworkSettings): Fetch {
  // Pipelines set it for some tool of theirs; here it would hand tokens to whoever stands in between.
  delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  const extra = extraCa === undefined ? [] : [readCertificates(extraCa)]
  // Node's own are named too: the single executable starts without them.
  const known = (['bundled', 'default', 'system'] as const).flatMap((type) => tls.getCACertificates(type))
  tls.setDefaultCACertificates([...new Set([...known, ...extra])])
  const { http: forHttp, https: forHttps, noProxy } = systemProxies({ proxy }, process.env)
  http.setGlobalProxyFromEnv({ http_proxy: forHttp, https_proxy: forHttps, no_proxy: noProxy })
  return (url, init) => fetch(url, sendingBytesThemselves(withLength(init)))
}

/** A stream does not tell its length, and a site may refuse what comes in chunks. */
function withLength(init: RequestInit): RequestInit {
  if (!(init.body instanceof Uint8Array)) return init
  const headers = new Headers(init.headers)
  headers.set('content-length', String(init.body.length))
  return { ...init, headers }
}

type Environment = Readonly<Record<string, string | undefined>>

interface SystemProxies {
  readonly http: string | undefined
  readonly https: string | undefined
  readonly noProxy: string
}

/**
 * The proxy that `useSystemNetwork` with these settings asks an address through; undefined: none. It may hold a user name
 * and password. Throws `config_invalid` when it is no address.
 */
export function proxyFor(url: URL, settings: NetworkSettings, env: Environment): string | undefined {
  const { http: forHttp, https: forHttps, noProxy } = systemProxies(settings, env)
  const proxy = url.protocol === 'http:' ? forHttp : forHttps
  return proxy === undefined || isNeverProxied(url, noProxy) ? undefined : proxy
}

function systemProxies({ proxy }: NetworkSettings, env: Environment): SystemProxies {
  const unproxied = env['no_proxy'] ?? env['NO_PROXY'] ?? ''
  // A star counts for everything only where it stands alone.
  const noProxy = unproxied.trim() === '*' ? '*' : [...neverProxied, unproxied].filter(Boolean).join(',')
  if (proxy) {
    const usable = demandProxy(proxy, '"network.proxy" of the configuration')
    return { http: usable, https: usable, noProxy }
  }
  const named = (...names: string[]): string | undefined => {
    const name = names.find((one) => env[one])
    return name === undefined ? undefined : withScheme(env[name] ?? '', name)
  }
  return {
    http: named('http_proxy', 'HTTP_PROXY'),
    https: named('https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'),
    noProxy,
  }
}

/** `proxy:3128` is how curl and others let it be written; Node wants a whole address. */
function withScheme(text: string, variable: string): string {
  return demandProxy(text.includes('://') ? text : `http://${text}`, `"${variable}" of the environment`)
}

/** `where` names it in an error: the address itself may hold a password. */
function demandProxy(address: string, where: string): string {
  if (!URL.canParse(address)) throw new AgentError('config_invalid', `${where} is no address of a proxy`)
  const { username, password } = new URL(address)
  try {
    decodeURIComponent(username + password)
  } catch {
    const advice = 'Write each "%" of the user name or password as "%25".'
    throw new AgentError('config_invalid', `${where} has a "%" that stands for no character`, { advice })
  }
  return address
}

/** As Node's fetch reads `no_proxy`: a name stands for those below it too; a port only for that port. */
function isNeverProxied(url: URL, noProxy: string): boolean {
  if (noProxy === '*') return true
  const port = url.port || (url.protocol === 'http:' ? '80' : '443')
  return noProxy.split(/[,\s]+/).some((entry) => {
    const [, name = '', entryPort] = /^(.+?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? []
    const host = name.replace(/^\*?\.?/, '')
    if (host === '' || (entryPort !== undefined && entryPort !== port)) return false
    return url.hostname === host || url.hostname.endsWith(`.${host}`)
  })
}

/** The text of a PEM file of certificate authorities. Throws `config_invalid`. */
export function readCertificates(file: string): string {
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
