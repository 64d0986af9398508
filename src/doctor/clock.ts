import type { Config } from '../config/config.ts'
import { metadataPath } from '../token-exchange.ts'
import type { Finding } from './finding.ts'
import { usesIdentity } from './sites.ts'
import type { Check, World } from './world.ts'

const mostSkewMs = 60_000

/** How far this machine's clock is ahead of a server's; negative when it is behind. */
export interface ClockReading {
  readonly address: string
  readonly aheadMs: number
}

/** Holds this machine's clock against the `Date` of every server that is asked anyhow. */
export const checkClock: Check = async (world, signal) => {
  const questions = questionsTo(world.setup.effective.config)
  const readings = await Promise.all(questions.map((question) => readClock(question, world, signal)))
  return [judgeClocks(readings.filter((reading) => reading !== undefined))]
}

interface Question {
  readonly address: string
  readonly path: string
  readonly init: RequestInit
}

/** The same that other checks ask: nothing here may look like a visitor in a site's log. */
function questionsTo(config: Config): Question[] {
  const headers = { 'content-type': 'application/json; charset=utf-8', accept: 'application/json' }
  const body = JSON.stringify({ method_name: 'info', params: [] })
  const brokers = new Set(config.sites.flatMap(({ broker }) => (broker === undefined ? [] : [broker])))
  const issuers = usesIdentity(config) ? [config.identity.issuer] : []
  return [
    ...config.sites.map(({ url }) => ({ address: url, path: '/api3/json', init: { method: 'POST', headers, body } })),
    ...issuers.map((address) => ({ address, path: '/.well-known/openid-configuration', init: { method: 'GET' } })),
    ...[...brokers].map((address) => ({ address, path: metadataPath, init: { method: 'GET' } })),
  ]
}

async function readClock(
  { address, path, init }: Question,
  { wayOut, clock }: World,
  signal: AbortSignal,
): Promise<ClockReading | undefined> {
  try {
    const before = clock.now()
    const response = await wayOut.fetch(`${address}${path}`, { ...init, redirect: 'manual', signal })
    const now = (before + clock.now()) / 2
    await response.body?.cancel().catch(() => undefined)
    // RFC 9110 §6.6.1: whole seconds, cut off.
    const theirs = Date.parse(response.headers.get('date') ?? '') + 500
    return Number.isNaN(theirs) ? undefined : { address, aheadMs: now - theirs }
  } catch {
    // Why it does not answer has a row of its own.
    return undefined
  }
}

/** One row: this machine's clock, or the server's that alone goes wrong. */
export function judgeClocks(readings: readonly ClockReading[]): Finding {
  const wrong = readings.filter(({ aheadMs }) => Math.abs(aheadMs) > mostSkewMs)
  if (readings.length === 0) return { check: 'clock', state: 'skipped', found: 'no server said what time it is' }
  const told = (those: readonly ClockReading[]): string =>
    those.map(({ address, aheadMs }) => `${describeSkew(aheadMs)} "${address}"`).join(', ')
  if (wrong.length === 0) {
    const most = Math.max(...readings.map(({ aheadMs }) => Math.abs(aheadMs)))
    return {
      check: 'clock',
      state: 'ok',
      found: `agrees with ${readings.length} of the servers to ${Math.ceil(most / 1000)} s`,
    }
  }
  const right = readings.length - wrong.length
  if (right >= wrong.length) {
    const advice = 'The other servers agree with this machine: tell whoever runs that one.'
    return { check: 'clock', state: 'warning', found: `this machine is ${told(wrong)}`, advice }
  }
  const advice =
    'Set the clock of this machine, best by switching on its network time: sign-ins are refused, and sessions end at the wrong time.'
  return { check: 'clock', state: 'warning', found: `this machine is ${told(wrong)}`, advice }
}

function describeSkew(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1000)
  const amount = seconds < 7200 ? `${seconds} s` : `${Math.round(seconds / 3600)} h`
  return `${amount} ${aheadMs > 0 ? 'ahead of' : 'behind'}`
}
