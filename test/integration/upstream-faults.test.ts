import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import type { Fetch } from '../../src/ports.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { type FaultInput, Faults } from '../sandbox/faults.ts'
import { listenWeb, type WebServer } from '../sandbox/web-server.ts'
import { type SiteStage, startSiteStage } from './site-stage.ts'
import { codeOf, nodeFetch, startWorld, TestClock, type World } from './world.ts'

/** Every call of the agent while what it calls is in trouble: the right code, nothing lost, and soon well again. */
vi.setConfig({ maxConcurrency: 12 })

const hour = 3600_000
const callers = 30
const recoveryLimitMs = 5_000

let stage: SiteStage
let world: World
/** What stands in the place of a server in trouble. */
const broken: WebServer[] = []
beforeAll(async () => {
  stage = await startSiteStage({ sessionWindowS: 3600 })
  world = await startWorld({ broker: { sessionLifetimeS: 3600 } })
})
afterAll(async () => {
  await Promise.all([stage.close(), world.close(), ...broken.map((server) => server.close())])
})

type Trouble = FaultInput['does'] | 'dns'
const throttled: Trouble = { kind: 'status', status: 429, headers: { 'retry-after': '3' } }
const troubles: readonly (readonly [string, Trouble])[] = [
  ['502', { kind: 'status', status: 502 }],
  ['503', { kind: 'status', status: 503 }],
  ['504', { kind: 'status', status: 504 }],
  ['429', throttled],
  ['silence', { kind: 'delay', ms: 60_000 }],
  ['half a body', { kind: 'half-body' }],
  ['a web page', { kind: 'html' }],
  ['a reset', { kind: 'reset' }],
  ['a name that is unknown', 'dns'],
]

/** The way to one server, which can be broken, and how many calls of a kind are on it at once. */
class Way {
  readonly #origin: () => string
  readonly #underWay = new Map<string, number>()
  #instead: string | undefined
  most = 0
  /** When each call was sent. */
  readonly sentAtMs: number[] = []

  constructor(origin: () => string) {
    this.#origin = origin
  }

