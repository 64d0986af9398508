import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PostgresServer, type PostgresStop, postgresMissing, startPostgres } from '../sandbox/postgres.ts'
import { startProcess, untilSaid } from '../sandbox/processes.ts'
import { type RedisServer, redisMissing, startRedis } from '../sandbox/redis.ts'

describe('PostgreSQL', () => {
  let server: PostgresServer | undefined
  beforeAll(async () => {
    server = postgresMissing ? undefined : await startPostgres()
  })
  afterAll(() => server?.close())

  function running(context: { skip(note: string): never }): PostgresServer {
    return server ?? context.skip(postgresMissing ?? 'it did not start')
  }

  test('a new database is empty and belongs to a user that is no superuser', async (context) => {
    const url = await running(context).createDatabase()
    expect(url).toMatch(/^postgresql:\/\/broker@127\.0\.0\.1:\d+\/broker_[0-9a-f]{12}$/)
    const [user] = await rowsOf(url, 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user')
    expect(user).toEqual({ rolsuper: false })
    expect(await rowsOf(url, `SELECT * FROM pg_tables WHERE schemaname = 'public'`)).toEqual([])
    await rowsOf(url, 'CREATE TABLE mine (id int)')
  })

  test('databases do not see each other', async (context) => {
    const [one, other] = [await running(context).createDatabase(), await running(context).createDatabase()]
    await rowsOf(one, 'CREATE TABLE mine (id int)')
    await expect(rowsOf(other, 'SELECT * FROM mine')).rejects.toThrow('relation "mine" does not exist')
  })

  test('a dropped database is gone, whoever is connected', async (context) => {
    const url = await running(context).createDatabase()
    const client = await connected(url)
    const cutOff = new Promise<void>((resolve) => client.once('end', resolve))
    await running(context).dropDatabase(url)
    await cutOff
    await expect(connected(url)).rejects.toThrow('does not exist')
  })

  test('what counts for a crash is set as in production', async (context) => {
    const url = await running(context).createDatabase()
    for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes'])
      expect(await rowsOf(url, `SHOW ${setting}`)).toEqual([{ [setting]: 'on' }])
  })

  for (const how of ['fast', 'immediate', 'killed'] satisfies PostgresStop[]) {
    test(`stopped ${how} and started again, it has what was committed and nothing else`, async (context) => {
      const url = await running(context).createDatabase()
      await rowsOf(url, 'CREATE TABLE kept (id int)')
      await rowsOf(url, 'INSERT INTO kept VALUES (1)')
      const open = await connected(url)
      const cutOff = new Promise<void>((resolve) => open.once('end', resolve))
      await open.query('BEGIN')
      await open.query('INSERT INTO kept VALUES (2)')
      await running(context).stop(how)
      await cutOff
      await expect(connected(url)).rejects.toThrow('ECONNREFUSED')
      await running(context).start()
      expect(await rowsOf(url, 'SELECT id FROM kept')).toEqual([{ id: 1 }])
    })
  }

  test('a server that cannot start says why', async (context) => {
    const { port, stop, start } = running(context)
    await stop()
    const thief = createServer().listen(port, '127.0.0.1')
    await once(thief, 'listening')
    await expect(start()).rejects.toThrow(/^PostgreSQL did not start: .*could not bind IPv4 address/s)
    await new Promise((resolve) => thief.close(resolve))
    await start()
  })
})

describe('Redis', () => {
  let server: RedisServer | undefined
  beforeAll(async () => {
    server = redisMissing ? undefined : await startRedis()
  })
  afterAll(() => server?.close())

  test('what is flushed is gone', async (context) => {
    const { url, flush } = server ?? context.skip(redisMissing ?? 'it did not start')
    const client = new Redis(url)
    await client.set('seen', 'once')
    expect(await client.get('seen')).toBe('once')
    await flush()
    expect(await client.get('seen')).toBe(null)
    client.disconnect()
  })

  test('stopped and started again, it is where it was, and empty', async (context) => {
    const { url, stop, start } = server ?? context.skip(redisMissing ?? 'it did not start')
    const client = new Redis(url, { retryStrategy: () => 20 })
    const refused = new Promise<Error>((resolve) => client.on('error', resolve))
    await client.set('seen', 'once')
    await stop()
    expect(await refused).toMatchObject({ code: 'ECONNREFUSED' })
    await start()
    expect(await client.get('seen')).toBe(null)
    client.disconnect()
  })
})

test('when whoever started them is killed, the servers end and their folders go', async (context) => {
  const missing = postgresMissing ?? redisMissing
  if (missing) return context.skip(missing)
  const folder = await mkdtemp(join(tmpdir(), 'sg-session-killed-'))
  await chmod(folder, 0o755)
  const script = `
    const { startPostgres } = await import('./test/sandbox/postgres.ts')
    const { startRedis } = await import('./test/sandbox/redis.ts')
    const servers = await Promise.all([startPostgres(), startRedis()])
    process.stdout.write('ports ' + servers.map(({ port }) => port).join(' ') + '\\n')`
  const env = { PATH: process.env['PATH'] ?? '', TMPDIR: folder }
  const starter = startProcess(process.execPath, ['--input-type=module-typescript', '-e', script], env)
  await untilSaid(starter, '\n', 30_000)
  const ports = starter.stdout().trim().split(' ').slice(1).map(Number)
  expect(ports).toHaveLength(2)
  expect(await readdir(folder)).toHaveLength(2)
  await starter.stop('SIGKILL')
  await expect.poll(() => readdir(folder), { timeout: 20_000 }).toEqual([])
  for (const port of ports) await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED')
  await rm(folder, { recursive: true })
})

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  // It also has an end, which is what these tests wait for.
  client.on('error', () => undefined)
  await client.connect()
  return client
}

async function rowsOf(url: string, statement: string): Promise<unknown[]> {
  const client = await connected(url)
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}
