import type { Clock } from '../../ports.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Database, Tables } from '../database/tables.ts'

export type ChosenShape = Tables['site_shape']

/** What `auto` found out about sites: asked once, remembered by all nodes, until somebody forgets it. */
export class SiteShapes {
  readonly #database: Database
  readonly #clock: Pick<Clock, 'now'>

  constructor(database: Database, clock: Pick<Clock, 'now'>) {
    this.#database = database
    this.#clock = clock
  }

  find(site: string): Promise<ChosenShape | undefined> {
    return this.#database.selectFrom('site_shape').selectAll().where('site', '=', site).executeTakeFirst()
  }

  /** Remembers a choice, with a row in the audit; one that stands already stays, and is what this resolves to. */
  async choose(
    site: string,
    shape: ChosenShape['shape'],
    reason: string,
    auditLog: AuditLog,
  ): Promise<ChosenShape['shape']> {
    const entry = { event: 'shape', actor: 'sg-broker', site, shape, outcome: 'done', detail: reason } as const
    await auditLog.writeChange(entry, async (transaction) => {
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto('site_shape')
        .values({ site, shape, reason, chosen_at: this.#clock.now() })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      // Another broker may have chosen meanwhile, and perhaps otherwise.
      return numInsertedOrUpdatedRows === 1n ? [entry] : []
    })
    return (await this.find(site))?.shape ?? shape
  }

  /** The next exchange asks the site again. False, and no row, when nothing was known. */
  async forget(site: string, by: string, auditLog: AuditLog): Promise<boolean> {
    let found = false
    const entry = { event: 'shape', actor: by, site, outcome: 'done', detail: 'to be asked again' } as const
    await auditLog.writeChange(entry, async (transaction) => {
      const { numDeletedRows } = await transaction.deleteFrom('site_shape').where('site', '=', site).executeTakeFirst()
      found = numDeletedRows > 0n
      return found ? [entry] : []
    })
    return found
  }
}
