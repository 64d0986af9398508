import { existsSync } from 'node:fs'
import { Client } from 'pg'
import { expect, inject, test } from 'vitest'
import { databaseForTest } from './broker-database.ts'

test('every test has an empty database of its own, of the kind its project is about', async () => {
  const [one, other] = [await databaseForTest('/nowhere/one'), await databaseForTest('/nowhere/other')]
  expect(one).not.toEqual(other)
  expect(Object.keys(one)).toEqual([inject('database') === 'postgres' ? 'url' : 'file'])
  if ('file' in one) return expect(existsSync(one.file)).toBe(false)
  const client = new Client({ connectionString: one.url })
  await client.connect()
  const { rows } = await client.query(`SELECT version(), (SELECT count(*)::int FROM pg_stat_user_tables) AS tables`)
  await client.end()
  expect(rows).toEqual([{ version: expect.stringMatching(/^PostgreSQL /), tables: 0 }])
})
