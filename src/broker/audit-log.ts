import type { ErrorCode } from '../errors.ts'
import type { Clock, Log } from '../ports.ts'
import type { BrokerSite } from './config.ts'
import type { Database } from './database.ts'
import type { MappedPerson } from './people.ts'
import type { Subject } from './subject-token.ts'

export interface AuditEntry {
  readonly request: { readonly requestId: string; readonly clientAddress: string }
  readonly site: BrokerSite
  readonly subject: Subject
  /** Undefined when nobody was found. */
  readonly person: MappedPerson | undefined
  readonly outcome: 'issued' | ErrorCode
  readonly detail: string
}

/** Who got what, or why not: one row an outcome, and the same as a log line. */
export class AuditLog {
  readonly #database: Database
  readonly #clock: Pick<Clock, 'now'>
  readonly #log: Log

  constructor(database: Database, clock: Pick<Clock, 'now'>, log: Log) {
    this.#database = database
    this.#clock = clock
    this.#log = log
  }

  /** Resolves when the row is on disk; whoever waits for that has nothing released without a row. */
  async write({ request, site, subject, person, outcome, detail }: AuditEntry): Promise<void> {
    const row = {
      at: this.#clock.now(),
      request_id: request.requestId,
      client_address: request.clientAddress,
      site: site.url,
      issuer: subject.issuer,
      subject: subject.subject,
      user_id: person?.userId ?? null,
      login: person?.login ?? null,
      outcome,
      detail,
    }
    await this.#database.insertInto('audit').values(row).execute()
    this.#log.info(row, 'exchange')
  }
}
