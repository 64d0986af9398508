import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, type PeerCertificate } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeCertificates } from '../sandbox/certificates.ts'
import { BrokerProcess } from './broker-process.ts'
import { prepareSignIn, sendExchange } from './exchange-stage.ts'
import { codeOf } from './world.ts'

let broker: BrokerProcess
beforeEach(async () => {
  broker = await BrokerProcess.prepare()
})
afterEach(() => broker.close())

const control = (path: string, change: object) =>
  fetch(`${broker.site.url}/sandbox${path}`, { method: 'PATCH', body: JSON.stringify(change) })

describe('SIGHUP', () => {
  test('takes over another policy for the next request', async () => {
    await broker.writeConfig()
    await broker.start()
    expect(await codeOf(broker.exchange())).toBe('ok')
    await broker.writeConfig({}, { permissionGroups: ['manager'] })
    expect(await codeOf(broker.exchange())).toBe('ok')
    await broker.reload()
    expect(await codeOf(broker.exchange())).toBe('privileged_account')
  })

  test.each<[string, () => Promise<void>, string]>([
    ['no JSON', () => writeFile(broker.configFile, '{'), 'is not JSON'],
    ['an unknown key', () => broker.writeConfig({ colour: 'red' }), '"colour" is not a key sg-broker knows'],
    [
      'a key file that is not there',
      () => broker.writeConfig({}, { scripts: [{ name: 'identity-broker', keyFile: 'gone.key' }] }),
      'gone.key: cannot be read',
    ],
  ])('with %s changes nothing and says what is wrong', async (_what, spoil, said) => {
    await broker.writeConfig()
    await broker.start()
    await spoil()
    await broker.reload('going on with the old one')
    expect(JSON.stringify(broker.logLines().at(-1))).toContain(said.replaceAll('"', String.raw`\"`))
    expect(await codeOf(broker.exchange())).toBe('ok')
    await broker.writeConfig({}, { permissionGroups: ['manager'] })
    await broker.reload()
    expect(await codeOf(broker.exchange())).toBe('privileged_account')
  })

  test('lets an exchange end under the configuration it began with', async () => {
    await broker.writeConfig()
    await broker.start()
    const stand = await broker.stand()
    const prepared = await prepareSignIn(stand, 'artist')
    broker.site.faults.inject({ path: '/api3/json', does: { kind: 'delay', ms: 1_500 }, times: 1 })
    const underWay = sendExchange(stand, prepared)
    await expect.poll(() => broker.site.web.requests.some(({ path }) => path === '/api3/json')).toBe(true)
    await broker.writeConfig({}, { permissionGroups: ['manager'] })
    await broker.reload()
    expect(await codeOf(broker.exchange())).toBe('privileged_account')
    expect(await codeOf(underWay)).toBe('ok')
  })

  test('names the keys that need a restart, and goes on with their old values', async () => {
    await broker.writeConfig()
    await broker.start()
    await broker.writeConfig({
      listen: { port: broker.port + 1, host: '127.0.0.2' },
      database: { file: 'another.sqlite' },
      redis: { url: 'redis://127.0.0.1:1' },
    })
    await broker.reload('need a restart')
    expect(broker.logLines().at(-1)).toMatchObject({
      level: 'warn',
      keys: ['listen.host', 'listen.port', 'database', 'redis'],
    })
    expect(await codeOf(broker.exchange())).toBe('ok')
  })

  test('counts on where it was: limits and metrics outlive it', async () => {
    const limits = { requestsPerAddress: { most: 3, seconds: 3600 } }
    await broker.writeConfig({ limits })
    await broker.start()
    const ask = async () => (await fetch(`${broker.url}/challenge`, { method: 'POST' })).status
    expect([await ask(), await ask()]).toEqual([200, 200])
    await broker.reload()
    expect([await ask(), await ask()]).toEqual([200, 429])
    const metrics = await (await fetch(`${broker.url}/metrics`)).text()
    expect(metrics).toContain('sg_broker_reloads_total{outcome="done"} 1')
    expect(metrics).toContain('sg_broker_rate_limited_total{limit="requestsPerAddress"} 1')
  })

  test('ten at once end in one configuration, the last', async () => {
    await broker.writeConfig()
    await broker.start()
    await broker.writeConfig({}, { permissionGroups: ['manager'] })
    for (let turn = 0; turn < 10; turn += 1) broker.signal('SIGHUP')
    await broker.reload()
    expect(await codeOf(broker.exchange())).toBe('privileged_account')
  })

  test('gives new connections the new certificate, and keeps the old one when the new is not good', async () => {
    const [first, second] = [await makeCertificates(), await makeCertificates()]
    const write = async ({ cert, key }: { cert: string; key: string }) => {
      await writeFile(join(broker.folder, 'tls.pem'), cert)
      await writeFile(join(broker.folder, 'tls.key'), key, { mode: 0o600 })
    }
    await write(first)
    await broker.writeConfig({
      issuer: `https://localhost:${broker.port}`,
      listen: { port: broker.port, tls: { certFile: 'tls.pem', keyFile: 'tls.key' } },
    })
    await broker.start()
    const before = await certificateOf(broker.port, first.ca)
    await write({ cert: second.cert, key: first.key })
    await broker.reload('going on with the old one')
    expect(JSON.stringify(broker.logLines().at(-1))).toContain('is not the key of')
    expect(await certificateOf(broker.port, first.ca)).toBe(before)
    await write(second)
    await broker.reload()
    expect(await certificateOf(broker.port, second.ca)).not.toBe(before)
  })
})

describe('the key of a script', () => {
  test('is changed at the site under 20 exchanges a second, and none is refused', async () => {
    await control('/scripts/nightly-report', { maySudo: true })
    await broker.writeSecret('next.key', 'script-key-without-sudo')
    const one = [{ name: 'identity-broker', keyFile: 'script.key' }]
    const both = [...one, { name: 'nightly-report', keyFile: 'next.key' }]
    await broker.writeConfig({}, { scripts: one })
    await broker.start()
    const stand = await broker.stand()
    const exchanges: Promise<string>[] = []
    const load = setInterval(() => {
      exchanges.push(codeOf(prepareSignIn(stand, 'artist').then((prepared) => sendExchange(stand, prepared))))
    }, 50)
    const settled = async (more: number) => {
      const wanted = exchanges.length + more
      await expect.poll(() => exchanges.length, { timeout: 20_000 }).toBeGreaterThan(wanted)
    }
    try {
      await settled(20)
      await broker.writeConfig({}, { scripts: both })
      await broker.reload()
      await settled(10)
      await control('/scripts/identity-broker', { key: 'the-key-after' })
      await settled(30)
      await broker.writeSecret('script.key', 'the-key-after')
      await broker.writeConfig({}, { scripts: one })
      await broker.reload()
      await settled(20)
    } finally {
      clearInterval(load)
    }
    const outcomes = await Promise.all(exchanges)
    expect(outcomes.length).toBeGreaterThan(80)
    expect(outcomes.filter((outcome) => outcome !== 'ok')).toEqual([])
  })
})

/** Fingerprint of what the server shows. */
function certificateOf(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca }, () => {
      const { fingerprint256 }: PeerCertificate = socket.getPeerCertificate()
      socket.destroy()
      resolve(fingerprint256)
    })
    socket.once('error', reject)
  })
}
