import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AuditEntry, AuditLog } from '../../src/broker/audit/audit-log.ts'
import { chainStart, linkRow } from '../../src/broker/audit/chain.ts'
import { type ExportFormat, verifyFile, writeExport } from '../../src/broker/audit/export.ts'
import { type AuditFilter, readAudit } from '../../src/broker/audit/read-audit.ts'
import { verifyDatabase } from '../../src/broker/audit/verify.ts'
import { type DatabaseLocation, openDatabase } from '../../src/broker/database/database.ts'
import type { AuditRow, Database } from '../../src/broker/database/tables.ts'
import { AgentError } from '../../src/errors.ts'
import { finished, startProcess, untilSaid } from '../sandbox/processes.ts'
import { databaseForTest } from './broker-database.ts'
import { dropAuditTriggers, type OwnedDatabase, ownDatabase } from './owned-database.ts'
import { codeOf, silentLog, TestClock } from './world.ts'

let folder: string
let location: DatabaseLocation
let database: Database
let owned: OwnedDatabase
let clock: TestClock
let auditLog: AuditLog
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-audit-'))
  location = await databaseForTest(folder)
  database = await openDatabase(location)
  owned = await ownDatabase(location)
  clock = new TestClock()
  auditLog = new AuditLog(database, clock, silentLog)
})
afterEach(async () => {
  await owned.close()
  await database.destroy()
  await rm(folder, { recursive: true, force: true })
})

const site = 'https://studio.example'
const issued = (subject: string): AuditEntry => ({
  event: 'exchange',
  actor: subject,
  subject,
  login: `${subject.toLowerCase()}@studio.example`,
  site,
  outcome: 'issued',
  detail: '',
})

async function write(count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, at) => auditLog.write(issued(`PERSON${at}`))))
}

async function rows(filter: AuditFilter = {}): Promise<AuditRow[]> {
  const all: AuditRow[] = []
  for await (const row of readAudit(database, filter)) all.push(row)
  return all
}

