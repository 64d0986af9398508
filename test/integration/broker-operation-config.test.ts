import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type BrokerConfig, readBrokerConfig } from '../../src/broker/config.ts'
import { makeCertificates } from '../sandbox/certificates.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-test-'))
  for (const name of ['script.key', 'next.key', 'password']) {
    await writeFile(join(folder, name), `content-of-${name}\n`, { mode: 0o600 })
  }
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const site = { url: 'https://studio.example', scripts: [{ name: 'broker', keyFile: 'script.key' }] }
const whole = {
  issuer: 'https://broker.studio.example',
  listen: { behindTlsProxy: true, trustedProxies: ['127.0.0.1'] },
  identity: { clientId: 'app' },
  database: { file: 'broker.sqlite' },
  sites: [site],
}

async function read(config: object, insecureLoopback = false): Promise<BrokerConfig> {
  const file = join(folder, 'broker.json')
  await writeFile(file, JSON.stringify({ ...whole, ...config }))
  return readBrokerConfig(file, { insecureLoopback })
}

/** Every sentence that a configuration is refused with. */
async function problemsOf(config: object, insecureLoopback = false): Promise<readonly string[]> {
  const refused = await read(config, insecureLoopback).then(
    () => undefined,
    (error: { code: string; problems: readonly string[] }) => error,
  )
  expect(refused?.code).toBe('config_invalid')
  return refused?.problems ?? []
}

