import { AgentError } from '../errors.ts'
import type { Clock } from '../ports.ts'

const mostRefusals = 4
const refusalsWithinMs = 60_000

interface Refusal {
  readonly login: string
  readonly atMonotonicMs: number
}

/**
 * A person mistypes a few times; a tool that goes on with an old passphrase would have the user locked within seconds. Counted
 * for a login over all sign-ins to the site, or beginning anew would be the way round it.
 */
export class RecentRefusals {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #refusals: readonly Refusal[] = []

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** The site has refused this login. */
  note(login: string): void {
    this.#refusals = [...this.#recent(), { login: folded(login), atMonotonicMs: this.#clock.monotonicMs() }]
  }

  /** Throws `rate_limited` after four refusals of the login within a minute. */
  demandRoom(login: string, site: string): void {
    const theirs = this.#recent().filter((refusal) => refusal.login === folded(login))
    if (theirs.length < mostRefusals) return
    throw new AgentError(
      'rate_limited',
      `"${site}" has refused ${mostRefusals} tries with this login within a minute`,
      {
        advice: 'Wait a minute before the next try: a site may lock a user for many.',
      },
    )
  }

  #recent(): readonly Refusal[] {
    return this.#refusals.filter(({ atMonotonicMs }) => this.#clock.monotonicMs() - atMonotonicMs < refusalsWithinMs)
  }
}

function folded(login: string): string {
  return login.trim().toLowerCase()
}
