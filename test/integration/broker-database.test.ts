import { existsSync } from 'node:fs'
import { Client } from 'pg'
import { describe, expect, inject, test } from 'vitest'
import { openDatabase } from '../../src/broker/database/database.ts'
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

describe('a PostgreSQL that could not be relied on is refused', () => {
  const refusalOf = (url: string): Promise<unknown> =>
    openDatabase({ url }).then(
      (database) => database.destroy(),
      ({ code, message }: { code?: string; message: string }) => [code, message],
    )

  test.each([['sslmode=disable'], ['sslmode=no-verify'], ['uselibpqcompat=true&sslmode=require'], ['ssl=false']])(
    'with "%s", off this machine',
    async (parameters) => {
      const refused = ['config_invalid', expect.stringContaining('TLS is spoken and checked')]
      expect(await refusalOf(`postgresql://broker@db.studio.invalid/broker?${parameters}`)).toEqual(refused)
      // Whatever stands in the place of the host.
      expect(await refusalOf(`postgresql:///broker?host=db.studio.invalid&${parameters}`)).toEqual(refused)
    },
  )

  test('that does not wait for its disk', async ({ skip }) => {
    const location = await databaseForTest('/nowhere/durable')
    if ('file' in location) return skip('it is about PostgreSQL')
    const client = new Client({ connectionString: location.url })
    await client.connect()
    const name = new URL(location.url).pathname.slice(1)
    await client.query(`ALTER DATABASE ${name} SET synchronous_commit = off`)
    expect(await refusalOf(location.url)).toEqual(['config_invalid', expect.stringContaining('synchronous_commit')])
    await client.query(`ALTER DATABASE ${name} RESET synchronous_commit`)
    await client.end()
    expect(await refusalOf(location.url)).toBeUndefined()
  })
})
