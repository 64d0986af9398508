import type { Clock } from '../../ports.ts'
import type { RestGrant } from '../../shotgrid/rest.ts'
import { SingleFlight } from '../../waiting/single-flight.ts'
import { makeRestBearer } from '../issue/rest-bearer.ts'
import type { GatewayCaller } from './gateway-callers.ts'

interface Entry {
  readonly flight: SingleFlight<void>
  grant?: RestGrant
  expiresAtMs: number
}

/** A bearer with less left than this is not used any more. */
const spareMs = 60_000
const siteLimitMs = 30_000

/** The site's own bearers in the names of people: one a session, in memory only; they never leave the broker. */
export class SiteBearers {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #known = new Map<string, Entry>()

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** Throws like `makeRestBearer`. */
  async get({ site, acting }: GatewayCaller): Promise<RestGrant> {
    const key = keyOf(site.url, acting)
    const entry = this.#known.get(key) ?? { flight: new SingleFlight<void>(), expiresAtMs: 0 }
    if (!this.#known.has(key)) {
      this.#forgetOver()
      this.#known.set(key, entry)
    }
    if (!entry.grant || this.#isNearlyOver(entry)) {
      await entry.flight.run(async () => {
        const askedAtMs = this.#clock.monotonicMs()
        const person = { login: acting.sudoAsLogin }
        entry.grant = await makeRestBearer(site, person, acting.sessionUuid, AbortSignal.timeout(siteLimitMs))
        entry.expiresAtMs = askedAtMs + entry.grant.expiresInS * 1000
      })
    }
    if (!entry.grant) throw new Error('a bearer that was made is gone')
    return entry.grant
  }

  /** The site did not take it. */
  forget({ site, acting }: GatewayCaller): void {
    this.#known.delete(keyOf(site.url, acting))
  }

  #forgetOver(): void {
    for (const [key, entry] of this.#known) {
      if (!entry.flight.isRunning && this.#isNearlyOver(entry)) this.#known.delete(key)
    }
  }

  #isNearlyOver({ expiresAtMs }: Entry): boolean {
    return expiresAtMs - this.#clock.monotonicMs() < spareMs
  }
}

function keyOf(site: string, { sudoAsLogin, sessionUuid }: GatewayCaller['acting']): string {
  return JSON.stringify([site, sudoAsLogin, sessionUuid])
}
