import { connect as connectTcp, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls, type SecureVersion } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BrokerConfig } from '../../src/broker/config.ts'
import { openDatabase } from '../../src/broker/database/database.ts'
import type { Database } from '../../src/broker/database/tables.ts'
import { type ListenerLimits, listenerLimits } from '../../src/broker/operation/listener.ts'
import { RunningBroker } from '../../src/broker/operation/running-broker.ts'
import type { Log } from '../../src/ports.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { makeCertificates } from '../sandbox/certificates.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { ExchangeStage } from './exchange-stage.ts'
import { nodeFetch, rules } from './world.ts'

let stage: ExchangeStage
const toClose: (() => Promise<void>)[] = []
const lines: Record<string, unknown>[] = []
const note = (line: unknown) => void lines.push(line as Record<string, unknown>)
const log = { debug: note, info: note, warn: note, error: note } as unknown as Log

beforeAll(async () => {
  stage = await ExchangeStage.open()
})
afterAll(async () => {
  for (const close of toClose) await close()
  await stage.close()
})

/** One more broker for the stage's site, on a port of its own. */
async function startAnother(
  change: { listen?: Partial<BrokerConfig['listen']>; metricsReaders?: readonly string[] } = {},
  limits: Partial<ListenerLimits> = {},
): Promise<{ url: string; database: Database }> {
  const { config } = stage.world.broker
  const [port = 0] = await freePorts(1)
  const issuer = `http://127.0.0.1:${port}`
  const database = await openDatabase({ file: join(stage.world.folder, `another-${toClose.length}.sqlite`) })
  const broker = await RunningBroker.start(
    { ...config, ...change, issuer, listen: { ...config.listen, port, ...change.listen } },
    {
      database,
      ports: { fetch: nodeFetch, clock: systemClock, log },
      rules,
      listenerLimits: { ...listenerLimits, ...limits },
    },
  )
  toClose.push(async () => {
    await broker.stop(0)
    await database.destroy().catch(() => undefined)
  })
  return { url: broker.address, database }
}

/** Everything a connection is sent until it ends. */
function converse(url: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    let said = ''
    const socket = connectTcp(Number(new URL(url).port), '127.0.0.1', () => socket.write(text))
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk
    })
    socket.on('error', () => undefined).on('close', () => resolve(said))
  })
}

describe('slow and silent clients', () => {
  const small = { headersMs: 700, connections: 100 }

  test('two hundred of them, on a broker with room for a hundred, hold no honest request up', async () => {
    const { url } = await startAnother({}, small)
    const slow = await Promise.all(
      Array.from({ length: 200 }, () => {
        const socket = connectTcp(Number(new URL(url).port), '127.0.0.1')
        socket.on('error', () => undefined)
        return new Promise<Socket>((resolve) => socket.once('connect', () => resolve(socket)))
      }),
    )
    for (const socket of slow) socket.write('POST /token HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
    const drip = setInterval(() => {
      for (const socket of slow) socket.write('a')
    }, 50)
    for (let turn = 0; turn < 20; turn += 1) {
      const from = performance.now()
      expect((await fetch(`${url}/challenge`, { method: 'POST' })).status).toBe(200)
      expect(performance.now() - from).toBeLessThan(8_000)
    }
    await expect.poll(() => slow.every(({ closed }) => closed), { timeout: 10_000 }).toBe(true)
    clearInterval(drip)
  })

  test('headers that take too long are 408, headers too large 431, and a body that does not come ends the line', async () => {
    const { url } = await startAnother({}, small)
    expect(await converse(url, 'GET /health/live HTTP/1.1\r\nHost: x\r\n')).toContain('408 Request Timeout')
    const large = `GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`
    expect(await converse(url, large)).toContain('431')
    const from = performance.now()
    const start = 'POST /challenge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n'
    expect(await converse(url, `${start}Content-Length: 100\r\n\r\na=`)).toBe('')
    expect(performance.now() - from).toBeLessThan(15_000)
  })
})

describe('TLS of our own', () => {
  test('is 1.2 or newer, and the answers tell browsers to keep to it', async () => {
    const { ca, cert, key } = await makeCertificates()
    const { url } = await startAnother({ listen: { tls: { cert, key } } })
    expect(url).toMatch(/^https:/)
    const port = Number(new URL(url).port)
    const shake = (maxVersion: SecureVersion) =>
      new Promise<string>((resolve) => {
        const versions = { minVersion: 'TLSv1' as const, maxVersion }
        const socket = connectTls(
          { host: '127.0.0.1', port, servername: 'localhost', ca, ...versions, ciphers: 'DEFAULT:@SECLEVEL=0' },
          () => {
            resolve(socket.getProtocol() ?? '')
            socket.destroy()
          },
        )
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
      })
    expect(await shake('TLSv1.1')).toMatch(/ALERT_PROTOCOL_VERSION/)
    expect(await shake('TLSv1.2')).toBe('TLSv1.2')
    expect(await shake('TLSv1.3')).toBe('TLSv1.3')
    const answer = await new Promise<string>((resolve) => {
      let said = ''
      const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ca }, () =>
        socket.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
      )
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk
      })
      socket.on('close', () => resolve(said))
    })
    expect(answer).toMatch(/^HTTP\/1\.1 200/)
    expect(answer).toMatch(/strict-transport-security: max-age=31536000/i)
  })
})