describe('who owns the database and', () => {
  beforeEach(() => write(6))

  for (const statement of ["UPDATE audit SET detail = 'x'", 'DELETE FROM audit', 'TRUNCATE audit']) {
    test(`says ${statement} is refused`, async (context) => {
      if ('file' in location && statement.startsWith('TRUNCATE')) return context.skip('SQLite has no TRUNCATE')
      await expect(owned.run(statement)).rejects.toThrow('the audit is append-only')
      await expect(owned.run(`${statement}${statement.startsWith('T') ? '' : ' WHERE sequence = 3'}`)).rejects.toThrow(
        'the audit is append-only',
      )
      expect(await rows()).toHaveLength(6)
    })
  }

  test('replaces a row is refused', async () => {
    const columns =
      "sequence, at, event, actor, outcome, detail, previous_hash, hash) VALUES (3, 1, 'x', 'x', 'x', 'x', '', '')"
    const statement =
      'file' in location
        ? `INSERT OR REPLACE INTO audit (${columns}`
        : `INSERT INTO audit (${columns} ON CONFLICT (sequence) DO UPDATE SET detail = 'x'`
    await expect(owned.run(statement)).rejects.toThrow('the audit is append-only')
    await verifyDatabase(database)
  })

  const attacks: [string, string[], string][] = [
    ['alters a row', [`UPDATE audit SET login = 'other' WHERE sequence = 3`], 'row 3 was changed'],
    ['alters the first row', [`UPDATE audit SET outcome = 'account_disabled' WHERE sequence = 1`], 'row 1 was changed'],
    ['moves a row in time', ['UPDATE audit SET at = at + 1 WHERE sequence = 6'], 'row 6 was changed'],
    ['deletes a row', ['DELETE FROM audit WHERE sequence = 3'], 'row 3 is missing: row 4 comes after row 2'],
    ['deletes the first row', ['DELETE FROM audit WHERE sequence = 1'], 'row 1 is missing: row 2 comes after row 0'],
    [
      'deletes a row and closes the gap',
      [
        'DELETE FROM audit WHERE sequence = 3',
        ...[4, 5, 6].map((at) => `UPDATE audit SET sequence = ${at - 1} WHERE sequence = ${at}`),
      ],
      'row 3 does not follow from row 2',
    ],
    [
      'exchanges two rows',
      [
        'UPDATE audit SET sequence = 99 WHERE sequence = 3',
        'UPDATE audit SET sequence = 3 WHERE sequence = 4',
        'UPDATE audit SET sequence = 4 WHERE sequence = 99',
      ],
      'row 3 does not follow from row 2',
    ],
    [
      'cuts the end off',
      ['DELETE FROM audit WHERE sequence > 4'],
      'row 5 is missing: the head says that row 6 is the last',
    ],
    ['empties the table', ['DELETE FROM audit'], 'row 1 is missing: the head says that row 6 is the last'],
    ['takes the head away', ['DELETE FROM audit_head'], 'the head of the chain is missing'],
    ['turns the head back', ['UPDATE audit_head SET sequence = 4'], 'the head does not match row 4'],
    [
      'inserts a row after the last',
      [
        `INSERT INTO audit (sequence, at, event, actor, outcome, detail, previous_hash, hash) VALUES (7, 1, 'x', 'x', 'x', 'x', '', '')`,
      ],
      'the chain has 6 rows, but there are 7',
    ],
    [
      'inserts a row before the first',
      [
        `INSERT INTO audit (sequence, at, event, actor, outcome, detail, previous_hash, hash) VALUES (0, 1, 'x', 'x', 'x', 'x', '', '')`,
      ],
      'the chain has 6 rows, but there are 7',
    ],
  ]
  for (const [name, statements, fault] of attacks) {
    test(`${name} is found`, async () => {
      expect(await verifyDatabase(database)).toMatchObject({ sequence: 6 })
      await dropAuditTriggers(owned, location)
      for (const statement of statements) await owned.run(statement)
      await expect(verifyDatabase(database)).rejects.toMatchObject({ code: 'audit_broken', message: fault })
    })
  }

  test('cuts the end off and turns the head back is found by a head that was noted elsewhere, and by nothing else', async () => {
    const noted = await verifyDatabase(database)
    const [, , , fourth] = await rows()
    await dropAuditTriggers(owned, location)
    await owned.run('DELETE FROM audit WHERE sequence > 4')
    await owned.run(`UPDATE audit_head SET sequence = 4, hash = '${fourth?.hash}'`)
    expect(await verifyDatabase(database)).toMatchObject({ sequence: 4 })
    await expect(verifyDatabase(database, { expected: noted })).rejects.toThrow(
      'row 6 was noted, but row 4 is the last: the end was cut off',
    )
  })

  test('writes the whole chain anew is found by a head that was noted elsewhere, and by nothing else', async () => {
    const noted = await verifyDatabase(database)
    let last: AuditRow | undefined
    const anew = (await rows()).map(({ sequence, previous_hash, hash, ...content }) => {
      last = linkRow(last ?? chainStart, sequence === 2 ? { ...content, login: 'other' } : content)
      return last
    })
    await dropAuditTriggers(owned, location)
    await owned.run('DELETE FROM audit')
    for (const row of anew) await database.insertInto('audit').values(row).execute()
    await owned.run(`UPDATE audit_head SET hash = '${anew.at(-1)?.hash}'`)
    expect(await verifyDatabase(database)).toMatchObject({ sequence: 6 })
    await expect(verifyDatabase(database, { expected: noted })).rejects.toThrow('row 6 is not the one that was noted')
  })
})

describe('the chain', () => {
  test('of several brokers that write at once on one database is whole, and holds every row once', async () => {
    const names = ['A', 'B', 'C']
    const script = join(import.meta.dirname, 'write-audit.ts')
    const writers = names.map((name) =>
      startProcess(process.execPath, [script, JSON.stringify(location), name, '100'], {}),
    )
    await Promise.all(writers.map((writer) => untilSaid(writer, 'ready', 50_000)))
    await auditLog.write(issued('GO'))
    const ended = await Promise.all(writers.map(finished))
    expect(ended).toEqual(names.map(() => ({ status: 0, stdout: 'ready', stderr: '' })))
    expect(await verifyDatabase(database)).toMatchObject({ sequence: 301 })
    const subjects = (await rows()).map(({ subject }) => subject)
    expect(new Set(subjects).size).toBe(301)
    // They did write at the same time.
    const turns = subjects.filter((subject, at) => at > 0 && subject?.[0] !== subjects[at - 1]?.[0]).length
    expect(turns).toBeGreaterThan(names.length)
  })

  test('does not mind a clock that goes backwards', async () => {
    await write(2)
    clock.jump(-3_600_000)
    await write(2)
    expect((await rows()).map(({ at }) => at)).not.toEqual((await rows()).map(({ at }) => at).sort())
    expect(await verifyDatabase(database)).toMatchObject({ sequence: 4 })
  })

  test('holds what a database cannot give back as it came', async () => {
    await auditLog.write({ ...issued('PERSON'), detail: 'nul \0, half a pair \ud800', login: 'zoë😀' })
    expect((await rows())[0]).toMatchObject({ detail: 'nul \uFFFD, half a pair \uFFFD', login: 'zoë😀' })
    await verifyDatabase(database)
  })

  test('is walked in pages, while rows come', async () => {
    await write(2_500)
    const remarks: number[] = []
    const verifying = verifyDatabase(database, { didCheck: (sequence) => remarks.push(sequence) })
    await write(10)
    expect((await verifying).sequence).toBeGreaterThanOrEqual(2_500)
    expect(await verifyDatabase(database)).toMatchObject({ sequence: 2_510 })
    expect(await rows()).toHaveLength(2_510)
  })
})

