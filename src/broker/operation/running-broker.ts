import { X509Certificate } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Redis } from 'ioredis'
import type { ConfigRules } from '../../config/config.ts'
import type { BrokerConfig } from '../config.ts'
import type { Database } from '../database/tables.ts'
import type { BrokerPorts } from '../parts.ts'
import { makeBrokerServer } from '../server.ts'
import { makeLasting } from './lasting.ts'
import { Listener, type ListenerLimits } from './listener.ts'
import type { Metrics } from './metrics.ts'
import { keepWhatNeedsRestart } from './restart-needed.ts'
import { UnderWay } from './under-way.ts'

/** What a broker works with and whoever opened it closes, after the broker. */
export interface Surroundings {
  readonly database: Database
  readonly redis?: Redis | undefined
  readonly ports: BrokerPorts
  readonly rules: ConfigRules
  readonly metrics?: Metrics
  readonly listenerLimits?: ListenerLimits
}

interface Serving {
  readonly config: BrokerConfig
  readonly app: FastifyInstance
  readonly underWay: UnderWay
}

/** A broker that listens. Its configuration can be exchanged while it serves: what has begun under the old one ends under it. */
export class RunningBroker {
  readonly #surroundings: Surroundings
  readonly #lasting: ReturnType<typeof makeLasting>
  readonly #listener: Listener
  #serving: Serving | undefined
  #address = ''
  #isStopping = false
  #retiring = new Set<Promise<void>>()

  private constructor(config: BrokerConfig, surroundings: Surroundings) {
    const { ports, redis, metrics, listenerLimits } = surroundings
    this.#surroundings = surroundings
    this.#lasting = makeLasting(config, { log: ports.log, redis, ...(metrics ? { metrics } : {}) })
    this.#listener = new Listener(
      config.listen.tls,
      (request, response) => {
        const { app, underWay } = this.#current
        response.once('close', underWay.begin())
        app.routing(request, response)
      },
      listenerLimits,
    )
    this.#lasting.metrics.watch('connections', 'Open connections', () => this.#listener.connections)
    this.#lasting.metrics.watch('requests_under_way', 'Requests that are not answered', () => this.#underWay)
  }

  /** Throws `config_invalid` when it cannot listen. */
  static async start(config: BrokerConfig, surroundings: Surroundings): Promise<RunningBroker> {
    const broker = new RunningBroker(config, surroundings)
    broker.#serving = await broker.#make(config)
    broker.#noteRead(config)
    broker.#address = await broker.#listener.listen(config.listen).catch(async (error: unknown) => {
      await broker.#current.app.close()
      throw error
    })
    return broker
  }

  /** Where it listens: scheme, address and port. */
  get address(): string {
    return this.#address
  }

  /**
   * Goes on with another configuration. Says what of it needs a restart and goes on with the old value there. Rejects, and
   * changes nothing, when no broker can be made of it.
   */
  async reload(wanted: BrokerConfig): Promise<{ readonly needRestart: readonly string[] }> {
    const old = this.#current
    const { config, needRestart } = keepWhatNeedsRestart(old.config, wanted)
    const next = await this.#make(config)
    try {
      if (config.listen.tls) this.#listener.useCertificate(config.listen.tls)
    } catch (error) {
      await next.app.close()
      throw error
    }
    this.#lasting.limits.follow(config.limits)
    this.#lasting.metrics.followSites(config.sites.map(({ url }) => url))
    this.#noteRead(config)
    this.#serving = next
    const retired = old.underWay.idle().then(() => old.app.close())
    this.#retiring.add(retired)
    void retired.finally(() => this.#retiring.delete(retired))
    return { needRestart }
  }

  /**
   * Says at `/health/ready` that it is leaving, for as long as the configuration wants; then takes no new connections, lets what
   * has begun end, for `limitMs` at most, and closes.
   */
  async stop(limitMs: number): Promise<void> {
    this.#isStopping = true
    this.#listener.announceClosing()
    const { app, underWay, config } = this.#current
    await pause(config.listen.drainSeconds * 1000)
    await this.#listener.close(limitMs)
    // An exchange goes on for a moment when its client has gone: it still writes down how it ended.
    await Promise.race([underWay.idle(), pause(2_000)])
    await app.close()
    await Promise.race([Promise.all(this.#retiring), pause(2_000)])
  }

  get #current(): Serving {
    if (!this.#serving) throw new Error('the broker has not been made yet')
    return this.#serving
  }

  get #underWay(): number {
    return this.#current.underWay.count
  }

  async #make(config: BrokerConfig): Promise<Serving> {
    const { database, ports, rules } = this.#surroundings
    const underWay = new UnderWay()
    const lasting = { ...this.#lasting, underWay, isStopping: () => this.#isStopping }
    const app = await makeBrokerServer(config, database, ports, rules, lasting)
    await app.ready()
    return { config, app, underWay }
  }

  #noteRead({ listen: { tls } }: BrokerConfig): void {
    this.#lasting.metrics.noteConfigRead(tls && Date.parse(new X509Certificate(tls.cert).validTo))
  }
}
