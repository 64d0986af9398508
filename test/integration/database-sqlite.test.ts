import { spawnSync } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openDatabase } from '../../src/broker/database/database.ts'
import { Challenges } from '../../src/broker/exchange/challenges.ts'
import { missingProgram } from '../e2e/fault-stage.ts'
import { ExchangeStage } from './exchange-stage.ts'
import { codeOf } from './world.ts'

let stage: ExchangeStage
let file: string
beforeAll(async () => {
  stage = await ExchangeStage.open()
  file = stage.world.databaseFile ?? ''
})
afterAll(() => stage.close())

test('a SQLite database is a file that nobody else may read', async () => {
  expect(((await stat(file)).mode & 0o777).toString(8)).toBe('600')
})

test('one that another program holds is temporarily_unavailable, not a crash', async () => {
  const prepared = await stage.prepare()
  const other = new DatabaseSync(file)
  other.exec('BEGIN EXCLUSIVE')
  expect(await codeOf(stage.exchange(prepared))).toBe('temporarily_unavailable')
  other.exec('ROLLBACK')
  other.close()
  expect(await codeOf(stage.exchange(prepared))).toBe('ok')
})

/** How often a broker's process waited for the disk. */
async function waitsForDisk(challenges: number, rows: number): Promise<number> {
  const log = join(stage.world.folder, 'calls')
  const database = join(stage.world.folder, `${challenges}-${rows}.sqlite`)
  const program = resolve(import.meta.dirname, 'write-to-disk.ts')
  const tracing = ['-f', '-qq', '-e', 'trace=fsync,fdatasync', '-o', log]
  const args = [...tracing, process.execPath, program, database, `${challenges}`, `${rows}`]
  const { status, stderr } = spawnSync('strace', args, { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return (await readFile(log, 'utf8')).split('\n').filter((line) => /sync\(/.test(line)).length
}

test('a row of the audit waits for the disk, and what is good only together with one does not', async (context) => {
  const missing = missingProgram('strace')
  if (missing) return context.skip(missing)
  const nothing = await waitsForDisk(0, 0)
  expect(await waitsForDisk(10, 0)).toBe(nothing)
  expect(await waitsForDisk(10, 10)).toBe(nothing + 10)
})

test('a database that could not be made to wait again takes nothing until it does', async () => {
  const database = await openDatabase({ file: join(stage.world.folder, 'stuck.sqlite') })
  const challenges = new Challenges(database, { now: () => Date.now() })
  let isStuck = true
  const asked: string[] = []
  const untouched = DatabaseSync.prototype.exec
  vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql) {
    asked.push(sql)
    if (isStuck && sql.endsWith('= FULL')) throw new Error('no')
    untouched.call(this, sql)
  })
  try {
    await expect(challenges.make()).rejects.toThrow('no')
    await expect(challenges.isRecent('any')).rejects.toThrow('no')
    isStuck = false
    asked.length = 0
    expect(await challenges.use(await challenges.make())).toBe(true)
    expect(asked.slice(0, 2)).toEqual(['PRAGMA synchronous = NORMAL', 'PRAGMA synchronous = FULL'])
  } finally {
    vi.restoreAllMocks()
    await database.destroy()
  }
})

test('no question of an exchange reads more of the audit the longer that is', async () => {
  const asked = vi.spyOn(DatabaseSync.prototype, 'prepare')
  const another = await ExchangeStage.open({ limits: { people: { most: 1, minutes: 10 } } })
  try {
    // The second time there is somebody to count.
    for (const _ of [1, 2]) expect(await codeOf(another.exchange(await another.prepare()))).toBe('ok')
    const questions = [...new Set(asked.mock.calls.map(([sql]) => sql))].filter((sql) => /\bfrom "audit"/.test(sql))
    // Rows, people, and where the count begins.
    expect(questions).toHaveLength(3)
    asked.mockRestore()
    const other = new DatabaseSync(another.world.databaseFile ?? '')
    const plans = questions.map((sql) => {
      const nulls = Array.from(sql.matchAll(/\?/g), () => null)
      const steps = other.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...nulls)
      return steps.map(({ detail }) => String(detail)).filter((detail) => detail.includes('audit'))
    })
    other.close()
    // Either the few rows about taking a site up again, or those of the last minutes.
    for (const step of plans.flat())
      expect(step).toMatch(/USING (COVERING )?INDEX (audit_resume|audit_issued \(site=\? AND outcome=\? AND at>\?\))/)
  } finally {
    asked.mockRestore()
    await another.close()
  }
})