  readonly fetch: Fetch = async (url, init) => {
    const { origin, pathname } = new URL(url)
    if (origin !== this.#origin()) return nodeFetch(url, init)
    const kind = `${init.method} ${pathname.replaceAll(/[0-9a-f]{32}/g, '…')} ${methodOf(init)}`
    const count = (this.#underWay.get(kind) ?? 0) + 1
    this.#underWay.set(kind, count)
    this.sentAtMs.push(performance.now())
    this.most = Math.max(this.most, count)
    return nodeFetch(this.#instead ? `${this.#instead}${pathname}` : url, init).finally(() => {
      this.#underWay.set(kind, (this.#underWay.get(kind) ?? 1) - 1)
    })
  }

  async break(trouble: Trouble): Promise<void> {
    this.#instead = trouble === 'dns' ? 'http://no-such-site.invalid' : await brokenServer(trouble)
  }

  mend(): void {
    this.#instead = undefined
  }
}

function methodOf({ body }: RequestInit): string {
  return /"method_name":"(\w+)"/.exec(String(body ?? ''))?.[1] ?? ''
}

async function brokenServer(does: FaultInput['does']): Promise<string> {
  const faults = new Faults()
  faults.inject({ path: '/', does })
  const server = await listenWeb({ host: '127.0.0.1', port: 0, faults })
  broken.push(server)
  return server.url
}

interface Row {
  readonly agent: Agent
  readonly clock: TestClock
}

interface Operation {
  readonly name: string
  readonly at: 'site' | 'broker'
  readonly code: string
  /** What one of many callers does. */
  act(row: Row): Promise<unknown>
  /** What comes before the trouble, once somebody is signed in. */
  prepare?(row: Row): Promise<unknown>
  /** What other callers may hear besides. */
  readonly besides?: string
  /** Whether a server that says when to come back is left alone till then. */
  readonly waitsWhenAsked: boolean
}

const get = ({ agent }: Row) => agent.session(undefined, 300_000, false)
const submit = ({ agent }: Row) =>
  agent.submitCredentials(undefined, {
    login: 'artist@studio.example',
    passphrase: new Secret('legacy-passphrase'),
  })
const isDue = async ({ clock }: Row) => clock.advance(hour + 1)

const operations: readonly Operation[] = [
  {
    ...{ name: 'a sign-in through the browser', at: 'site', code: 'site_unreachable', waitsWhenAsked: false },
    act: ({ agent }) => agent.signIn(undefined),
  },
  {
    ...{ name: 'a login and passphrase', at: 'site', code: 'site_unreachable', waitsWhenAsked: false },
    prepare: ({ agent }) => beginLegacy(agent),
    act: submit,
    besides: 'rate_limited',
  },
  {
    ...{ name: 'a session that is due', at: 'site', code: 'site_unreachable', waitsWhenAsked: true },
    prepare: isDue,
    act: get,
  },
  {
    ...{ name: 'a report of a refused session', at: 'site', code: 'site_unreachable', waitsWhenAsked: true },
    act: ({ agent }) => agent.reportRejected(undefined, undefined),
  },
  {
    ...{ name: 'a REST bearer', at: 'site', code: 'site_unreachable', waitsWhenAsked: true },
    act: ({ agent }) => agent.restToken(undefined),
  },
  {
    ...{ name: 'a broker’s session that is due', at: 'broker', code: 'broker_unreachable', waitsWhenAsked: true },
    prepare: isDue,
    act: get,
  },
]

async function beginLegacy(agent: Agent): Promise<void> {
  agent.signIn(undefined).catch(() => undefined)
  await expect.poll(() => agent.signInStep()?.kind, { interval: 5, timeout: 20_000 }).toBe('credentials')
}

/** One after the other: the redirect ports of a machine are few. */
let lastSignIn: Promise<unknown> = Promise.resolve()

async function signedIn({ name, at }: Operation, fetch: Fetch): Promise<Row> {
  const clock = new TestClock()
  const signIn = name.includes('browser') ? 'web' : 'legacy'
  const agent =
    at === 'broker' ? world.agent('artist', { clock, fetch }) : stage.agent('artist', signIn, { clock, fetch })
  if (at === 'broker') {
    lastSignIn = lastSignIn.then(() => agent.signIn(undefined))
    await lastSignIn
  } else if (signIn === 'web') await agent.signIn(undefined)
  else {
    await beginLegacy(agent)
    await submit({ agent, clock })
  }
  return { agent, clock }
}

/** Does it again and again until it works. Throws what it came to when that takes too long. */
async function untilWell(act: () => Promise<unknown>): Promise<void> {
  const deadline = performance.now() + recoveryLimitMs
  for (;;) {
    try {
      return void (await act())
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

describe.concurrent.each(operations.map((operation) => [operation.name, operation] as const))(
  '%s',
  (_name, operation) => {
    describe('meets', () => {
      test.each(troubles)('%s', { timeout: 120_000 }, async (_what, trouble) => {
        const way = new Way(() => (operation.at === 'broker' ? world.broker.url : stage.site.url))
        const row = await signedIn(operation, way.fetch)
        const { agent } = row
        await operation.prepare?.(row)
        const { generation } = agent.status()[0] ?? {}
        way.most = 0
        await way.break(trouble)

        const codes = await Promise.all(Array.from({ length: callers }, () => codeOf(operation.act(row))))
        expect([operation.code, ...new Set(codes)].filter((code) => code !== operation.besides)).toEqual([
          operation.code,
          operation.code,
        ])
        expect(agent.status()).toMatchObject([{ state: 'signed_in', generation }])
        expect(way.most).toBe(1)

        way.mend()
        const sent = way.sentAtMs.length
        await untilWell(() => (operation.waitsWhenAsked ? operation.act(row) : get(row)))
        if (operation.waitsWhenAsked && trouble === throttled) {
          expect((way.sentAtMs[sent] ?? 0) - (way.sentAtMs[sent - 1] ?? 0)).toBeGreaterThan(2_900)
        }
        await untilWell(() => get(row))
        await untilWell(() => operation.act(row))
        expect(way.most).toBe(1)
        agent.cancelSignIn(undefined)
      })
    })
  },
)
