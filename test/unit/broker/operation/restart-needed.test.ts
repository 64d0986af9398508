import { expect, test } from 'vitest'
import type { BrokerConfig } from '../../../../src/broker/config.ts'
import { keepWhatNeedsRestart } from '../../../../src/broker/operation/restart-needed.ts'
import { Secret } from '../../../../src/secrets/secret.ts'

const often = { most: 1, seconds: 1 }
const running: BrokerConfig = {
  issuer: 'https://broker.studio.example',
  listen: { host: '::', port: 1, trustedProxies: [], drainSeconds: 1, tls: { cert: 'old', key: 'old' } },
  identity: { issuer: 'https://autodesk.example', clientId: 'app' },
  webApps: [],
  database: { url: 'postgres://db.example/a', password: new Secret('one') },
  redis: undefined,
  extraCa: undefined,
  limits: {
    requestsPerAddress: often,
    exchangesPerPerson: often,
    callsPerSession: often,
    people: { most: 1, minutes: 1 },
  },
  syslog: undefined,
  metricsReaders: [],
  sites: [],
}
const { tls: _, ...withoutTls } = running.listen

test.each<[string, Partial<BrokerConfig>, string[]]>([
  ['nothing', {}, []],
  ['the same password, read again', { database: { url: 'postgres://db.example/a', password: new Secret('one') } }, []],
  ['another password', { database: { url: 'postgres://db.example/a', password: new Secret('two') } }, ['database']],
  ['no password any more', { database: { url: 'postgres://db.example/a' } }, ['database']],
  ['a file instead', { database: { file: '/a' } }, ['database']],
  ['a Redis', { redis: { url: 'redis://cache.example' } }, ['redis']],
  ['authorities', { extraCa: '/ca.pem' }, ['network.extraCa']],
  ['no TLS any more', { listen: withoutTls }, ['listen.tls']],
  ['host and port', { listen: { ...running.listen, host: '::1', port: 2 } }, ['listen.host', 'listen.port']],
])('%s: a restart is needed for exactly that, and the old value stays', (_what, change, expected) => {
  const { config, needRestart } = keepWhatNeedsRestart(running, { ...running, ...change })
  expect(needRestart).toEqual(expected)
  expect(config).toEqual(running)
})

test('what can be exchanged is: certificate, proxies, policy', () => {
  const listen = { ...running.listen, trustedProxies: ['10.0.0.1'], drainSeconds: 9, tls: { cert: 'new', key: 'new' } }
  const wanted = { ...running, listen, issuer: 'https://new.studio.example', metricsReaders: ['10.0.0.2'] }
  expect(keepWhatNeedsRestart(running, wanted)).toEqual({ config: wanted, needRestart: [] })
})

test('a socket that began without TLS stays without', () => {
  const plain = { ...running, listen: withoutTls }
  const { config, needRestart } = keepWhatNeedsRestart(plain, running)
  expect(needRestart).toEqual(['listen.tls'])
  expect(config.listen.tls).toBeUndefined()
})