describe('rows that are written together', () => {
  test('are on disk before anybody is told, each once', async () => {
    let told = 0
    await Promise.all(
      Array.from({ length: 250 }, async (_, at) => {
        await auditLog.write(issued(`PERSON${at}`))
        const found = await database
          .selectFrom('audit')
          .select('sequence')
          .where('subject', '=', `PERSON${at}`)
          .execute()
        expect(found).toHaveLength(1)
        told += 1
      }),
    )
    expect(told).toBe(250)
    expect(await verifyDatabase(database)).toMatchObject({ sequence: 250 })
  })

  test('do not pay for the one among them that the database refuses', async () => {
    const outcomes = await Promise.all([
      codeOf(auditLog.write(issued('FIRST'))),
      ...['A', 'B'].map((subject) => codeOf(auditLog.write(issued(subject)))),
      codeOf(
        auditLog.write(issued('BAD'), async (transaction) => {
          await transaction
            .insertInto('stop')
            .values({ scope: 'x' } as never)
            .execute()
        }),
      ),
      ...['C', 'D'].map((subject) => codeOf(auditLog.write(issued(subject)))),
    ])
    expect(outcomes.map((outcome) => outcome === 'ok')).toEqual([true, true, true, false, true, true])
    expect((await rows()).map(({ subject }) => subject)).toEqual(['FIRST', 'A', 'B', 'C', 'D'])
    await verifyDatabase(database)
  })

  test('say each by itself what its condition refused, and what it put on record', async () => {
    const refused = auditLog.write(issued('BAD'), async (_transaction, record) => {
      record({ event: 'stop', actor: 'alarm', outcome: 'done', detail: 'too many' })
      throw new AgentError('broker_stopped', 'stopped')
    })
    expect(
      await Promise.all([codeOf(auditLog.write(issued('A'))), codeOf(refused), codeOf(auditLog.write(issued('B')))]),
    ).toEqual(['ok', 'broker_stopped', 'ok'])
    expect((await rows()).map(({ event, outcome }) => `${event} ${outcome}`)).toEqual([
      'stop done',
      'exchange broker_stopped',
      'exchange issued',
      'exchange issued',
    ])
  })

  test('are all refused when the database cannot be had, and the chain goes on afterwards', async () => {
    await write(1)
    await database.schema.alterTable('audit_head').renameTo('audit_head_away').execute()
    const outcomes = await Promise.all(['A', 'B'].map((subject) => codeOf(auditLog.write(issued(subject)))))
    expect(outcomes).not.toContain('ok')
    await database.schema.alterTable('audit_head_away').renameTo('audit_head').execute()
    await write(1)
    expect(await verifyDatabase(database)).toMatchObject({ sequence: 2 })
  })

  test('are written although a listener breaks', async () => {
    const log = new AuditLog(database, clock, silentLog, () => {
      throw new Error('no')
    })
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    await Promise.all([log.write(issued('A')), log.write(issued('B'))])
    expect((await warned).message).toContain('could not be logged')
    expect(await rows()).toHaveLength(2)
  })
})

