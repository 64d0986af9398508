import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Agent } from '../../src/agent.ts'
import { mergeConfig } from '../../src/config.ts'
import { makeRunCertificate } from '../../src/socket/certificate.ts'
import type { Endpoint } from '../../src/socket/endpoint-file.ts'
import { limits } from '../../src/socket/limits.ts'
import { systemClock } from '../../src/system-clock.ts'
import { hello, RawLine } from './raw-line.ts'
import { rules, silentLog } from './world.ts'

let agent: Agent
let endpoint: Endpoint
let key: string
beforeAll(async () => {
  const content = {
    sites: [{ url: 'https://studio.example', broker: 'https://broker.example' }],
    identity: { clientId: 'x' },
  }
  const { config } = mergeConfig([{ source: 'settings', file: 'settings.json', content }], rules)
  const noNetwork = () => new Promise<Response>(() => undefined)
  agent = new Agent(
    config,
    { fetch: noNetwork, clock: systemClock, log: silentLog, openBrowser: async () => undefined },
    rules,
  )
  endpoint = await agent.listen()
  key = endpoint.key.reveal()
})
afterAll(() => agent.close())

describe('whoever does not begin with the run’s key is cut off without a byte of an answer', () => {
  const openers: [string, string | Buffer | object][] = [
    ['HTTP', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'],
    [
      'an HTTP POST with a hello in its body',
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n${JSON.stringify({ jsonrpc: '2.0' })}\n`,
    ],
    ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a byte order mark', '\ufeff{"jsonrpc":"2.0"}\n'],
    ['an empty line', '\n'],
    ['NUL bytes', Buffer.from([0, 0, 0, 0, 0x0a])],
    ['text that is not UTF-8', Buffer.from([0xff, 0xfe, 0x0a])],
    ['a number', '7\n'],
    ['null', 'null\n'],
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"status"}]\n'],
    ['another method', { jsonrpc: '2.0', id: 1, method: 'status' }],
    ['session/get', { jsonrpc: '2.0', id: 1, method: 'session/get', params: {} }],
    ['an unknown method', { jsonrpc: '2.0', id: 1, method: 'x' }],
    ['hello without parameters', { jsonrpc: '2.0', id: 1, method: 'hello' }],
    ['an empty key', hello('')],
    ['a wrong key', hello('A'.repeat(43))],
    ['a wrong key and a wrong version', hello('A'.repeat(43), { protocol: 99 })],
  ]
  for (const [name, opener] of openers) {
    test(name, async () => {
      const line = await RawLine.tls(endpoint)
      line.send(opener)
      await line.closed
      expect(line.heard).toHaveLength(0)
    })
  }

  test('the key in another case, cut short or with more behind it', async () => {
    for (const wrong of [key.toUpperCase(), key.toLowerCase(), key.slice(0, -1), `${key}x`, ` ${key}`]) {
      if (wrong === key) continue
      const line = await RawLine.tls(endpoint)
      line.send(hello(wrong))
      await line.closed
      expect(line.heard).toHaveLength(0)
    }
  })

  test('a key as a list, an object or a repeated member', async () => {
    for (const text of [
      `{"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":1,"key":["${key}"],"client":{"name":"x","version":"1","pid":1}}}\n`,
      `{"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":1,"key":"x","key":"${key}","client":{"name":"x","version":"1","pid":1}}}\n`,
      `{"jsonrpc":"2.0","id":1,"method":"hello","params":{"__proto__":{"key":"${key}"},"protocol":1,"client":{"name":"x","version":"1","pid":1}}}\n`,
    ]) {
      const line = await RawLine.tls(endpoint)
      line.send(text)
      await line.closed
      expect(line.heard).toHaveLength(0)
    }
  })

  test('plain TCP gets no application data, whatever it says', async () => {
    for (const opener of ['GET / HTTP/1.1\r\n\r\n', JSON.stringify(hello(key)), '\x16\x03\x01']) {
      const line = await RawLine.tcp(endpoint.port)
      line.send(opener)
      await line.closed
      // At most a TLS alert record, which says nothing but "this is TLS".
      expect(line.heard.length === 0 || (line.heard[0] === 0x15 && line.heard.length <= 7)).toBe(true)
      expect(line.heard.toString('latin1')).not.toContain('jsonrpc')
    }
  })
})

describe('TLS', () => {
  const protocolOf = (options: ConnectionOptions): Promise<string | null> =>
    new Promise((resolve, reject) => {
      const trust = { ca: endpoint.certificatePem, checkServerIdentity: () => undefined }
      const socket = connectTls({ host: '127.0.0.1', port: endpoint.port, ...trust, ...options })
      socket.once('error', reject)
      socket.once('secureConnect', () => {
        resolve(socket.getProtocol())
        socket.destroy()
      })
    })

  test('is 1.3, or 1.2 for a Python that has no more', async () => {
    expect(await protocolOf({})).toBe('TLSv1.3')
    expect(await protocolOf({ maxVersion: 'TLSv1.2' })).toBe('TLSv1.2')
    await expect(
      protocolOf({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }),
    ).rejects.toThrow()
  })

  test('has a certificate of this run only', async () => {
    await expect(protocolOf({ ca: [] })).rejects.toThrow(/self-signed/)
    const { certificatePem } = await makeRunCertificate()
    await expect(protocolOf({ ca: certificatePem })).rejects.toThrow()
  })
})

describe('limits', () => {
  const helloOf = (bytes: number): string => {
    const text = `${JSON.stringify(hello(key, { padding: '' }))}\n`
    return text.replace('"padding":""', `"padding":"${'x'.repeat(bytes - text.length)}"`)
  }

  test('a hello of 4 KiB is taken, one byte more is not', async () => {
    const taken = await RawLine.tls(endpoint)
    taken.send(helloOf(limits.helloBytes))
    expect(await taken.message()).toMatchObject({ id: 1, result: { protocol: 1 } })
    taken.close()
    const refused = await RawLine.tls(endpoint)
    refused.send(helloOf(limits.helloBytes + 1))
    await refused.closed
    expect(refused.heard).toHaveLength(0)
  })

  test('a message of 64 KiB is taken, one byte more closes the connection', async () => {
    const messageOf = (bytes: number): string => {
      const text = `${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'status', params: { padding: '' } })}\n`
      return text.replace('"padding":""', `"padding":"${'x'.repeat(bytes - text.length)}"`)
    }
    const line = await RawLine.greeted(endpoint)
    line.send(messageOf(limits.messageBytes))
    expect(await line.message()).toMatchObject({ id: 2, result: {} })
    line.send(messageOf(limits.messageBytes + 1))
    await line.closed
  })

  test('a stranger that is silent, or slow, is cut off two seconds after it came', async () => {
    const startedMs = performance.now()
    const silentTcp = await RawLine.tcp(endpoint.port)
    const silentTls = await RawLine.tls(endpoint)
    const slow = await RawLine.tls(endpoint)
    const drip = setInterval(() => slow.send('{'), 100)
    await Promise.all([silentTcp.closed, silentTls.closed, slow.closed])
    clearInterval(drip)
    const tookMs = performance.now() - startedMs
    expect(tookMs).toBeGreaterThan(limits.helloMs - 100)
    expect(tookMs).toBeLessThan(limits.helloMs + 1_500)
    expect(silentTls.heard).toHaveLength(0)
  })

  test('one that showed the key may be silent for as long as it likes', async () => {
    const line = await RawLine.greeted(endpoint)
    await new Promise((resolve) => setTimeout(resolve, limits.helloMs + 300))
    line.send({ jsonrpc: '2.0', id: 3, method: 'status' })
    expect(await line.message()).toMatchObject({ id: 3 })
    line.close()
  })

  test('sixty-four requests may wait on one connection, the next is refused', async () => {
    const line = await RawLine.greeted(endpoint)
    for (let id = 100; id < 100 + limits.requestsInFlight; id += 1)
      line.send({ jsonrpc: '2.0', id, method: 'signIn', params: {} })
    line.send({ jsonrpc: '2.0', id: 999, method: 'signIn', params: {} })
    expect(await line.message()).toMatchObject({ id: 999, error: { data: { code: 'rate_limited' } } })
    line.close()
    agent.cancelSignIn(undefined)
  })

  test('a stranger that comes back from the same port gains no time', async () => {
    const sockets: Socket[] = []
    for (let port = 41_000; sockets.length < 60 && port < 41_400; port += 1) {
      for (let round = 0; round < 3; round += 1) {
        const socket = connect({ port: endpoint.port, host: '127.0.0.1', localPort: port }).on('error', () => undefined)
        await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
        if (round < 2) socket.resetAndDestroy()
        else if (!socket.destroyed) sockets.push(socket)
      }
    }
    expect(sockets.length).toBeGreaterThan(20)
    await new Promise((resolve) => setTimeout(resolve, limits.helloMs + 1_000))
    expect(sockets.filter((socket) => !socket.destroyed)).toHaveLength(0)
  })

  test('strangers cannot take every place: the oldest goes when the next comes, and an honest client gets in', async () => {
    const lines = await Promise.all(Array.from({ length: limits.strangers + 50 }, () => RawLine.tcp(endpoint.port)))
    const amongThem = await RawLine.greeted(endpoint)
    expect(amongThem.isOpen).toBe(true)
    amongThem.close()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(lines.filter((line) => !line.isOpen).length).toBeGreaterThanOrEqual(50)
    for (const line of lines) line.close()
    await new Promise((resolve) => setTimeout(resolve, 300))
    const honest = await RawLine.greeted(endpoint)
    honest.close()
  })
})

describe('one that showed the key', () => {
  test('hears of a message that is none, and goes on', async () => {
    const line = await RawLine.greeted(endpoint)
    for (const text of [
      '7\n',
      '{"jsonrpc":"1.0","id":1,"method":"status"}\n',
      '{"id":{}}\n',
      '[]\n',
      '{\n',
      '{"a":1,"a":2}\n',
      'GET / HTTP/1.1\r\n',
    ]) {
      line.send(text)
      expect(await line.message()).toMatchObject({ id: null, error: { data: { code: 'invalid_request' } } })
    }
    line.send({ jsonrpc: '2.0', id: 'still', method: 'status' })
    expect(await line.message()).toMatchObject({ id: 'still' })
    line.close()
  })

  test('may not say hello again', async () => {
    const line = await RawLine.greeted(endpoint)
    line.send(hello(key))
    expect(await line.message()).toMatchObject({ error: { data: { code: 'unknown_method' } } })
    line.close()
  })

  test('hears which field is wrong', async () => {
    const line = await RawLine.greeted(endpoint)
    line.send({ jsonrpc: '2.0', id: 5, method: 'session/get', params: { minValidityS: -1 } })
    const reply = await line.message()
    expect(reply).toMatchObject({ id: 5, error: { data: { code: 'invalid_request' } } })
    expect(JSON.stringify(reply)).toContain('minValidityS')
    line.close()
  })

  test('is cut off when it asks and does not read', async () => {
    const line = await RawLine.greeted(endpoint)
    line.stopReading()
    const questions = `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x'.repeat(1_000) })}\n`.repeat(60)
    const ask = setInterval(() => line.send(questions.repeat(10)), 10)
    await expect.poll(() => line.isOpen, { timeout: 20_000 }).toBe(false)
    clearInterval(ask)
  })

  test('is never told an inherited method', async () => {
    const line = await RawLine.greeted(endpoint)
    for (const method of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      line.send({ jsonrpc: '2.0', id: method, method })
      expect(await line.message()).toMatchObject({ id: method, error: { data: { code: 'unknown_method' } } })
    }
    line.close()
  })
})

test('the agent listens on 127.0.0.1 only', async () => {
  const { execFileSync } = await import('node:child_process')
  const own = execFileSync('sh', ['-c', `cat /proc/net/tcp /proc/net/tcp6`], { encoding: 'utf8' })
    .split('\n')
    .filter((row) => row.includes(`:${endpoint.port.toString(16).toUpperCase().padStart(4, '0')} 00000000`))
  expect(own).toHaveLength(1)
  expect(own[0]).toContain('0100007F:')
})
