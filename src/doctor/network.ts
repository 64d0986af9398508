import { X509Certificate } from 'node:crypto'
import { connect } from 'node:net'
import type { Config } from '../config/config.ts'
import { asAgentError } from '../errors.ts'
import { readCertificates } from '../system/system-network.ts'
import { untilAborted } from '../waiting/until-aborted.ts'
import { type Finding, withoutUserInfo } from './finding.ts'
import { usesIdentity } from './sites.ts'
import type { Check } from './world.ts'

const answerLimitMs = 5_000

/** Through which proxy each address is asked, and whether each proxy lets us through. */
export const checkProxies: Check = async ({ setup, wayOut }, signal) => {
  if (wayOut.problem) {
    const { message, advice } = wayOut.problem
    return [{ check: 'proxy', state: 'failed', found: message, advice }]
  }
  const addresses = addressesOf(setup.effective.config)
  if (addresses.length === 0) return [{ check: 'proxy', state: 'skipped', found: 'no address to ask is configured' }]
  const proxied = new Map<string, string[]>()
  const direct: string[] = []
  for (const address of addresses) {
    const proxy = await wayOut.proxyFor(new URL(address))
    if (proxy === undefined) direct.push(address)
    else proxied.set(proxy, [...(proxied.get(proxy) ?? []), address])
  }
  const rows = [...proxied].map(async ([proxy, through]): Promise<Finding> => {
    const row = { check: 'proxy', about: withoutUserInfo(proxy) } as const
    const status = await untilAborted(askProxy(new URL(proxy), through), signal).catch(() => 'no-answer' as const)
    return { ...row, ...judgeProxy(status, through, hasPassword(proxy)) }
  })
  const unproxied: Finding[] =
    direct.length > 0 ? [{ check: 'proxy', state: 'ok', found: `none for ${direct.join(', ')}` }] : []
  return [...(await Promise.all(rows)), ...unproxied]
}

function addressesOf(config: Config): string[] {
  const brokers = config.sites.flatMap(({ broker }) => (broker === undefined ? [] : [broker]))
  const issuers = usesIdentity(config) ? [config.identity.issuer] : []
  return [...new Set([...config.sites.map(({ url }) => url), ...issuers, ...brokers])]
}

function hasPassword(proxy: string): boolean {
  const { username, password } = new URL(proxy)
  return username !== '' || password !== ''
}

/** What a proxy said to CONNECT: a status of HTTP, that it took the connection (where it is not asked more), or nothing. */
export type ProxyAnswer = number | 'connected' | 'no-answer' | 'nobody-listens'