describe('every answer', () => {
  test('has headers that keep a browser from making anything of it, refused or not', async () => {
    const { url } = await startAnother()
    for (const path of ['/health/live', '/openapi.json', '/nothing', '/.well-known/oauth-authorization-server']) {
      const { headers } = await fetch(url + path)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'; sandbox")
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      // Over plain HTTP it would mean nothing; behind a proxy the proxy says it.
      expect(headers.get('strict-transport-security')).toBeNull()
    }
  })

  test('has an id of ours, never the client’s, and every log line of the request has it too', async () => {
    const { url } = await startAnother()
    lines.length = 0
    const headers = { 'x-request-id': 'chosen-by-the-client', 'content-type': 'application/x-www-form-urlencoded' }
    const answers = await Promise.all([
      fetch(`${url}/token`, { method: 'POST', body: 'grant_type=x', headers }),
      fetch(`${url}/nothing?secret=in-the-address`, { headers }),
      fetch(`${url}/challenge`, { method: 'POST', headers }),
    ])
    const ids = answers.map((answer) => answer.headers.get('x-request-id') ?? '')
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/)
    expect(new Set(ids).size).toBe(3)
    await expect.poll(() => lines.filter(({ status }) => status !== undefined).length).toBe(3)
    expect(new Set(lines.map(({ requestId }) => requestId))).toEqual(new Set(ids))
    expect(lines.length).toBeGreaterThan(3)
    expect(JSON.stringify(lines)).not.toMatch(/chosen-by-the-client|in-the-address/)
  })

  test.each([
    ['rebound.example', 400],
    ['rebound.example:8443', 400],
    ['127.0.0.1.rebound.example', 400],
    ['bad host', 400],
    ['', 400],
    ['localhost', 200],
    ['127.0.0.1:8443', 200],
    ['[::1]:8443', 200],
    ['10.1.2.3', 200],
  ])('to a request for the host "%s" is %i', async (host, status) => {
    const { url } = await startAnother()
    const said = await converse(url, `GET /health/live HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    expect(said).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })
})

describe('/health/ready', () => {
  test('says that the database does not answer', async () => {
    const { url, database } = await startAnother()
    expect((await fetch(`${url}/health/ready`)).status).toBe(200)
    await database.destroy()
    const answer = await fetch(`${url}/health/ready`)
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { status: 'failing', problems: ['the database does not answer'] },
    ])
    expect((await fetch(`${url}/health/live`)).status).toBe(200)
  })
})

describe('/metrics', () => {
  const exchangeOnce = async (url: string, person: string) => {
    const elsewhere = await ExchangeStage.at(stage, url)
    await elsewhere.exchange(await elsewhere.prepare(person)).catch(() => undefined)
  }

  test('counts what happens, in the units their names say', async () => {
    const { url, database } = await startAnother({ metricsReaders: ['127.0.0.1'] })
    const site = stage.world.site.url
    await exchangeOnce(url, 'artist')
    await exchangeOnce(url, 'admin')
    await fetch(`${url}/token`, { method: 'POST', body: new URLSearchParams({ audience: 'https://made.up.example' }) })
    await database
      .insertInto('stop')
      .values({ scope: site, reason: 'drill', stopped_by: 'operator', stopped_at: 1 })
      .execute()
    const answer = await fetch(`${url}/metrics`)
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const text = await answer.text()
    for (const line of [
      `sg_broker_exchanges_total{site="${site}",outcome="issued"} 1`,
      `sg_broker_exchanges_total{site="${site}",outcome="privileged_account"} 1`,
      'sg_broker_exchanges_total{site="other",outcome="invalid_request"} 1',
      `sg_broker_exchange_seconds_count{site="${site}"} 2`,
      `sg_broker_site_call_failures_total{site="${site}"} 0`,
      'sg_broker_audit_rows 2',
      `sg_broker_stopped{scope="${site}"} 1`,
      'sg_broker_database_up 1',
    ]) {
      expect(text).toContain(line)
    }
    expect(text).toMatch(/sg_broker_site_call_seconds_count\{site="[^"]+"\} [1-9]/)
    expect(text).toMatch(/sg_broker_identity_call_seconds_count [1-9]/)
    // A stranger's word does not become a label.
    expect(text).not.toContain('made.up')
    await database.deleteFrom('stop').execute()
    expect(await (await fetch(`${url}/metrics`)).text()).not.toContain('sg_broker_stopped{')
  })

  test('counts the failures of a site and of Autodesk', async () => {
    const { url } = await startAnother({ metricsReaders: ['127.0.0.1'] })
    stage.world.site.faults.inject({ path: '/api3/json', does: { kind: 'status', status: 502 } })
    await exchangeOnce(url, 'artist')
    stage.clearFaults()
    stage.world.identity.faults.inject({ path: '/authentication/v2/keys', does: { kind: 'reset' } })
    const { url: fresh } = await startAnother({ metricsReaders: ['127.0.0.1'] })
    await exchangeOnce(fresh, 'artist')
    stage.clearFaults()
    const site = stage.world.site.url
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
      new RegExp(`sg_broker_site_call_failures_total\\{site="${site}"\\} [1-9]`),
    )
    expect(await (await fetch(`${fresh}/metrics`)).text()).toMatch(/sg_broker_identity_call_failures_total [1-9]/)
  })

  test('still answers, and says so, when the database does not', async () => {
    const { url, database } = await startAnother({ metricsReaders: ['127.0.0.0/8'] })
    await database.destroy()
    const answer = await fetch(`${url}/metrics`)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain('sg_broker_database_up 0')
  })

  test.each<[string, readonly string[], number]>([
    ['nobody', [], 404],
    ['another address', ['192.0.2.1'], 404],
    ['another network', ['10.0.0.0/8', '2001:db8::/32'], 404],
    ['this address', ['127.0.0.1'], 200],
    ['this network', ['127.0.0.0/8'], 200],
  ])('with %s allowed', async (_who, metricsReaders, status) => {
    const { url } = await startAnother({ metricsReaders })
    const answer = await fetch(`${url}/metrics`, { headers: { 'x-forwarded-for': '192.0.2.1' } })
    expect(answer.status).toBe(status)
  })

  test('are not for whoever comes through the trusted proxy', async () => {
    const { url } = await startAnother({ metricsReaders: ['127.0.0.1'], listen: { trustedProxies: ['127.0.0.1'] } })
    expect((await fetch(`${url}/metrics`)).status).toBe(200)
    expect((await fetch(`${url}/metrics`, { headers: { 'x-forwarded-for': '198.51.100.4' } })).status).toBe(404)
    expect((await fetch(`${url}/metrics`, { headers: { 'x-forwarded-for': '127.0.0.1, 198.51.100.4' } })).status).toBe(
      404,
    )
  })
})

test('a client that leaves does not keep the broker from closing', async () => {
  const { url } = await startAnother()
  const socket = connectTcp(Number(new URL(url).port), '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write('POST /challenge HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n')
  socket.resetAndDestroy()
  await pause(50)
  const from = performance.now()
  await toClose.pop()?.()
  expect(performance.now() - from).toBeLessThan(5_000)
})
