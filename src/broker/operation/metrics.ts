import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { asAgentError } from '../../errors.ts'
import type { Fetch } from '../../ports.ts'
import { version } from '../../version.ts'
import type { Database } from '../database/tables.ts'
import type { LimitName } from './limits.ts'

const callBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** What the broker tells Prometheus. It lives as long as the process: counters that began anew at each reload would lie. */
export class Metrics {
  readonly registry = new Registry()
  readonly #exchanges = this.#counter('exchanges_total', 'Exchanges by site and outcome', ['site', 'outcome'])
  readonly #exchangeSeconds = this.#histogram(
    'exchange_seconds',
    'How long exchanges took',
    ['site'],
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 35],
  )
  readonly #siteSeconds = this.#histogram('site_call_seconds', 'Until a site answered a call', ['site'], callBuckets)
  readonly #siteFailures = this.#counter('site_call_failures_total', 'Calls a site did not answer, or with 5xx', [
    'site',
  ])
  readonly #identitySeconds = this.#histogram(
    'identity_call_seconds',
    'Until Autodesk Identity answered a call',
    [],
    callBuckets,
  )
  readonly #identityFailures = this.#counter(
    'identity_call_failures_total',
    'Calls Autodesk Identity did not answer, or with 5xx',
    [],
  )
  readonly #rateLimited = this.#counter('rate_limited_total', 'Requests refused because there were too many', ['limit'])
  readonly #countedAlone = this.#counter(
    'counted_alone_total',
    'Requests this node counted for itself because Redis could not be used',
    [],
  )
  readonly #reloads = this.#counter('reloads_total', 'Times the configuration was read anew, by outcome', ['outcome'])
  readonly #readAt = this.#gauge('config_read_timestamp_seconds', 'When the configuration in use was read')
  readonly #certificateEnd = this.#gauge('certificate_expiry_timestamp_seconds', 'End of the TLS certificate in use')
  readonly #database = this.#gauge('database_up', 'Whether the database answered just now')
  readonly #auditRows = this.#gauge('audit_rows', 'Rows of the audit, of all nodes')
  readonly #syslogMissed = this.#counter(
    'syslog_missed_rows_total',
    'Rows of the audit that this node did not get out to syslog, and will not',
    [],
  )
  readonly #stopped = this.#gauge('stopped', '1 for each site that is stopped, "*" for everything', ['scope'])
  #sites: readonly string[] = []

  constructor({ ofProcess = false }: { readonly ofProcess?: boolean } = {}) {
    this.#gauge('info', 'The version that runs', ['version']).set({ version }, 1)
    if (ofProcess) collectDefaultMetrics({ register: this.registry, prefix: 'sg_broker_' })
  }

  /** Sites are labels; what is not of them is `other`, since a label must not be a stranger's to choose. */
  followSites(sites: readonly string[]): void {
    this.#sites = sites
    for (const site of sites) {
      this.#exchanges.inc({ site, outcome: 'issued' }, 0)
      this.#siteFailures.inc({ site }, 0)
    }
  }

  /** Counts and times one exchange. */
  async exchange<T>(audience: unknown, work: () => Promise<T>): Promise<T> {
    const site = this.#sites.find((known) => known === audience) ?? 'other'
    const stop = this.#exchangeSeconds.startTimer({ site })
    let outcome = 'issued'
    try {
      return await work()
    } catch (error) {
      outcome = asAgentError(error).code
      throw error
    } finally {
      stop()
      this.#exchanges.inc({ site, outcome })
    }
  }

  /** A fetch whose calls are timed, a site's under its name, all others as Autodesk Identity's. */
  timed(fetch: Fetch): Fetch {
    return async (url, init) => {
      const { origin } = new URL(url)
      const site = this.#sites.find((known) => known === origin)
      const stop = site === undefined ? this.#identitySeconds.startTimer() : this.#siteSeconds.startTimer({ site })
      const fail = (): void => (site === undefined ? this.#identityFailures.inc() : this.#siteFailures.inc({ site }))
      try {
        const response = await fetch(url, init)
        if (response.status >= 500) fail()
        return response
      } catch (error) {
        fail()
        throw error
      } finally {
        stop()
      }
    }
  }

  countRateLimited(limit: LimitName): void {
    this.#rateLimited.inc({ limit })
  }

  countAlone(): void {
    this.#countedAlone.inc()
  }

  countMissedRow(): void {
    this.#syslogMissed.inc()
  }

  countReload(outcome: 'done' | 'refused'): void {
    this.#reloads.inc({ outcome })
  }

  noteConfigRead(certificateEndsAt: number | undefined): void {
    this.#readAt.set(Date.now() / 1000)
    if (certificateEndsAt !== undefined) this.#certificateEnd.set(certificateEndsAt / 1000)
  }

  /** How much of something there is at the moment somebody looks. */
  watch(name: string, help: string, read: () => number): void {
    this.#gauge(name, help, [], (gauge) => gauge.set(read()))
  }

  /** All metrics as Prometheus reads them; what is in the database is asked for now, for `limitMs` at most. */
  async text(database: Database, limitMs: number): Promise<string> {
    await within(limitMs, this.#readDatabase(database)).then(
      () => this.#database.set(1),
      () => this.#database.set(0),
    )
    return this.registry.metrics()
  }

  async #readDatabase(database: Database): Promise<void> {
    const { sequence } = await database.selectFrom('audit_head').select('sequence').executeTakeFirstOrThrow()
    const stops = await database.selectFrom('stop').select('scope').execute()
    this.#auditRows.set(sequence)
    this.#stopped.reset()
    for (const { scope } of stops) this.#stopped.set({ scope }, 1)
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name: `sg_broker_${name}`, help, labelNames, registers: [this.registry] })
  }

  #gauge<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    collect?: (gauge: Gauge<L>) => void,
  ): Gauge<L> {
    const settings = { name: `sg_broker_${name}`, help, labelNames, registers: [this.registry] }
    if (!collect) return new Gauge(settings)
    const gauge: Gauge<L> = new Gauge({ ...settings, collect: () => collect(gauge) })
    return gauge
  }

  #histogram<L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]): Histogram<L> {
    return new Histogram({ name: `sg_broker_${name}`, help, labelNames, buckets, registers: [this.registry] })
  }
}

/** What the work comes to, or a rejection when it takes too long. The work itself goes on. */
export function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs)
    work.then(resolve, reject).finally(() => clearTimeout(giveUp))
  })
}
