import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RedisServer, redisMissing, startRedis } from '../sandbox/redis.ts'
import { BrokerProcess } from './broker-process.ts'
import { codeOf } from './world.ts'

let broker: BrokerProcess
beforeEach(async () => {
  broker = await BrokerProcess.prepare()
})
afterEach(() => broker.close())

const often = { most: 100_000, seconds: 60 }
const ask = async (headers: Record<string, string> = {}, url = broker.url) =>
  (await fetch(`${url}/challenge`, { method: 'POST', headers })).status
const times = (count: number, one: () => Promise<number>) =>
  Array.from({ length: count }).reduce<Promise<number[]>>(
    async (all) => [...(await all), await one()],
    Promise.resolve([]),
  )

describe('requests of an address', () => {
  const limits = { requestsPerAddress: { most: 3, seconds: 600 } }

  test('beyond the limit are 429 and say when to come back', async () => {
    await broker.writeConfig({ limits })
    await broker.start()
    expect(await times(5, ask)).toEqual([200, 200, 200, 429, 429])
    const refused = await fetch(`${broker.url}/challenge`, { method: 'POST' })
    const retryAfter = Number(refused.headers.get('retry-after'))
    expect(retryAfter).toBeGreaterThan(500)
    expect(retryAfter).toBeLessThanOrEqual(600)
    expect(await refused.json()).toMatchObject({ error: 'temporarily_unavailable', code: 'rate_limited' })
  })

  test('are not told apart by what a client says of its own address (RFC 9700 §4.13)', async () => {
    await broker.writeConfig({ limits })
    await broker.start()
    let client = 1
    const forged = () => {
      client += 1
      const address = `192.0.2.${client}`
      return ask({ 'x-forwarded-for': address, forwarded: `for=${address}`, 'x-real-ip': address })
    }
    expect(await times(4, forged)).toEqual([200, 200, 200, 429])
  })

  test('are told apart by what a trusted proxy says, and by its word alone', async () => {
    await broker.writeConfig({
      limits,
      listen: { port: broker.port, drainSeconds: 0, behindTlsProxy: true, trustedProxies: ['127.0.0.1'] },
    })
    await broker.start()
    const from = (chain: string) => () => ask({ 'x-forwarded-for': chain })
    expect(await times(4, from('192.0.2.1'))).toEqual([200, 200, 200, 429])
    expect(await times(1, from('192.0.2.2'))).toEqual([200])
    // What the client wrote stands before what the proxy added.
    expect(await times(1, from('192.0.2.7, 192.0.2.1'))).toEqual([429])
  })
})

test('exchanges of an account beyond the limit are refused, whoever asks for it from where', async () => {
  await broker.writeConfig({ limits: { requestsPerAddress: often, exchangesPerPerson: { most: 2, seconds: 600 } } })
  await broker.start()
  const outcomes = [await codeOf(broker.exchange()), await codeOf(broker.exchange()), await codeOf(broker.exchange())]
  expect(outcomes).toEqual(['ok', 'ok', 'rate_limited'])
  expect(await codeOf(broker.exchange('supervisor'))).toBe('ok')
})

describe('brokers with one Redis', () => {
  const limits = { requestsPerAddress: { most: 4, seconds: 600 }, exchangesPerPerson: often }
  let redis: RedisServer
  let other: BrokerProcess
  beforeEach(async (context) => {
    if (redisMissing) return context.skip(redisMissing)
    redis = await startRedis()
    other = await BrokerProcess.prepare()
  })
  afterEach(async () => {
    await other?.close()
    await redis?.close()
  })
  const start = async (its = limits) => {
    for (const node of [broker, other]) {
      await node.writeConfig({ issuer: broker.url, limits: its, redis: { url: redis.url } })
      await node.start()
    }
    // Before that each counts for itself.
    for (const node of [broker, other]) {
      const isUp = async () => (await fetch(`${node.url}/metrics`)).text()
      await expect.poll(isUp).toContain('sg_broker_redis_up 1')
    }
  }
  const warnings = () => broker.logLines().filter(({ level }) => level === 'warn' || level === 'error')

  test('count together when they are nodes of one issuer, and apart when they are not', async () => {
    await start()
    const inTurn = [await ask(), await ask({}, other.url), await ask(), await ask({}, other.url), await ask()]
    expect(inTurn).toEqual([200, 200, 200, 200, 429])
    expect(await ask({}, other.url)).toBe(429)
    await other.stopAndWait()
    await other.writeConfig({ limits, redis: { url: redis.url } })
    await other.start()
    expect(await ask({}, other.url)).toBe(200)
  })

  test('refuse no honest request while it is killed, empty, hanging or back, and say so once', async () => {
    const generous = { requestsPerAddress: often, exchangesPerPerson: often }
    await start(generous)
    const client = new Redis(redis.url)
    expect(await codeOf(broker.exchange())).toBe('ok')
    await client.flushall()
    await client.script('FLUSH')
    expect(await codeOf(broker.exchange())).toBe('ok')
    await client.client('PAUSE', 3_000)
    client.disconnect()
    const from = performance.now()
    expect(await codeOf(broker.exchange())).toBe('ok')
    expect(performance.now() - from).toBeLessThan(5_000)
    await redis.stop()
    expect(await times(20, ask)).toEqual(Array.from({ length: 20 }, () => 200))
    expect(await codeOf(broker.exchange())).toBe('ok')
    const lost = warnings().filter(({ msg }) => String(msg).includes('redis cannot be used'))
    expect(lost.length).toBeGreaterThanOrEqual(1)
    expect(lost.length).toBeLessThanOrEqual(4)
    await redis.start()
    await expect.poll(() => broker.logLines().some(({ msg }) => String(msg).includes('redis is back'))).toBe(true)
    expect(await codeOf(broker.exchange())).toBe('ok')
  })

  test('still count, each for itself, while it is away', async () => {
    await start()
    await redis.stop()
    await expect.poll(async () => (await fetch(`${broker.url}/metrics`)).text()).toContain('sg_broker_redis_up 0')
    expect(await times(5, ask)).toEqual([200, 200, 200, 200, 429])
    expect(await (await fetch(`${broker.url}/metrics`)).text()).toContain('sg_broker_counted_alone_total 5')
  })

  test('keep neither addresses nor accounts there, and nothing but counters', async () => {
    await start()
    const { login } = await broker.exchange()
    const client = new Redis(redis.url)
    const keys = await client.keys('*')
    expect(keys.length).toBeGreaterThanOrEqual(2)
    for (const key of keys) {
      expect(key).toMatch(/^sg-broker http:\/\/127\.0\.0\.1:\d+ (requestsPerAddress|exchangesPerPerson):[\w-]{43}$/)
      expect(await client.get(key)).toMatch(/^\d+$/)
      expect(key).not.toContain(login)
    }
    client.disconnect()
  })

  test('start without it, and use it when it comes', async () => {
    await redis.stop()
    await broker.writeConfig({ limits, redis: { url: redis.url } })
    await broker.start()
    expect(await ask()).toBe(200)
    await redis.start()
    await expect.poll(async () => (await fetch(`${broker.url}/metrics`)).text()).toContain('sg_broker_redis_up 1')
  })
})
