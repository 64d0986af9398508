import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { AgentError } from '../../errors.ts'
import type { BrokerConfig } from '../config.ts'

type LimitName = 'requestsPerAddress' | 'exchangesPerPerson' | 'callsPerSession'

/** Too many requests; `retryAfterS` is what the `Retry-After` header says. */
export class RateLimited extends AgentError {
  readonly retryAfterS: number

  constructor(retryAfterS: number) {
    super('rate_limited', `there were too many requests; try again in ${retryAfterS} s`)
    this.retryAfterS = retryAfterS
  }
}

/** Counts requests by who makes them. */
export class Limits {
  readonly #limiters: Readonly<Record<LimitName, RateLimiterMemory>>

  constructor(limits: BrokerConfig['limits']) {
    const limiter = (name: LimitName): RateLimiterMemory => {
      const { most, seconds } = limits[name]
      return new RateLimiterMemory({ keyPrefix: name, points: most, duration: seconds })
    }
    this.#limiters = {
      requestsPerAddress: limiter('requestsPerAddress'),
      exchangesPerPerson: limiter('exchangesPerPerson'),
      callsPerSession: limiter('callsPerSession'),
    }
  }

  /** Counts one request. Throws RateLimited. */
  async count(name: LimitName, key: string): Promise<void> {
    try {
      await this.#limiters[name].consume(key)
    } catch (thrown) {
      if (thrown instanceof RateLimiterRes) throw new RateLimited(Math.ceil(thrown.msBeforeNext / 1000))
      throw thrown
    }
  }
}
