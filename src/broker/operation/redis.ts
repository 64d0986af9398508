import { Redis } from 'ioredis'
import type { BrokerConfig } from '../config.ts'

type RedisLocation = NonNullable<BrokerConfig['redis']>

/**
 * Connects to the place where several brokers count together. Returns at once: a Redis that is down is no reason not to
 * start. Nothing waits for it longer than half a second; it comes back by itself.
 */
export function connectRedis({ url, password }: RedisLocation): Redis {
  const redis = new Redis(url, {
    ...(password ? { password: password.reveal() } : {}),
    connectionName: 'sg-broker',
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    commandTimeout: 500,
    socketTimeout: 1_000,
    retryStrategy: (times) => Math.min(times * 100, 2_000),
  })
  // Said by whoever misses it (`limits.ts`), once; ioredis says it at each attempt to connect.
  redis.on('error', () => undefined)
  return redis
}
