import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, type AgentRules } from '../../src/agent.ts'
import type { BrokerConfig, BrokerSite } from '../../src/broker/config.ts'
import { openDatabase } from '../../src/broker/database/database.ts'
import type { Database } from '../../src/broker/database/tables.ts'
import { RunningBroker } from '../../src/broker/operation/running-broker.ts'
import { type Config, mergeConfig, type PartialConfig } from '../../src/config/config.ts'
import type { Clock, Fetch, Log, OpenBrowser, Ports } from '../../src/ports.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { SandboxClock } from '../sandbox/clock.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { HeadlessBrowser } from '../sandbox/identity/headless-browser.ts'
import { type Identity, type IdentitySwitches, startIdentity } from '../sandbox/identity/identity.ts'
import { personNamed } from '../sandbox/people.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'
import type { SiteSwitches } from '../sandbox/site/switches.ts'
import { databaseForTest } from './broker-database.ts'

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
export const rules = { insecureLoopback: true }
export const nodeFetch: Fetch = (url, init) => fetch(url, init)

/** No test trips over these by accident. */
const often = { most: 1_000_000, seconds: 60 }
const unlimited: BrokerConfig['limits'] = {
  requestsPerAddress: often,
  exchangesPerPerson: often,
  callsPerSession: often,
  people: { most: 1_000_000, minutes: 10 },
}

export interface WorldOptions {
  readonly site?: Partial<SiteSwitches>
  readonly identity?: Partial<IdentitySwitches>
  readonly broker?: Partial<BrokerSite>
  readonly limits?: Partial<BrokerConfig['limits']>
  /** Each signs in at Autodesk with a redirect to its origin. */
  readonly webApps?: BrokerConfig['webApps']
  /** A second site, served by the same broker. */
  readonly twoSites?: boolean
  /** What is different about the second site. */
  readonly secondBroker?: Partial<BrokerSite>
  /** Host name of the gateway, where that is to be another address than the broker's. */
  readonly gatewayName?: string
  /** The broker's way out. */
  readonly brokerFetch?: Fetch
  readonly brokerLog?: Log
  /** The broker's clock. */
  readonly brokerClock?: Clock
  readonly session?: PartialConfig['session']
  /** What the agents' configuration says besides of signing in at Autodesk. */
  readonly agentIdentity?: PartialConfig['identity']
  /** The Autodesk app that the broker takes; `sg-session-tray` when not said. */
  readonly clientId?: string
  /** Autodesk apps that the identity knows besides. */
  readonly otherClientIds?: readonly string[]
}

