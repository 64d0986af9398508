import type { BrokerSite } from '../config.ts'
import type { Parts } from '../parts.ts'

export interface BrokerStatus {
  /** `scope` is a site, or `*` for everything; times are ms since the epoch. */
  readonly stops: readonly { scope: string; at: number; by: string; reason: string }[]
  readonly sites: readonly SiteStatus[]
  readonly database: 'SQLite' | 'PostgreSQL'
  /** `SEQUENCE:HASH`. */
  readonly auditHead: string
}

interface SiteStatus {
  readonly site: string
  /** What the site's people are given; `undecided` until the first exchange of a site left to `auto`. */
  readonly shape: { readonly is: string; readonly reason?: string; readonly chosenAt?: number }
  /** Who was given something. */
  readonly people: { readonly tenMinutes: number; readonly day: number }
  readonly gatewaySessions: number
}

const minuteMs = 60_000

/** What an operator asks first, from the database that all nodes share. */
export async function statusOf(parts: Parts): Promise<BrokerStatus> {
  const { config, stops, database } = parts
  const { sequence, hash } = await database
    .selectFrom('audit_head')
    .select(['sequence', 'hash'])
    .where('id', '=', 1)
    .executeTakeFirstOrThrow()
  return {
    stops: (await stops.list()).map(({ scope, stopped_at, stopped_by, reason }) => ({
      scope,
      at: stopped_at,
      by: stopped_by,
      reason,
    })),
    sites: await Promise.all(config.sites.map((site) => siteStatus(parts, site))),
    database: 'file' in config.database ? 'SQLite' : 'PostgreSQL',
    auditHead: `${sequence}:${hash}`,
  }
}

async function siteStatus(parts: Parts, policy: BrokerSite): Promise<SiteStatus> {
  const { url, issue } = policy
  const now = parts.ports.clock.now()
  const chosen = issue === 'auto' ? await parts.shapes.find(url) : undefined
  return {
    site: url,
    shape: chosen
      ? { is: chosen.shape, reason: chosen.reason, chosenAt: chosen.chosen_at }
      : { is: issue === 'auto' ? 'undecided' : issue },
    people: {
      tenMinutes: await peopleSince(parts, url, now - 10 * minuteMs),
      day: await peopleSince(parts, url, now - 24 * 60 * minuteMs),
    },
    gatewaySessions: (await parts.gatewaySessions.list(policy)).length,
  }
}

async function peopleSince({ database }: Parts, site: string, at: number): Promise<number> {
  const { people } = await database
    .selectFrom('audit')
    .select((column) => column.fn.count<number>('subject').distinct().as('people'))
    .where('site', '=', site)
    .where('outcome', '=', 'issued')
    .where('at', '>', at)
    .executeTakeFirstOrThrow()
  return people
}
