import { setTimeout as sleep } from 'node:timers/promises'
import { AuditLog } from '../../src/broker/audit/audit-log.ts'
import { openDatabase } from '../../src/broker/database/database.ts'
import { systemClock } from '../../src/system/system-clock.ts'

/** Another broker's process that writes to the audit: `node write-audit.ts <database as JSON> <name> <rows>`. */
const [location = '', name = '', count = ''] = process.argv.slice(2)
const database = await openDatabase(JSON.parse(location))
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const auditLog = new AuditLog(database, systemClock, silent)

async function write(subject: string): Promise<void> {
  for (;;) {
    try {
      return await auditLog.write({ event: 'exchange', actor: subject, subject, outcome: 'issued', detail: '' })
    } catch (error) {
      // Somebody else held the database too long, and said so: whoever is told may try again.
      if (!(error instanceof Error && 'code' in error && error.code === 'temporarily_unavailable')) throw error
    }
  }
}

// Begins when the first row is there, and a few at a time, so that the processes take turns.
process.stdout.write('ready')
while (!(await database.selectFrom('audit').select('sequence').executeTakeFirst())) await sleep(5)
for (let at = 0; at < Number(count); at += 5) {
  await Promise.all(Array.from({ length: 5 }, (_, more) => write(`${name}${at + more}`)))
  await sleep(2)
}
await database.destroy()
