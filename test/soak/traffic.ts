import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { AgentClient } from '../../src/client/node/agent-client.ts'
import { AgentError, type ErrorCode } from '../../src/errors.ts'
import type { FaultStage } from '../e2e/fault-stage.ts'
import type { FaultInput } from '../sandbox/faults.ts'
import type { Site } from '../sandbox/site/site.ts'

/** Codes that an injected fault may come out as: trouble on the way, and never a wrong sentence about the person. */
const troubleCodes: ReadonlySet<string> = new Set<ErrorCode>([
  'identity_unreachable',
  'broker_unreachable',
  'site_unreachable',
  'temporarily_unavailable',
  'rate_limited',
])

const upstreamFaults: readonly FaultInput['does'][] = [
  { kind: 'status', status: 502 },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 504 },
  { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
  { kind: 'delay', ms: 2_000 },
  { kind: 'half-body' },
  { kind: 'reset' },
  { kind: 'html' },
  { kind: 'lost-reply' },
]

/** What a person must get at a site. */
export interface Expected {
  readonly site: Site
  readonly login: string
}

/** Counts what came back, and remembers what must not have. */
export class Tally {
  readonly #expected: readonly Expected[]
  /** Whether an error may be an injected fault's. */
  readonly #isTroubled: () => boolean
  right = 0
  faultsInjected = 0
  readonly typedErrors = new Map<string, number>()
  readonly wrong: string[] = []
  readonly tookMs: number[] = []

  constructor(expected: readonly Expected[], isTroubled: () => boolean) {
    this.#expected = expected
    this.#isTroubled = isTroubled
  }

  get answers(): number {
    return this.right + this.wrong.length + [...this.typedErrors.values()].reduce((sum, count) => sum + count, 0)
  }

  /** A session that a client was given for the site. */
  session(wanted: string, answer: { site: string; login: string; sessionToken: string }): void {
    const expected = this.#expected.find(({ site }) => site.url === wanted)
    const at = expected?.site.session(answer.sessionToken)
    if (!expected || answer.site !== wanted) return this.#note(`asked for ${wanted}, got ${answer.site}`)
    if (answer.login !== expected.login) return this.#note(`at ${wanted} it says ${answer.login}`)
    if (at?.owner.login !== expected.login) return this.#note(`at ${wanted} the token is of ${at?.owner.login}`)
    // It was good when it was sent: what ended while it was on its way is nobody's fault.
    if (at.ended && at.expiresAtS * 1000 < expected.site.clock.now() - 1_500)
      return this.#note(`${wanted}: it has ended`)
    this.right += 1
  }

  /** Anything else that came as it should. */
  fine(): void {
    this.right += 1
  }

  error(code: string, message: string): void {
    if (!this.#isTroubled() || !troubleCodes.has(code)) return this.#note(`${code}: ${message}`)
    this.typedErrors.set(code, (this.typedErrors.get(code) ?? 0) + 1)
  }

  #note(what: string): void {
    this.wrong.push(`${new Date().toISOString()} ${what}`)
  }
}

/** One request of a Node client: mostly for a session, at times for the status, or to report a session that is good. */
export async function askOnce(client: AgentClient, expected: Expected, tally: Tally): Promise<void> {
  const site = expected.site.url
  const begunMs = performance.now()
  try {
    const what = randomInt(20)
    if (what === 0) {
      const { sites } = await client.status()
      if (sites.find((one) => one.site === site)?.login !== expected.login) throw new Error(`status of ${site}`)
      tally.fine()
    } else if (what === 1) {
      const status = await client.reportRejected({ site })
      if (status.site !== site || status.login !== expected.login) throw new Error(`report of ${site}`)
      tally.fine()
    } else {
      tally.session(site, await client.getSession({ site, minValidityS: 5 }))
    }
  } catch (error) {
    tally.error(error instanceof AgentError ? error.code : 'untyped', String(error))
  }
  tally.tookMs.push(performance.now() - begunMs)
}

/**
 * A service that the agent needs fails at its next call, and at that one only: a refresh whose answer and whose second try's
 * answer are both lost rightly counts as spent. False when the service that was drawn is in trouble already.
 */
export function injectUpstream(stage: FaultStage): boolean {
  const does = upstreamFaults[randomInt(upstreamFaults.length)] ?? { kind: 'reset' }
  const { faults } = [stage.site, stage.second, stage.identity][randomInt(3)] ?? stage.site
  const isOver = performance.now() - (lastInjectedMs.get(faults) ?? Number.NEGATIVE_INFINITY) > upstreamPauseMs
  if (!isOver || faults.list().length > 0) return false
  lastInjectedMs.set(faults, performance.now())
  faults.inject({ path: '/', times: 1, does })
  return true
}

const upstreamPauseMs = 3_000
const lastInjectedMs = new WeakMap<object, number>()

/** A client that goes away in the middle of something, or is none. */
export async function cutClient({ endpointFile }: FaultStage): Promise<void> {
  const endpoint = JSON.parse(await readFile(endpointFile, 'utf8')) as Record<'port' | 'key' | 'certificate', never>
  const hello = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'hello',
    params: { protocol: 1, key: endpoint.key, client: { name: 'cut', version: '1', pid: process.pid } },
  })
  const ask = '{"jsonrpc":"2.0","id":2,"method":"session/get"}'
  const cuts: readonly (() => Promise<void>)[] = [
    () => overTls(endpoint.port, `${hello}\n${ask}\n`, 0),
    () => overTls(endpoint.port, `${hello}\n${ask}`, 20),
    () => overTls(endpoint.port, hello.slice(0, 60), 20),
    () => overTls(endpoint.port, `${hello}\n{"jsonrpc":\n\u0000`, 20),
    () => overTls(endpoint.port, `${hello.replace(endpoint.key, 'A'.repeat(43))}\n`, 20),
    () => overTcp(endpoint.port),
  ]
  await cuts[randomInt(cuts.length)]?.()
}

function overTls(port: number, text: string, waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    // Whoever cuts its own line has no secret to protect.
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      socket.write(text)
      setTimeout(() => socket.destroy(), waitMs)
    })
    socket.on('error', () => socket.destroy()).on('data', () => undefined)
    socket.once('close', () => resolve())
  })
}

function overTcp(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1', () =>
      socket.write('GET / HTTP/1.1\r\n', () => socket.resetAndDestroy()),
    )
    socket.on('error', () => socket.destroy())
    socket.once('close', () => resolve())
  })
}
