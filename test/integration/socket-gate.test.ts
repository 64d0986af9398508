import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import { makeRunCertificate } from '../../src/socket/certificate.ts'
import type { Endpoint } from '../../src/socket/endpoint-file.ts'
import { limits } from '../../src/socket/limits.ts'
import { hello, RawLine } from './raw-line.ts'
import { signedOutAgent } from './signed-out-agent.ts'

let agent: Agent
let endpoint: Endpoint
let key: string
beforeAll(async () => {
  agent = signedOutAgent()
  endpoint = await agent.listen()
  key = endpoint.key.reveal()
})
afterAll(() => agent.close())

describe('whoever does not begin with the run’s key gets no byte of an answer, and is held until its time is over', () => {
  const asLine = (message: object): string => `${JSON.stringify(message)}\n`
  const helloWith = (keyText: string): string =>
    `{"jsonrpc":"2.0","id":1,"method":"hello","params":{${keyText},"protocol":1,"client":{"name":"x","version":"1","pid":1}}}\n`
  const openers: [string, (key: string) => string | Buffer | object][] = [
    ['HTTP', () => 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'],
    [
      'an HTTP POST with a hello in its body',
      (right) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n${asLine(hello(right))}`,
    ],
    ['a hello behind a line that is none', (right) => `x\n${asLine(hello(right))}`],
    ['a wrong hello and a right one behind it', (right) => [hello('A'), hello(right)].map(asLine).join('')],
    ['HTTP/0.9', () => 'GET /\r\n'],
    ['HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a WebSocket upgrade', () => 'GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'],
    ['SSH', () => 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['SMTP', () => 'EHLO studio.example\r\nMAIL FROM:<a@studio.example>\r\n'],
    ['FTP', () => 'USER anonymous\r\nPASS x\r\n'],
    ['Redis', () => '*1\r\n$4\r\nPING\r\n'],
    ['TLS within TLS', () => Buffer.from('16030100a5010000a10303', 'hex')],
    ['a byte order mark', (right) => `\ufeff${asLine(hello(right))}`],
    ['UTF-16', (right) => Buffer.from(`\ufeff${asLine(hello(right))}`, 'utf16le')],
    ['an empty line', () => '\n'],
    ['a carriage return', (right) => `\r\n${asLine(hello(right))}`],
    ['NUL bytes', () => Buffer.from([0, 0, 0, 0, 0x0a])],
    ['text that is not UTF-8', () => Buffer.from([0xff, 0xfe, 0x0a])],
    ['a number', () => '7\n'],
    ['null', () => 'null\n'],
    ['a batch', () => '[{"jsonrpc":"2.0","id":1,"method":"status"}]\n'],
    ['another method', () => ({ jsonrpc: '2.0', id: 1, method: 'status' })],
    ['session/get', () => ({ jsonrpc: '2.0', id: 1, method: 'session/get', params: {} })],
    ['an unknown method', () => ({ jsonrpc: '2.0', id: 1, method: 'x' })],
    ['hello without parameters', () => ({ jsonrpc: '2.0', id: 1, method: 'hello' })],
    ['hello without an id', (right) => asLine(hello(right)).replace('"id":1,', '')],
    ['an empty key', () => hello('')],
    ['a wrong key', () => hello('A'.repeat(43))],
    ['a wrong key and a wrong version', () => hello('A'.repeat(43), { protocol: 99 })],
    ['the key in capitals', (right) => hello(`${right.slice(0, -1).toUpperCase()}!`)],
    ['the key cut short', (right) => hello(right.slice(0, -1))],
    ['the key with more behind it', (right) => hello(`${right}x`)],
    ['the key behind a space', (right) => hello(` ${right}`)],
    ['a key as a list', (right) => helloWith(`"key":["${right}"]`)],
    ['a key twice', (right) => helloWith(`"key":"x","key":"${right}"`)],
    ['a key of a prototype', (right) => helloWith(`"__proto__":{"key":"${right}"}`)],
  ]
  const ended = new Map<string, Promise<{ heard: number; afterMs: number }>>()
  // All at the same time: each takes the two seconds that a stranger has.
  beforeAll(() => {
    for (const [name, opener] of openers) {
      const startedMs = performance.now()
      const end = RawLine.tls(endpoint).then(async (line) => {
        line.send(opener(key))
        await line.closed
        return { heard: line.heard.length, afterMs: performance.now() - startedMs }
      })
      end.catch(() => undefined)
      ended.set(name, end)
    }
  })

  for (const [name] of openers) {
    test(name, async () => {
      const { heard, afterMs } = (await ended.get(name)) ?? { heard: Number.NaN, afterMs: 0 }
      expect(heard).toBe(0)
      // Whatever it has said: nobody learns from the time what was wrong with it.
      expect(afterMs).toBeGreaterThan(limits.helloMs - 100)
    })
  }

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