/** A site, an Autodesk Identity and a broker on real ports, and agents to sign in with. Close it when done. */
export interface World {
  readonly site: Site
  readonly secondSite: Site | undefined
  readonly identity: Identity
  readonly broker: { readonly url: string; readonly config: BrokerConfig; readonly database: Database }
  readonly redirectPorts: readonly number[]
  readonly folder: string
  /** Of the broker; undefined where that is PostgreSQL. */
  readonly databaseFile: string | undefined
  readonly config: Config
  /** An agent that is not listening yet; closed with the world. `person`: who sits at the browser. */
  agent(
    person: string,
    ports?: Partial<Ports>,
    session?: PartialConfig['session'],
    identity?: PartialConfig['identity'],
    more?: Partial<AgentRules>,
  ): Agent
  /** Opens an address as the person would: signs in and follows the redirect back to the agent. */
  browserOf(person: string): OpenBrowser
  restartBroker(): Promise<void>
  stopBroker(): Promise<void>
  close(): Promise<void>
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'sg-session-test-'))
  const [brokerPort = 0, ...redirectPorts] = await freePorts(4)
  const { clientId = 'sg-session-tray', otherClientIds = ['other-app'] } = options
  const redirectUris = redirectPorts.map((port) => `http://localhost:${port}/callback`)
  const clients = [
    { clientId, redirectUris },
    ...otherClientIds.map((other) => ({ clientId: other, redirectUris: ['http://localhost:4999/callback'] })),
    ...(options.webApps ?? []).map((app) => ({ clientId: app.clientId, redirectUris: [`${app.origin}/`] })),
  ]
  const identity = await startIdentity({ clients, ...(options.identity ? { switches: options.identity } : {}) })
  const autodesk = { issuer: identity.issuer }
  const site = await startSite({ autodesk, switches: { sudoSessionOwner: 'human', ...options.site } })
  const secondSite = options.twoSites ? await startSite({ switches: { sudoSessionOwner: 'human' } }) : undefined
  const sites = [site, ...(secondSite ? [secondSite] : [])]
  const brokerUrl = `http://127.0.0.1:${brokerPort}`
  const brokerConfig: BrokerConfig = {
    issuer: brokerUrl,
    listen: { host: '127.0.0.1', port: brokerPort, trustedProxies: [], drainSeconds: 0 },
    identity: { issuer: identity.issuer, clientId },
    webApps: options.webApps ?? [],
    database: await databaseForTest(folder),
    redis: undefined,
    limits: { ...unlimited, ...options.limits },
    syslog: undefined,
    metricsReaders: [],
    extraCa: undefined,
    sites: sites.map(({ url }, index) => ({
      url,
      scripts: [{ name: 'identity-broker', key: new Secret('script-key-with-sudo') }],
      issue: 'session',
      gatewayUrl: options.gatewayName ? `http://${options.gatewayName}:${brokerPort}` : brokerUrl,
      emailDomains: undefined,
      permissionGroups: ['artist', 'manager', 'vendor'],
      allowPrivileged: [],
      sessionLifetimeS: 86_400,
      ...options.broker,
      ...(index === 1 ? options.secondBroker : {}),
    })),
  }
  const brokerPorts = {
    fetch: options.brokerFetch ?? nodeFetch,
    clock: options.brokerClock ?? systemClock,
    log: options.brokerLog ?? silentLog,
  }
  const startBroker = async () => {
    const database = await openDatabase(brokerConfig.database)
    const broker = await RunningBroker.start(brokerConfig, { database, ports: brokerPorts, rules })
    return { broker, database }
  }
  let running: Awaited<ReturnType<typeof startBroker>> | undefined = await startBroker()
  const stopBroker = async (): Promise<void> => {
    const stopping = running
    running = undefined
    await stopping?.broker.stop(0)
    await stopping?.database.destroy()
  }
  const configWith = (
    session: PartialConfig['session'] = {},
    agentIdentity: PartialConfig['identity'] = {},
  ): Config => {
    const content: PartialConfig = {
      sites: sites.map(({ url }) => ({ url, broker: brokerUrl })),
      identity: { issuer: identity.issuer, clientId, redirectPorts, ...options.agentIdentity, ...agentIdentity },
      session: { ...options.session, ...session },
      tools: { consent: 'allow-all' },
    }
    return mergeConfig([{ source: 'settings', file: 'settings.json', content }], rules).config
  }
  const agents: Agent[] = []
  const browserOf = (person: string): OpenBrowser => signInAs(person)
  return {
    site,
    secondSite,
    identity,
    broker: {
      url: brokerUrl,
      config: brokerConfig,
      get database() {
        if (!running) throw new Error('the broker is stopped')
        return running.database
      },
    },
    redirectPorts,
    folder,
    databaseFile: 'file' in brokerConfig.database ? brokerConfig.database.file : undefined,
    config: configWith(),
    agent(person, ports = {}, session = {}, identityConfig = {}, more = {}) {
      const all: Ports = {
        fetch: nodeFetch,
        clock: systemClock,
        log: silentLog,
        openBrowser: browserOf(person),
        ...ports,
      }
      const agent = new Agent(configWith(session, identityConfig), all, { ...rules, ...more })
      agents.push(agent)
      return agent
    },
    browserOf,
    stopBroker,
    async restartBroker() {
      await stopBroker()
      running = await startBroker()
    },
    async close() {
      await Promise.all(agents.map((agent) => agent.close()))
      await stopBroker()
      await Promise.all([...sites, identity].map((server) => server.close()))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A person at a browser without a window. One browser a call, so nobody is remembered. */
export function signInAs(key: string): OpenBrowser {
  const person = personNamed(key)
  return async (url) => {
    const account = { email: person.email, password: person.autodesk?.password ?? '' }
    const redirectUri = url.searchParams.get('redirect_uri') ?? ''
    const browser = new HeadlessBrowser()
    await browser.send(await browser.signIn(url, account, redirectUri))
  }
}

/** A clock that tests set; both hands move together unless said otherwise. */
export class TestClock implements Clock {
  readonly #clock = new SandboxClock()
  #monotonicOffsetMs = 0

  now(): number {
    return this.#clock.now()
  }

  monotonicMs(): number {
    return performance.now() + this.#monotonicOffsetMs
  }

  advance(ms: number): void {
    this.#clock.advance(ms)
    this.#monotonicOffsetMs += ms
  }

  /** Somebody sets the wall clock, or the machine sleeps. */
  jump(ms: number): void {
    this.#clock.advance(ms)
  }
}

/** The code a promise rejects with, or `ok`. */
export function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  )
}

/** The code and the reason a promise rejects with, or `ok`. */
export function refusalOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'ok',
    (error: { code?: string; message?: string }) => `${error.code}: ${error.message}`,
  )
}
