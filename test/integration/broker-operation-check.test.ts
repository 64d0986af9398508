import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeCertificates } from '../sandbox/certificates.ts'
import { redisMissing, startRedis } from '../sandbox/redis.ts'
import { BrokerProcess } from './broker-process.ts'

let broker: BrokerProcess
beforeEach(async () => {
  broker = await BrokerProcess.prepare()
})
afterEach(() => broker.close())

describe('sg-broker check', () => {
  test('ticks what works, and leaves no trace', async () => {
    await broker.writeConfig()
    const before = await readdir(broker.folder)
    const { status, stdout } = await broker.run('check')
    expect(stdout.split('\n')).toEqual([
      `✓ configuration  ${broker.configFile}`,
      `✓ database       ${join(broker.folder, 'broker.sqlite')} will be made`,
      `✓ identity       "${broker.identity.issuer}" describes itself`,
      `✓ site           "${broker.site.url}" takes the script "identity-broker" and lets it read people`,
      '',
    ])
    expect(status).toBe(0)
    expect(await readdir(broker.folder)).toEqual(before)
  })

  test('looks at the database of a broker that runs', async () => {
    await broker.writeConfig()
    await broker.start()
    await broker.exchange()
    const { status, stdout } = await broker.run('check')
    expect(stdout).toContain('broker.sqlite, 1 audit rows')
    expect(status).toBe(0)
  })

  test('lists every problem of the file', async () => {
    await broker.writeConfig({ colour: 'red', listen: { port: 'x' } })
    const { status, stdout } = await broker.run('check')
    expect(stdout).toContain('✗ configuration  "colour" is not a key sg-broker knows')
    expect(stdout).toContain('✗ configuration  "listen.port":')
    expect(status).toBe(71)
  })

  test('tells which script the site refuses, and never its key', async () => {
    await broker.writeSecret('wrong.key', 'a-key-of-another-script')
    const scripts = [
      { name: 'identity-broker', keyFile: 'script.key' },
      { name: 'nightly-report', keyFile: 'wrong.key' },
    ]
    await broker.writeConfig({}, { scripts })
    const { status, stdout, stderr } = await broker.run('check')
    expect(stdout).toContain('✓ site           "http://127.0.0.1')
    expect(stdout).toMatch(/✗ site +"[^"]+" refuses the script "nightly-report": Can't authenticate script/)
    expect(status).toBe(73)
    expect(stdout + stderr).not.toMatch(/a-key-of-another-script|script-key-with-sudo/)
  })

  test('tells a database, a Redis, a site and an Autodesk that do not answer', async () => {
    await broker.writeConfig({
      database: { url: 'postgres://broker@127.0.0.1:1/broker' },
      redis: { url: 'redis://127.0.0.1:1' },
      identity: { issuer: 'http://127.0.0.1:1', clientId: 'x' },
    })
    broker.site.faults.inject({ path: '/api3/json', does: { kind: 'status', status: 503 } })
    const { status, stdout } = await broker.run('check')
    for (const name of ['database', 'redis', 'identity', 'site']) expect(stdout).toMatch(new RegExp(`✗ ${name} `))
    expect(status).not.toBe(0)
  })

  test('tells a folder that is not there, and a file that is no database', async () => {
    await broker.writeConfig({ database: { file: 'gone/broker.sqlite' } })
    expect((await broker.run('check')).stdout).toMatch(/✗ database +"database.file": \S+gone is no folder/)
    await writeFile(join(broker.folder, 'text.sqlite'), 'text')
    await broker.writeConfig({ database: { file: 'text.sqlite' } })
    expect((await broker.run('check')).stdout).toMatch(/✗ database +"database.file": \S+text.sqlite: /)
  })

  test('says how long the certificate lasts, and finds a Redis', async (context) => {
    if (redisMissing) return context.skip(redisMissing)
    const { cert, key } = await makeCertificates()
    await writeFile(join(broker.folder, 'tls.pem'), cert)
    await writeFile(join(broker.folder, 'tls.key'), key, { mode: 0o600 })
    const redis = await startRedis()
    const administrator = new Redis(redis.url)
    await administrator.config('SET', 'requirepass', 'redis-password')
    administrator.disconnect()
    const tls = { certFile: 'tls.pem', keyFile: 'tls.key' }
    const check = async (secret: string) => {
      await broker.writeSecret('redis.password', secret)
      await broker.writeConfig({ listen: { tls }, redis: { url: redis.url, passwordFile: 'redis.password' } })
      return broker.run('check')
    }
    const { status, stdout } = await check('redis-password')
    const refused = await check('another')
    await redis.close()
    expect(refused.stdout).toMatch(/✗ redis +"redis.url": WRONGPASS/)
    expect(stdout).toMatch(/✓ certificate +valid for another (29|30) days/)
    expect(stdout).toMatch(/✓ redis +answers/)
    expect(status).toBe(0)
  })
})
