import { Agent, get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BrokerProcess } from './broker-process.ts'
import { prepareSignIn, sendExchange } from './exchange-stage.ts'
import { codeOf } from './world.ts'

let broker: BrokerProcess
beforeEach(async () => {
  broker = await BrokerProcess.prepare()
})
afterEach(() => broker.close())

/** A site that takes its time, and an exchange that waits for it. */
async function exchangeUnderWay(ms: number): Promise<Promise<string>[]> {
  const stand = await broker.stand()
  const prepared = await prepareSignIn(stand, 'artist')
  broker.site.faults.inject({ path: '/api3/json', does: { kind: 'delay', ms }, times: 1 })
  const outcome = codeOf(sendExchange(stand, prepared))
  await expect.poll(() => broker.site.web.requests.some(({ path }) => path === '/api3/json')).toBe(true)
  return [outcome]
}

describe.each<NodeJS.Signals>(['SIGTERM', 'SIGINT'])('%s', (signal) => {
  test('says at /health/ready that it leaves, takes its last requests, then closes the door', async () => {
    await broker.writeConfig({ listen: { port: broker.port, drainSeconds: 1 } })
    const running = await broker.start()
    const agent = new Agent({ keepAlive: true })
    expect((await ask('/health/ready', agent)).headers['connection']).toBe('keep-alive')
    broker.signal(signal)
    await expect.poll(async () => (await ask('/health/ready', agent)).statusCode, { interval: 20 }).toBe(503)
    const ready = await fetch(`${broker.url}/health/ready`)
    expect(await ready.json()).toEqual({ status: 'failing', problems: ['it is stopping'] })
    const live = await ask('/health/live', agent)
    expect([live.statusCode, live.headers['connection']]).toEqual([200, 'close'])
    expect(await running.ended).toBe(0)
    await expect(fetch(`${broker.url}/health/live`)).rejects.toThrow()
    agent.destroy()
  })

  test('lets an exchange end that has begun, whole, and takes no new connection meanwhile', async () => {
    await broker.writeConfig()
    const running = await broker.start()
    const [outcome] = await exchangeUnderWay(2_000)
    broker.signal(signal)
    await expect.poll(() => codeOf(fetch(`${broker.url}/health/live`)), { timeout: 20_000 }).not.toBe('ok')
    expect(await outcome).toBe('ok')
    expect(await running.ended).toBe(0)
    await broker.start()
    expect(await (await fetch(`${broker.url}/metrics`)).text()).toContain('sg_broker_audit_rows 1')
  })

  test('a second time ends it at once', async () => {
    await broker.writeConfig()
    const running = await broker.start()
    const [outcome] = await exchangeUnderWay(20_000)
    broker.signal(signal)
    await expect.poll(() => broker.logLines().some(({ msg }) => msg === 'stopping'), { timeout: 20_000 }).toBe(true)
    const from = performance.now()
    broker.signal(signal)
    expect(await running.ended).toBe(-1)
    expect(performance.now() - from).toBeLessThan(10_000)
    expect(await outcome).not.toBe('ok')
  })
})

test('connections that are silent, or have sent half a request, hold nobody up', async () => {
  await broker.writeConfig()
  const running = await broker.start()
  const sockets = ['', 'POST /token HTTP/1.1\r\nHost: localhost\r\n'].map((text) => {
    const socket = connect(broker.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(text)
    return socket
  })
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
  await pause(100)
  const from = performance.now()
  broker.signal('SIGTERM')
  expect(await running.ended).toBe(0)
  expect(performance.now() - from).toBeLessThan(8_000)
  for (const socket of sockets) socket.destroy()
})

function ask(path: string, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(`${broker.url}${path}`, { agent }, (answer) => {
      answer.resume().once('end', () => resolve(answer))
    }).once('error', reject)
  })
}