describe('a configuration', () => {
  test('of the least there can be is filled up with what is safe', async () => {
    const config = await read({})
    expect(config).toMatchObject({
      listen: { host: '127.0.0.1', port: 8443, trustedProxies: ['127.0.0.1'] },
      identity: { issuer: 'https://developer.api.autodesk.com' },
      database: { file: join(folder, 'broker.sqlite') },
      redis: undefined,
      metricsReaders: ['127.0.0.1', '::1'],
      sites: [{ issue: 'auto', gatewayUrl: whole.issuer, allowPrivileged: [] }],
    })
    expect(config.sites[0]?.scripts[0]?.key.reveal()).toBe('content-of-script.key')
    expect(JSON.stringify(config)).not.toContain('content-of')
  })

  test('takes both forms of database, and passwords from files', async () => {
    const { database, redis } = await read({
      database: { url: 'postgresql://broker@db.example/broker', passwordFile: 'password' },
      redis: { url: 'rediss://cache.example', passwordFile: 'password' },
    })
    expect('url' in database && database.password?.reveal()).toBe('content-of-password')
    expect(redis?.password?.reveal()).toBe('content-of-password')
  })

  test.each<[string, object, string]>([
    ['at the top', { colour: 'red' }, '"colour"'],
    ['in a section', { listen: { hots: '::1' } }, '"listen.hots"'],
    ['two levels down', { listen: { tls: { certFile: 'a', keyFile: 'b', ca: 'c' } } }, '"listen.tls.ca"'],
    ['in a list', { sites: [{ ...site, scriptName: 'x' }] }, '"sites.0.scriptName"'],
    [
      'in a list in a list',
      { sites: [{ ...site, scripts: [{ ...site.scripts[0], key: 'x' }] }] },
      '"sites.0.scripts.0.key"',
    ],
    ['in a limit', { limits: { people: { most: 1, minutes: 1, hours: 1 } } }, '"limits.people.hours"'],
    ['in a web app', { webApps: [{ origin: 'https://a.example', clientId: 'x', name: 'a' }] }, '"webApps.0.name"'],
  ])('with an unknown key %s is refused by its name', async (_where, config, culprit) => {
    expect(await problemsOf(config)).toEqual([`${culprit} is not a key sg-broker knows`])
  })

  test.each<[object, string]>([
    [{ issuer: 'broker.example' }, '"issuer": must be a whole URL'],
    [{ issuer: 'http://broker.example' }, '"issuer": must be an https URL'],
    [{ issuer: 'https://broker.example/path' }, '"issuer": must be an origin'],
    [{ listen: { port: '8443' } }, '"listen.port":'],
    [{ listen: { port: 65_536 } }, '"listen.port":'],
    [{ listen: { trustedProxies: ['proxy.example'] } }, '"listen.trustedProxies.0":'],
    [{ listen: { drainSeconds: -1 } }, '"listen.drainSeconds":'],
    [{ identity: {} }, '"identity.clientId":'],
    [{ database: {} }, '"database":'],
    [{ database: { url: 'mysql://db.example/x' } }, '"database.url":'],
    [{ database: { file: 'x', url: 'postgres://db.example/x' } }, '"database":'],
    [{ redis: { url: 'https://cache.example' } }, '"redis.url":'],
    [{ limits: { requestsPerAddress: { most: 0, seconds: 1 } } }, '"limits.requestsPerAddress.most":'],
    [{ metrics: { allow: ['everybody'] } }, '"metrics.allow.0":'],
    [{ sites: [] }, '"sites":'],
    [{ sites: [{ ...site, scripts: [] }] }, '"sites.0.scripts":'],
    [{ sites: [{ ...site, scripts: [1, 2, 3].map(() => site.scripts[0]) }] }, '"sites.0.scripts":'],
    [{ sites: [{ ...site, issue: 'token' }] }, '"sites.0.issue":'],
    [{ sites: [{ ...site, sessionLifetimeS: 1.5 }] }, '"sites.0.sessionLifetimeS":'],
    [{ audit: { syslog: { protocol: 'smoke' } } }, '"audit.syslog.protocol":'],
  ])('%j is refused by the name of its key', async (config, culprit) => {
    const problems = await problemsOf(config)
    expect(problems.join()).toContain(culprit)
  })

  test.each<[string, object, string]>([
    [
      'a password in the database’s URL',
      { database: { url: 'postgres://u:p@db.example/x' } },
      '"database.url": a password',
    ],
    ['a password in Redis’ URL', { redis: { url: 'redis://:p@cache.example' } }, '"redis.url": a password'],
    ['a site listed twice', { sites: [site, site] }, 'is listed twice'],
    [
      'two sites with a gateway at one address',
      {
        sites: [
          { ...site, issue: 'gateway' },
          { ...site, url: 'https://b.example', issue: 'auto' },
        ],
      },
      '"gatewayUrl" each',
    ],
    ['plain HTTP off loopback', { listen: { host: '0.0.0.0' } }, '"listen": give "tls"'],
    ['plain HTTP on every IPv6 address', { listen: { host: '::' } }, '"listen": give "tls"'],
    ['an https address, and nothing that speaks TLS', { listen: {} }, '"listen": "issuer" is https'],
    ['a proxy that nobody names', { listen: { host: '0.0.0.0', behindTlsProxy: true } }, '"listen.trustedProxies"'],
    [
      'a key file that is not there',
      { sites: [{ ...site, scripts: [{ name: 'a', keyFile: 'gone' }] }] },
      'gone: cannot be read',
    ],
    [
      'a certificate that is not there',
      { listen: { tls: { certFile: 'gone.pem', keyFile: 'script.key' } } },
      'gone.pem: cannot be read',
    ],
    [
      'a certificate that is none',
      { listen: { tls: { certFile: 'script.key', keyFile: 'script.key' } } },
      'holds no certificate in PEM',
    ],
  ])('with %s is refused', async (_what, config, culprit) => {
    const [problem, ...others] = await problemsOf(config)
    expect(problem).toContain(culprit)
    expect(others).toEqual([])
  })

  test('may have several gateways where each has its address, and plain HTTP on loopback or behind a named proxy', async () => {
    const second = { ...site, url: 'https://b.example', issue: 'gateway', gatewayUrl: 'https://b-gateway.example' }
    await read({ sites: [{ ...site, issue: 'gateway' }, second] })
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost'])
      await read({ issuer: 'http://127.0.0.1:1', listen: { host } }, true)
    await read({ listen: { host: '0.0.0.0', behindTlsProxy: true, trustedProxies: ['10.0.0.0/8', '2001:db8::1'] } })
    await read({ issuer: 'http://127.0.0.1:1' }, true)
  })

  test.each(['script.key', 'next.key', 'password', 'tls.key'])(
    'is refused when every user may read %s',
    async (name) => {
      const { cert, key } = await makeCertificates()
      await writeFile(join(folder, 'tls.pem'), cert)
      await writeFile(join(folder, 'tls.key'), key, { mode: 0o600 })
      const config = {
        listen: { tls: { certFile: 'tls.pem', keyFile: 'tls.key' } },
        database: { url: 'postgres://u@db.example/x', passwordFile: 'password' },
        sites: [{ ...site, scripts: [site.scripts[0], { name: 'next', keyFile: 'next.key' }] }],
      }
      await read(config)
      await chmod(join(folder, name), 0o604)
      expect(await problemsOf(config)).toEqual([
        `${join(folder, name)}: holds a secret and must not be open to every user (chmod o= it)`,
      ])
      await chmod(join(folder, name), 0o640)
      await read(config)
    },
  )

  test('tells everything that is wrong at once', async () => {
    const problems = await problemsOf({
      listen: { host: '0.0.0.0' },
      database: { url: 'postgres://u:p@db.example/x', passwordFile: 'gone' },
      sites: [{ ...site, scripts: [{ name: 'a', keyFile: 'gone.key' }] }, site],
    })
    expect(problems).toHaveLength(5)
    expect((await readdir(folder)).sort()).toEqual(['broker.json', 'next.key', 'password', 'script.key'])
  })
})
