import type { SandboxClock } from '../clock.ts'
import type { Accounts } from './accounts.ts'
import type { AutodeskTokens } from './autodesk-tokens.ts'
import { Follows } from './follows.ts'
import type { Launches } from './launches.ts'
import type { Mishaps } from './mishaps.ts'
import type { RestTokens } from './rest-tokens.ts'
import type { Tables } from './rows.ts'
import type { Sessions } from './sessions.ts'
import { StoredFiles } from './stored-files.ts'
import type { SiteSwitches } from './switches.ts'
import { WorkDays } from './work-days.ts'

/** Everything one site knows. What is not `readonly` is replaced when it is seeded again. */
export interface SiteState extends FirstMorning {
  /** Origin, no trailing slash. */
  readonly url: string
  readonly siteName: string
  readonly clock: SandboxClock
  readonly switches: SiteSwitches
  readonly sessions: Sessions
  readonly launches: Launches
  readonly restTokens: RestTokens
  /** Method → how often it took effect. */
  /** Undefined where the site knows no Autodesk. */
  readonly autodeskTokens: AutodeskTokens | undefined
  readonly calls: Map<string, number>
  readonly mishaps: Mishaps
  tables: Tables
  accounts: Accounts
}

/** What nobody has left on a site yet. */
interface FirstMorning {
  /** `<user id>/<project id>` → when that person was last there. */
  visits: Map<string, string>
  files: StoredFiles
  follows: Follows
  workDays: WorkDays
}

export function firstMorning(): FirstMorning {
  return { visits: new Map(), files: new StoredFiles(), follows: new Follows(), workDays: new WorkDays() }
}

export function countCall(state: Pick<SiteState, 'calls'>, name: string): void {
  state.calls.set(name, (state.calls.get(name) ?? 0) + 1)
}

/** A moment as the API writes it: UTC, whole seconds, `Z`. facts: SGT field_types/date_time */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
