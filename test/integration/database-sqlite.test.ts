import { stat } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
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
