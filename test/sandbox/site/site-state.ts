import type { SandboxClock } from '../clock.ts'
import type { Accounts } from './accounts.ts'
import type { Launches } from './launches.ts'
import type { RestTokens } from './rest-tokens.ts'
import type { Tables } from './rows.ts'
import type { Sessions } from './sessions.ts'
import type { SiteSwitches } from './switches.ts'

/** Everything one site knows. `tables`, `accounts` and `visits` are replaced when it is seeded again. */
export interface SiteState {
  /** Origin, no trailing slash. */
  readonly url: string
  readonly siteName: string
  readonly clock: SandboxClock
  readonly switches: SiteSwitches
  readonly sessions: Sessions
  readonly launches: Launches
  readonly restTokens: RestTokens
  /** Method → how often it took effect. */
  readonly calls: Map<string, number>
  tables: Tables
  accounts: Accounts
  /** `<user id>/<project id>` → when that person was last there. */
  visits: Map<string, string>
}

export function countCall(state: Pick<SiteState, 'calls'>, name: string): void {
  state.calls.set(name, (state.calls.get(name) ?? 0) + 1)
}

/** A moment as the API writes it: UTC, whole seconds, `Z`. facts: SGT field_types/date_time */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