/** Asks the proxy for the way to one of the addresses (RFC 9110 §9.3.6), sends nothing through it and hangs up. */
function askProxy(proxy: URL, through: readonly string[]): Promise<ProxyAnswer> {
  const target = through.map((address) => new URL(address)).find(({ protocol }) => protocol === 'https:')
  const speaks = proxy.protocol === 'http:' && target !== undefined
  return new Promise((resolve) => {
    const host = proxy.hostname.replace(/^\[|\]$/g, '')
    const socket = connect({ host, port: Number(proxy.port) || (proxy.protocol === 'https:' ? 443 : 80) })
    const end = (answer: ProxyAnswer): void => {
      resolve(answer)
      socket.destroy()
    }
    socket.setTimeout(answerLimitMs, () => end('no-answer'))
    socket.once('error', () => end('nobody-listens'))
    socket.once('close', () => end('no-answer'))
    socket.once('connect', () => {
      if (!speaks) return end('connected')
      const authority = `${target.hostname}:${target.port || 443}`
      const credentials = decodeURIComponent(`${proxy.username}:${proxy.password}`)
      const known = hasPassword(proxy.href)
        ? `Proxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`
        : ''
      socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${known}\r\n`)
      socket.once('data', (answer: Buffer) => {
        const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer.toString('latin1', 0, 64))?.[1]
        end(status === undefined ? 'no-answer' : Number(status))
      })
    })
  })
}

/** Judges it, for the addresses that are asked through the proxy. */
export function judgeProxy(
  answer: ProxyAnswer,
  through: readonly string[],
  hasCredentials: boolean,
): Pick<Finding, 'state' | 'found' | 'advice'> {
  const used = `is used for ${through.join(', ')}${hasCredentials ? ', with a user name and password' : ''}`
  const where =
    'It is named in "network.proxy" of the configuration, in the environment, or in the settings of the system.'
  if (answer === 'nobody-listens') {
    return { state: 'failed', found: `${used}; nobody listens there`, advice: `Correct it or ask IT. ${where}` }
  }
  if (answer === 'no-answer') {
    return {
      state: 'failed',
      found: `${used}; it does not answer as a proxy`,
      advice: `Correct it or ask IT. ${where}`,
    }
  }
  if (answer === 407) {
    const wants = hasCredentials ? 'does not take this user name and password' : 'wants a user name and password'
    const advice = `Ask IT for a proxy that lets this machine through, or for what it wants. ${where}`
    return { state: 'failed', found: `${used}; it ${wants} (407)`, advice }
  }
  if (answer !== 'connected' && (answer < 200 || answer > 299)) {
    const advice = 'Ask IT whether the proxy may go there: docs/configuration.md, "Network", names the addresses.'
    return { state: 'failed', found: `${used}; it refuses to connect (${answer})`, advice }
  }
  return { state: 'ok', found: used }
}

const soonMs = 14 * 24 * 3600_000

/** The file of certificate authorities that IT named. */
export const checkAuthorities: Check = async ({ setup, program, clock }) => {
  const file = setup.effective.config.network.extraCa
  const row = { check: 'certificate-authorities', ...(file === undefined ? {} : { about: file }) } as const
  if (program.kind === 'tray-app') {
    const found = file === undefined ? 'the store of Chromium' : 'not used: the tray app asks the store of Chromium'
    return [{ ...row, state: file === undefined ? 'ok' : 'skipped', found }]
  }
  if (file === undefined)
    return [{ ...row, state: 'ok', found: 'those of the system and of Node; "network.extraCa" names no others' }]
  try {
    return [{ ...row, ...judgeAuthorities(readCertificates(file), clock.now()) }]
  } catch (error) {
    const advice = 'Correct "network.extraCa" or the file: the agent does not start with it.'
    return [{ ...row, state: 'failed', found: asAgentError(error).message, advice }]
  }
}

const pemBlock = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

/** Judges the text of a PEM file: each certificate must be one, of an authority, and of this time. */
export function judgeAuthorities(pem: string, nowMs: number): Pick<Finding, 'state' | 'found' | 'advice'> {
  const blocks = pem.match(pemBlock) ?? []
  const advice = 'Ask IT for a file of certificate authorities in PEM form.'
  if (blocks.length === 0) return { state: 'failed', found: 'holds no whole PEM certificate', advice }
  const notes: string[] = []
  for (const [index, block] of blocks.entries()) {
    const name = `certificate ${index + 1} of ${blocks.length}`
    let certificate: X509Certificate
    try {
      certificate = new X509Certificate(block)
    } catch {
      return { state: 'failed', found: `${name} cannot be read`, advice }
    }
    const until = Date.parse(certificate.validTo)
    if (!certificate.ca) notes.push(`${name} is not of an authority`)
    if (until < nowMs) notes.push(`${name} has expired on ${isoDay(until)}`)
    else if (until < nowMs + soonMs) notes.push(`${name} expires on ${isoDay(until)}`)
  }
  if (notes.length > 0) return { state: 'warning', found: notes.join('; '), advice: 'Ask IT for a newer file.' }
  return {
    state: 'ok',
    found: `${blocks.length} ${blocks.length === 1 ? 'authority' : 'authorities'}, beside those of the system`,
  }
}

function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
