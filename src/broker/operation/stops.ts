import { sql, type Transaction } from 'kysely'
import { AgentError } from '../../errors.ts'
import type { Clock } from '../../ports.ts'
import type { AuditEntry, AuditLog } from '../audit/audit-log.ts'
import type { BrokerConfig } from '../config.ts'
import type { Database, Tables } from '../database/tables.ts'

/** Everything, instead of one site. */
export const everything = '*'
/** Who stops a site when too many people come at once. */
const alarm = 'alarm'

export type Stop = Tables['stop']

/** The kill switch: what is stopped gives out nothing and serves nothing, on every node, until somebody resumes it. */
export class Stops {
  readonly #database: Database
  readonly #clock: Pick<Clock, 'now'>

  constructor(database: Database, clock: Pick<Clock, 'now'>) {
    this.#database = database
    this.#clock = clock
  }

  list(): Promise<Stop[]> {
    return this.#database.selectFrom('stop').selectAll().orderBy('scope').execute()
  }

  /** Throws `broker_stopped` when the site, or everything, is stopped. */
  async demandGoing(site: string, database: Database | Transaction<Tables> = this.#database): Promise<void> {
    const stop = await this.#find(site, database)
    if (stop) throw new AgentError('broker_stopped', `stopped by ${stop.stopped_by}: ${stop.reason}`)
  }

  /** Like `demandGoing`, for who has not shown yet who they are: who stopped it is not for them. */
  async demandGoingForStranger(site: string): Promise<void> {
    const stop = await this.#find(site, this.#database)
    if (stop) throw new AgentError('broker_stopped', `stopped: ${stop.reason}`)
  }

  #find(site: string, database: Database | Transaction<Tables>): Promise<Stop | undefined> {
    return database.selectFrom('stop').selectAll().where('scope', 'in', [site, everything]).executeTakeFirst()
  }

  /** Stops; what is stopped already stays as it is. The audit knows it before this resolves. */
  stop(scope: string, reason: string, by: string, auditLog: AuditLog): Promise<void> {
    return auditLog.write(stopEntry(scope, reason, by), (transaction) => this.#write(transaction, scope, reason, by))
  }

  /** Takes a stop back; false, and no row, when there was none. From here on the people of a site are counted anew. */
  async resume(scope: string, by: string, auditLog: AuditLog): Promise<boolean> {
    let found = false
    const entry = { event: 'resume', actor: by, outcome: 'done', detail: '', ...siteOf(scope) } as const
    await auditLog.writeChange(entry, async (transaction) => {
      const stop = await transaction.deleteFrom('stop').where('scope', '=', scope).returningAll().executeTakeFirst()
      found = stop !== undefined
      return stop ? [{ ...entry, detail: `was stopped by ${stop.stopped_by}: ${stop.reason}` }] : []
    })
    return found
  }

  /**
   * Judges, in the transaction that records it, whether one more person may be given a session of the site. Whoever would be
   * one too many within the time stops the site, which `record` puts on record. Throws `broker_stopped`.
   */
  async demandNotTooMany(
    transaction: Transaction<Tables>,
    site: string,
    subject: string,
    { most, minutes }: BrokerConfig['limits']['people'],
    record: (entry: AuditEntry) => void,
  ): Promise<void> {
    await this.demandGoing(site, transaction)
    const since = this.#clock.now() - minutes * 60_000
    // Each of them has a row at least, and rows are counted many times faster than people.
    if (!(await areRowsAtLeast(transaction, site, since, most))) return
    const { people } = await transaction
      .selectFrom('audit')
      .select((column) => column.fn.count<number>('subject').distinct().as('people'))
      .where('site', '=', site)
      .where('outcome', '=', 'issued')
      .where('at', '>', since)
      .where('sequence', '>', await lastResume(transaction, site))
      .where('subject', '!=', subject)
      .executeTakeFirstOrThrow()
    if (people < most) return
    const reason = `more than ${most} people within ${minutes} minutes`
    await this.#write(transaction, site, reason, alarm)
    record(stopEntry(site, reason, alarm))
    throw new AgentError('broker_stopped', `stopped by the ${alarm}: ${reason}`)
  }

  async #write(transaction: Transaction<Tables>, scope: string, reason: string, by: string): Promise<void> {
    await transaction
      .insertInto('stop')
      .values({ scope, reason, stopped_by: by, stopped_at: this.#clock.now() })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

/** Whether so many sessions of a site were given out since then; the index alone answers. */
async function areRowsAtLeast(
  transaction: Transaction<Tables>,
  site: string,
  since: number,
  rows: number,
): Promise<boolean> {
  const { counted } = await transaction
    .selectFrom((from) =>
      from
        .selectFrom('audit')
        .select('at')
        .where('site', '=', site)
        .where('outcome', '=', 'issued')
        .where('at', '>', since)
        .limit(rows)
        .as('lately'),
    )
    .select((column) => column.fn.countAll<number>().as('counted'))
    .executeTakeFirstOrThrow()
  return counted >= rows
}

/**
 * Where the audit was when the site was last taken up again; whoever did that has seen the people of the time before. Not a
 * time: the operator's clock need not be the brokers'.
 */
async function lastResume(transaction: Transaction<Tables>, site: string): Promise<number> {
  const { sequence } = await transaction
    .selectFrom('audit')
    .select((column) => column.fn.max<number | null>('sequence').as('sequence'))
    // Written out, so that the database knows the index that has only these.
    .where('event', '=', sql.lit('resume'))
    // Not as an alternative, for which SQLite would read every row of the site by the index on sites.
    .where(sql<boolean>`coalesce(site, ${site}) = ${site}`)
    .executeTakeFirstOrThrow()
  return sequence ?? 0
}

function stopEntry(scope: string, reason: string, by: string): AuditEntry {
  return { event: 'stop', actor: by, outcome: 'done', detail: reason, ...siteOf(scope) }
}

function siteOf(scope: string): { site?: string } {
  return scope === everything ? {} : { site: scope }
}
