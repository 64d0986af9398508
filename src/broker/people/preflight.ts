import { randomUUID } from 'node:crypto'
import { AgentError } from '../../errors.ts'
import type { Fetch } from '../../ports.ts'
import type { Database } from '../database/tables.ts'
import { makeRestBearer } from '../issue/rest-bearer.ts'
import type { SiteShapes } from '../issue/site-shapes.ts'
import { ScriptedSite } from '../scripted-site.ts'
import { judgeSite } from './judge-site.ts'
import { readPeopleRows } from './people-rows.ts'
import { countTotals, describeVerdict, type PersonReport, type SiteReport } from './preflight-report.ts'
import { readEveryUser, readUsers, type SiteUser } from './site-users.ts'

export interface PreflightSettings {
  readonly fetch: Fetch
  readonly database: Database
  readonly shapes: SiteShapes
  onProgress(said: string): void
}

const siteLimitMs = 30_000

/**
 * Asks a site for all its people and says who will be able to sign in through the broker. Makes no session; the one trace at
 * the site is a REST bearer per script, which is thrown away. Throws `site_unreachable`, or `temporarily_unavailable` when
 * the site takes none of the scripts.
 */
export async function reportSite(
  site: ScriptedSite,
  { fetch, database, shapes, onProgress }: PreflightSettings,
): Promise<SiteReport> {
  const say = (count: number): void => onProgress(`${site.url}: ${count} users read`)
  const active = await everyUser(site, 'active', say)
  const retired = await everyUser(site, 'retired', (count) => say(active.length + count))
  const rows = await readPeopleRows(database, [site.url])
  const users = judgeSite({ url: site.url, active, retired, rows, policy: site.policy }).map(describeVerdict)
  const chosen = await shapes.find(site.url)
  return {
    site: site.url,
    scripts: await checkScripts(
      site,
      fetch,
      users.find(({ ready }) => ready),
    ),
    issue: {
      configured: site.policy.issue,
      chosen: chosen?.shape ?? null,
      reason: chosen?.reason ?? null,
      chosen_at: chosen ? new Date(chosen.chosen_at).toISOString() : null,
    },
    totals: countTotals(users),
    users,
  }
}

async function everyUser(
  site: ScriptedSite,
  only: 'active' | 'retired',
  onProgress: (count: number) => void,
): Promise<SiteUser[]> {
  const users: SiteUser[] = []
  for await (const page of readEveryUser(site, only)) {
    users.push(...page)
    onProgress(users.length)
  }
  return users
}

/** Each script by itself: a broker with two of them never says that one is no good. */
function checkScripts(
  { policy }: ScriptedSite,
  fetch: Fetch,
  somebody: PersonReport | undefined,
): Promise<SiteReport['scripts']> {
  return Promise.all(
    policy.scripts.map(async (script) => {
      const site = new ScriptedSite({ ...policy, scripts: [script] }, fetch)
      const { name } = script
      const refusal = await refusalOf(() => readUsers(site, [], 1))
      if (refusal !== undefined) return { name, taken: false, may_sudo: null, says: refusal }
      if (!somebody) return { name, taken: true, may_sudo: null, says: 'not tried: nobody is ready to sign in' }
      const signal = AbortSignal.timeout(siteLimitMs)
      const noSudo = await refusalOf(() => makeRestBearer(site, somebody, randomUUID(), signal))
      return { name, taken: true, may_sudo: noSudo === undefined, says: noSudo ?? null }
    }),
  )
}

/** What the site refused with; its other troubles are thrown on. */
async function refusalOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (!(error instanceof AgentError) || error.code === 'site_unreachable') throw error
    return error.message
  }
}
