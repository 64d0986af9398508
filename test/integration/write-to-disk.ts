import { AuditLog } from '../../src/broker/audit/audit-log.ts'
import { openDatabase } from '../../src/broker/database/database.ts'
import { Challenges } from '../../src/broker/exchange/challenges.ts'
import { SignIns } from '../../src/broker/exchange/sign-ins.ts'

/**
 * A broker's process whose calls of the system are counted: `node write-to-disk.ts <file> <challenges> <rows of the audit>`. Between two
 * of either passes more than a day, so that each finds something that is over.
 */
const [file = '', challenges = '', rows = ''] = process.argv.slice(2)
const database = await openDatabase({ file })
const silent = { debug() {}, info() {}, warn() {}, error() {} }
let now = Date.now()
const clock = { now: () => now }
const made = new Challenges(database, clock)
const signIns = new SignIns(database, clock)
const auditLog = new AuditLog(database, clock, silent)
const person = { issuer: 'https://identity.example', subject: 'artist', clientId: 'tray', verifiedEmail: undefined }
for (let count = 0; count < Number(challenges); count += 1) {
  now += 25 * 3600_000
  if (!(await made.use(await made.make()))) throw new Error('a new challenge was used already')
  await signIns.begin(`thumbprint ${count}`, 'https://studio.example', person)
}
for (let count = 0; count < Number(rows); count += 1) {
  now += 25 * 3600_000
  await auditLog.write({ event: 'exchange', actor: 'somebody', outcome: 'issued', detail: '' })
}
await database.destroy()
