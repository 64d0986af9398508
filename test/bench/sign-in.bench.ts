import { Agent } from '../../src/agent.ts'
import { mergeConfig, type PartialConfig } from '../../src/config/config.ts'
import type { Fetch, Log, Ports } from '../../src/ports.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { type Scene, setScene } from '../e2e/scene.ts'
import { HeadlessBrowser } from '../sandbox/identity/headless-browser.ts'
import { personNamed } from '../sandbox/people.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'
import type { Bench, BenchContext, Figure } from './bench.ts'
import { signInPlainly } from './peers/plain-sign-in.ts'
import { inTurns, Samples } from './samples.ts'

/**
 * Everything of a sign-in but the person: a browser that Autodesk knows already, so that it follows each redirect at once, and an
 * agent that has just been started. What the agent does beyond OpenID Connect is measured apart: as long as a request of it is
 * under way to the broker or the site.
 */
export const bench: Bench = {
  name: 'sign-in',
  what: 'machine time of a sign-in, with the same provider and the same browser',
  async run(context) {
    const scene = await setScene({ exchangesPerPerson: 1_000_000 })
    const direct = await startSite({
      autodesk: { issuer: scene.identity.issuer },
      switches: { bearerFromAutodesk: true },
    })
    try {
      context.progress('a broker of its own process …')
      await scene.studio.startBroker()
      return await measure(scene, direct, context)
    } finally {
      await direct.close()
      await scene.close()
    }
  },
}

const scope = 'openid user-profile:read'

async function measure(scene: Scene, direct: Site, { quick, progress }: BenchContext): Promise<Figure[]> {
  const { issuer } = scene.identity
  const { clientId, redirectPorts, studio, site } = scene
  const browser = new HeadlessBrowser()
  const openBrowser = (url: URL): Promise<void> => arrive(browser, url)
  const identity = { issuer, clientId, redirectPorts: [...redirectPorts], scopes: scope.split(' ') }
  const withBroker: PartialConfig = { identity, sites: [{ url: site.url, broker: studio.brokerUrl }] }
  const without: PartialConfig = { identity, sites: [{ url: direct.url, signIn: 'identity-direct' }] }
  const elsewhere = [studio.brokerUrl, site.url, direct.url]
  const opened = { broker: [] as number[], direct: [] as number[] }
  const signIn = (name: keyof typeof opened, content: PartialConfig) => async (): Promise<number> => {
    const { wholeMs, elsewhereMs } = await signInWithAgent(content, openBrowser, elsewhere)
    opened[name].push(wholeMs - elsewhereMs)
    return wholeMs
  }
  const plainly = async (): Promise<number> => {
    const startedMs = performance.now()
    const subject = await signInPlainly({ issuer, clientId, port: redirectPorts[0] ?? 0, scope }, openBrowser)
    if (!subject) throw new Error('the plain sign-in told nobody')
    return performance.now() - startedMs
  }
  const rounds = quick ? 5 : 100
  progress(`${rounds} sign-ins of each, in turns …`)
  const taken = await inTurns(rounds, {
    plain: plainly,
    broker: signIn('broker', withBroker),
    direct: signIn('direct', without),
  })
  const peer = { name: 'plain openid-client', value: taken.plain.p50, p99: taken.plain.p99 }
  const figure = (what: string, { p50, p99 }: Samples, more: Partial<Figure> = {}): Figure => {
    return { what, unit: 'ms', value: p50, p99, peer, ...more }
  }
  // The first warmed up.
  const openid = (name: keyof typeof opened): Samples => new Samples(opened[name].slice(1))
  return [
    figure('sign-in: its OpenID Connect', openid('broker'), { target: { most: 1.5 } }),
    figure('sign-in with exchange and checks', taken.broker),
    figure('without broker: its OpenID Connect', openid('direct'), { target: { most: 1.5 } }),
    figure('without broker, with its checks', taken.direct),
  ]
}

/** The browser of somebody whom Autodesk still knows; the first time they have to say who they are. */
async function arrive(browser: HeadlessBrowser, url: URL): Promise<void> {
  const { email, autodesk } = personNamed('artist')
  const account = { email, password: autodesk?.password ?? '' }
  const { status } = await browser.send(await browser.signIn(url, account, url.searchParams.get('redirect_uri') ?? ''))
  if (status !== 200) throw new Error(`the browser’s last page has status ${status}`)
}

/** With an agent that knows nothing yet. `elsewhereMs`: how long it waited for the broker and the site. */
async function signInWithAgent(
  content: PartialConfig,
  openBrowser: (url: URL) => Promise<void>,
  elsewhere: readonly string[],
): Promise<{ readonly wholeMs: number; readonly elsewhereMs: number }> {
  const rules = { insecureLoopback: true }
  const { config } = mergeConfig([{ source: 'settings', file: 'settings.json', content }], rules)
  const waiting = new Waiting(elsewhere)
  let lastPage: Promise<void> | undefined
  const ports: Ports = {
    fetch: waiting.fetch,
    clock: systemClock,
    log: silentLog,
    openBrowser: (url) => {
      lastPage = openBrowser(url)
      return lastPage
    },
  }
  const agent = new Agent(config, ports, rules)
  try {
    const startedMs = performance.now()
    await agent.signIn(undefined)
    await lastPage
    return { wholeMs: performance.now() - startedMs, elsewhereMs: waiting.totalMs }
  } finally {
    await agent.close()
  }
}

const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** How long at least one request to these origins was under way, until its answer was read. */
class Waiting {
  readonly #origins: ReadonlySet<string>
  #underWay = 0
  #sinceMs = 0
  totalMs = 0

  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins)
  }

  readonly fetch: Fetch = async (url, init) => {
    if (!this.#origins.has(new URL(url).origin)) return fetch(url, init)
    if (this.#underWay === 0) this.#sinceMs = performance.now()
    this.#underWay += 1
    try {
      return await fetch(url, init)
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.totalMs += performance.now() - this.#sinceMs
    }
  }
}
