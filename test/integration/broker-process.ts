import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BrokerClient } from '../../src/sign-in/broker-client.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import type { ExchangeAnswer } from '../../src/token-exchange.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { type Identity, startIdentity } from '../sandbox/identity/identity.ts'
import {
  brokerProgram,
  compileCache,
  type Finished,
  finished,
  type Running,
  startProcess,
  untilSaid,
} from '../sandbox/processes.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'
import { prepareSignIn, type Stand, sendExchange } from './exchange-stage.ts'
import { nodeFetch } from './world.ts'

const clientId = 'sg-session-tray'
const startLimitMs = 20_000

/** What a test writes into the broker's configuration file; a section given here takes the place of the standard's. */
export type ConfigFile = Readonly<Record<string, unknown>>

/** A site, an Autodesk Identity, and `sg-broker` as the process an operator starts, with its files. */
export class BrokerProcess {
  readonly site: Site
  readonly identity: Identity
  readonly folder: string
  readonly port: number
  #running: Running | undefined

  private constructor(site: Site, identity: Identity, folder: string, port: number) {
    this.site = site
    this.identity = identity
    this.folder = folder
    this.port = port
  }

  static async prepare(): Promise<BrokerProcess> {
    const [port = 0] = await freePorts(1)
    const site = await startSite({ switches: { sudoSessionOwner: 'human' } })
    const clients = [{ clientId, redirectUris: ['http://localhost:4201/callback'] }]
    const identity = await startIdentity({ clients })
    const folder = await mkdtemp(join(tmpdir(), 'sg-session-test-'))
    const stage = new BrokerProcess(site, identity, folder, port)
    await stage.writeSecret('script.key', 'script-key-with-sudo')
    return stage
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get configFile(): string {
    return join(this.folder, 'broker.json')
  }

  get running(): Running {
    if (!this.#running) throw new Error('the broker was not started')
    return this.#running
  }

  writeSecret(name: string, secret: string): Promise<void> {
    return writeFile(join(this.folder, name), `${secret}\n`, { mode: 0o600 })
  }

  /** The standard configuration, with these sections. */
  async writeConfig(sections: ConfigFile = {}, site: ConfigFile = {}): Promise<void> {
    const often = { most: 100_000, seconds: 60 }
    const config = {
      issuer: this.url,
      listen: { port: this.port, drainSeconds: 0 },
      identity: { issuer: this.identity.issuer, clientId },
      database: { file: 'broker.sqlite' },
      limits: { requestsPerAddress: often, exchangesPerPerson: often },
      sites: [
        {
          url: this.site.url,
          scripts: [{ name: 'identity-broker', keyFile: 'script.key' }],
          issue: 'session',
          ...site,
        },
      ],
      ...sections,
    }
    await writeFile(this.configFile, JSON.stringify(config))
  }

  /** `wrapper`: a program that runs it, with its arguments. */
  async start(...wrapper: string[]): Promise<Running> {
    this.#running = this.#spawn(['serve', '--log-level', 'debug', ...this.#options()], wrapper)
    await untilSaid(this.#running, 'serves', startLimitMs)
    return this.#running
  }

  /** Another command of the program, to its end. */
  run(command: string, ...args: string[]): Promise<Finished> {
    return finished(this.#spawn([command, ...args, ...this.#options()]))
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.running.pid, name)
  }

  /** Sends SIGHUP and waits for what the log says of it. */
  async reload(expected = 'the configuration was read anew'): Promise<void> {
    const before = this.logLines().length
    this.signal('SIGHUP')
    const deadline = performance.now() + startLimitMs
    while (
      !this.logLines()
        .slice(before)
        .some(({ msg }) => String(msg).includes(expected))
    ) {
      if (performance.now() > deadline) throw new Error(`no "${expected}" in ${this.running.stderr()}`)
      await new Promise((wake) => setTimeout(wake, 20))
    }
  }

  logLines(): Record<string, unknown>[] {
    const lines = this.running.stderr().split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  async stand(): Promise<Stand> {
    const client = new BrokerClient(this.url, nodeFetch, systemClock)
    return {
      client,
      metadata: await client.metadata(AbortSignal.timeout(startLimitMs)),
      site: this.site,
      identity: this.identity,
    }
  }

  /** A whole sign-in and its exchange. */
  async exchange(person = 'artist'): Promise<ExchangeAnswer> {
    const stand = await this.stand()
    return sendExchange(stand, await prepareSignIn(stand, person))
  }

  /** Its exit status. */
  async stopAndWait(): Promise<number> {
    const status = await this.running.stop()
    this.#running = undefined
    return status
  }

  async close({ keepFolder = false } = {}): Promise<void> {
    await this.#running?.stop()
    await Promise.all([this.site.close(), this.identity.close()])
    if (!keepFolder) await rm(this.folder, { recursive: true, force: true })
  }

  #spawn(args: readonly string[], wrapper: readonly string[] = []): Running {
    const [command = '', ...rest] = [...wrapper, process.execPath, brokerProgram, ...args]
    return startProcess(command, rest, { PATH: process.env['PATH'] ?? '', ...compileCache })
  }

  #options(): string[] {
    return ['--config', this.configFile, '--allow-insecure-loopback']
  }
}