describe('an export', () => {
  const exported = async (format: ExportFormat, filter: AuditFilter = {}): Promise<string> => {
    const chunks: Buffer[] = []
    const out = new Writable({
      write(chunk, _encoding, done) {
        chunks.push(Buffer.from(chunk))
        done()
      },
    })
    await writeExport(readAudit(database, filter), format, out)
    return Buffer.concat(chunks).toString('utf8')
  }
  const toFile = async (text: string): Promise<string> => {
    const file = join(folder, 'export.jsonl')
    await writeFile(file, text)
    return file
  }

  test('as JSON lines is whole, one row a line, and can be verified without the database', async () => {
    await write(1_500)
    const file = await toFile(await exported('jsonl'))
    expect(await verifyFile(file)).toEqual({ first: 1, head: await verifyDatabase(database) })
    const [line = ''] = (await readFile(file, 'utf8')).split('\n')
    expect(JSON.parse(line)).toEqual((await rows())[0])
    expect(Object.keys(JSON.parse(line))).toEqual(
      'sequence at event actor request_id client_address site issuer subject user_id login shape session_uuid outcome detail previous_hash hash'.split(
        ' ',
      ),
    )
  })

  test('that was changed, cut or is no export is found', async () => {
    await write(4)
    const noted = await verifyDatabase(database)
    const whole = await exported('jsonl')
    const lines = whole.trim().split('\n')
    const faultOf = async (text: string, expected = noted): Promise<string> =>
      verifyFile(await toFile(text), { expected }).then(
        () => 'whole',
        (error: Error) => error.message.replace(folder, ''),
      )
    expect(await faultOf(whole)).toBe('whole')
    expect(await faultOf(whole.replace('PERSON1', 'PERSON9'))).toBe('row 2 was changed')
    expect(await faultOf(lines.toSpliced(1, 1).join('\n'))).toBe('row 2 is missing: row 3 comes after row 1')
    expect(await faultOf(lines.slice(0, 3).join('\n'))).toBe(
      'row 4 was noted, but row 3 is the last: the end was cut off',
    )
    expect(await faultOf(lines.slice(2).join('\n'))).toBe('whole')
    expect(await faultOf(lines.slice(2).join('\n'), { ...noted, sequence: 1 })).toBe(
      'row 1 was noted, but "/export.jsonl" begins with row 3',
    )
    expect(await faultOf('')).toBe('"/export.jsonl" holds no rows')
    for (const bad of ['{', '[]', '{"sequence":5}', '\u0000', lines[0]?.replace('"at"', '"At"') ?? '']) {
      expect(await faultOf(`${whole}${bad}\n`)).toBe('line 5 of "/export.jsonl" is no row of the audit')
    }
    await expect(verifyFile(join(folder, 'nothing'))).rejects.toThrow('ENOENT')
  })

  test('holds the rows that were asked for', async () => {
    await write(5)
    await auditLog.write({ ...issued('OTHER'), site: 'https://other.example', login: 'other' })
    clock.advance(60_000)
    const later = clock.now()
    await auditLog.write({ ...issued('OTHER'), login: 'other' })
    const sequences = async (filter: AuditFilter): Promise<number[]> =>
      (await rows(filter)).map(({ sequence }) => sequence)
    expect(await sequences({ since: { sequence: 6 } })).toEqual([6, 7])
    expect(await sequences({ since: { sequence: 2 }, until: { sequence: 3 } })).toEqual([2, 3])
    expect(await sequences({ since: { at: later } })).toEqual([7])
    expect(await sequences({ until: { at: later - 30_000 } })).toEqual([1, 2, 3, 4, 5, 6])
    expect(await sequences({ site: 'https://other.example' })).toEqual([6])
    expect(await sequences({ person: 'other' })).toEqual([6, 7])
    expect(await sequences({ person: 'OTHER', site })).toEqual([7])
    expect(await sequences({ person: 'PERSON1' })).toEqual([2])
    expect(await sequences({ person: 'nobody' })).toEqual([])
  })

  test('as CSV has a header and the time for people, and no cell is a formula', async () => {
    await auditLog.write({ ...issued('A'), detail: '=HYPERLINK("http://evil.example")', login: '@SUM(A1)' })
    await auditLog.write({ ...issued('B'), detail: 'two\nlines, "quoted"', login: '+1' })
    const text = await exported('csv')
    expect(text.split('\n')[0]).toMatch(/^time,sequence,at,event,actor,/)
    expect(text).toContain(`${new Date((await rows())[0]?.at ?? 0).toISOString()},1,`)
    expect(text).toContain(`"'=HYPERLINK(""http://evil.example"")"`)
    expect(text).toContain(`,'@SUM(A1),`)
    expect(text).toContain(`,'+1,`)
    expect(text).toContain('"two\nlines, ""quoted"""')
    expect(text).not.toMatch(/(^|,|")[=@+\t\r]/m)
  })
})
