import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import type { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { AgentError } from '../../errors.ts'
import type { Log } from '../../ports.ts'
import type { BrokerConfig } from '../config.ts'

const names = ['requestsPerAddress', 'exchangesPerPerson', 'callsPerSession'] as const
export type LimitName = (typeof names)[number]

/** Too many requests; `retryAfterS` is what the `Retry-After` header says. */
export class RateLimited extends AgentError {
  readonly retryAfterS: number

  /** Of those that are refused until then. */
  readonly isFirst: boolean

  constructor(retryAfterS: number, isFirst: boolean) {
    super('rate_limited', `there were too many requests; try again in ${retryAfterS} s`)
    this.retryAfterS = retryAfterS
    this.isFirst = isFirst
  }
}

export interface LimitsSettings {
  /** Where several brokers count together; without it each counts for itself. */
  readonly redis?: Redis | undefined
  /** Tells brokers that share a Redis apart: the issuer, which all nodes of one broker have in common. */
  readonly issuer: string
  readonly log: Log
  readonly onRefused?: (name: LimitName) => void
  /** A request was counted by this broker alone, though there should be a Redis. */
  readonly onAlone?: () => void
}

/**
 * Counts requests by who makes them. A brake, never a lock: what must happen once only is decided by the database. While
 * Redis cannot be had each broker counts for itself, so that its loss refuses nobody.
 */
export class Limits {
  readonly #settings: LimitsSettings
  readonly #limiters = new Map<
    LimitName,
    { most: number; seconds: number; limiter: RateLimiterMemory | RateLimiterRedis }
  >()
  #isAlone = false

  constructor(limits: BrokerConfig['limits'], settings: LimitsSettings) {
    this.#settings = settings
    this.follow(limits)
  }

  /** Takes over other limits. What was counted under one that stays is not forgotten. */
  follow(limits: BrokerConfig['limits']): void {
    for (const name of names) {
      const { most, seconds } = limits[name]
      const known = this.#limiters.get(name)
      if (known?.most === most && known.seconds === seconds) continue
      this.#limiters.set(name, { most, seconds, limiter: this.#makeLimiter(name, most, seconds) })
    }
  }

  /** Counts one request. Throws RateLimited. */
  async count(name: LimitName, key: string): Promise<void> {
    const limit = this.#limiters.get(name)
    try {
      await limit?.limiter.consume(hashOf(key))
    } catch (thrown) {
      if (!(thrown instanceof RateLimiterRes)) throw thrown
      this.#settings.onRefused?.(name)
      const isFirst = thrown.consumedPoints === (limit?.most ?? 0) + 1
      throw new RateLimited(Math.max(1, Math.ceil(thrown.msBeforeNext / 1000)), isFirst)
    }
  }

  #makeLimiter(name: LimitName, most: number, seconds: number): RateLimiterMemory | RateLimiterRedis {
    const { redis, issuer } = this.#settings
    const settings = { keyPrefix: `sg-broker ${issuer} ${name}`, points: most, duration: seconds }
    if (!redis) return new RateLimiterMemory(settings)
    const insuranceLimiter = new Insurance(settings, () => this.#sayAlone(redis))
    return new RateLimiterRedis({ ...settings, storeClient: redis, rejectIfRedisNotReady: true, insuranceLimiter })
  }

  /** Once for each time it is lost: a storm of requests must not become a storm of lines. */
  #sayAlone(redis: Redis): void {
    this.#settings.onAlone?.()
    if (this.#isAlone) return
    this.#isAlone = true
    const { log, issuer } = this.#settings
    log.warn({ status: redis.status }, 'redis cannot be used: this broker counts requests for itself')
    const untilBack = setInterval(() => {
      // A write: a Redis that is full, or has become a replica, still answers a ping.
      redis.set(`sg-broker ${issuer} probe`, '1', 'EX', 1).then(
        () => {
          if (!this.#isAlone) return
          this.#isAlone = false
          clearInterval(untilBack)
          log.info('redis is back: brokers count requests together')
        },
        () => undefined,
      )
    }, 1_000)
    untilBack.unref()
  }
}

class Insurance extends RateLimiterMemory {
  readonly #onUsed: () => void

  constructor(settings: { keyPrefix: string; points: number; duration: number }, onUsed: () => void) {
    super(settings)
    this.#onUsed = onUsed
  }

  override consume(...parameters: Parameters<RateLimiterMemory['consume']>): Promise<RateLimiterRes> {
    this.#onUsed()
    return super.consume(...parameters)
  }
}

/**
 * What counts as one address: of IPv6 the network, since whoever has one address of a /64 has all of them; IPv4 as it is, written
 * as IPv6 or not.
 */
export function countedAs(address: string): string {
  if (!isIPv6(address)) return address
  const [before = '', after] = new URL(`http://[${address.split('%', 1)[0]}]`).hostname.slice(1, -1).split('::')
  const [first, last] = [before, after ?? ''].map((part) => (part === '' ? [] : part.split(':')))
  const zeros = after === undefined ? 0 : 8 - (first?.length ?? 0) - (last?.length ?? 0)
  const groups = [...(first ?? []), ...Array<string>(zeros).fill('0'), ...(last ?? [])].map((group) =>
    parseInt(group, 16),
  )
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  if (!isMapped)
    return `${groups
      .slice(0, 4)
      .map((group) => group.toString(16))
      .join(':')}::/64`
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.')
}

/** Addresses and accounts do not get into Redis: a counter needs to tell them apart, not to know them. */
function hashOf(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('base64url')
}
