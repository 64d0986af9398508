import type { Redis } from 'ioredis'
import type { Log } from '../../ports.ts'
import type { BrokerConfig } from '../config.ts'
import { Limits } from './limits.ts'
import { Metrics } from './metrics.ts'
import { UnderWay } from './under-way.ts'

/** What outlives a reading of the configuration: counts, and whether the process is on its way out. */
export interface Lasting {
  readonly limits: Limits
  readonly metrics: Metrics
  /** Exchanges and answers that are not finished. */
  readonly underWay: UnderWay
  isStopping(): boolean
}

export function makeLasting(
  config: BrokerConfig,
  { log, redis, metrics = new Metrics() }: { log: Log; redis?: Redis | undefined; metrics?: Metrics },
): Omit<Lasting, 'underWay' | 'isStopping'> {
  const limits = new Limits(config.limits, {
    redis,
    issuer: config.issuer,
    log,
    onRefused: (name) => metrics.countRateLimited(name),
    onAlone: () => metrics.countAlone(),
  })
  if (redis) metrics.watch('redis_up', 'Whether Redis can be used', () => (redis.status === 'ready' ? 1 : 0))
  metrics.followSites(config.sites.map(({ url }) => url))
  return { limits, metrics }
}

/** For who does not read the configuration twice: a command at work on the broker's database. */
export function makeShortLasting(config: BrokerConfig, log: Log): Lasting {
  return { ...makeLasting(config, { log }), underWay: new UnderWay(), isStopping: () => false }
}
