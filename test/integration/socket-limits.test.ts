import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import type { Log } from '../../src/ports.ts'
import { dial } from '../../src/socket/dial.ts'
import { type Endpoint, writeEndpointFile } from '../../src/socket/endpoint-file.ts'
import { type Limits, limits } from '../../src/socket/limits.ts'
import { SocketListener } from '../../src/socket/listener.ts'
import type { Desk } from '../../src/socket/methods.ts'
import { systemPeers } from '../../src/socket/who-is-calling.ts'
import { hello, RawLine } from './raw-line.ts'
import { signedOutAgent } from './signed-out-agent.ts'
import { codeOf, silentLog } from './world.ts'

/** Every limit of the socket: what is just taken, and what is one too many. */
let agent: Agent
let endpoint: Endpoint
let key: string
beforeAll(async () => {
  agent = signedOutAgent({ consent: 'allow-all' })
  endpoint = await agent.listen()
  key = endpoint.key.reveal()
})
afterAll(() => agent.close())

/** For a machine that has other things to do. */
const patience = { timeout: 20_000 }

const padded = (message: object, bytes: number): string => {
  const text = `${JSON.stringify({ ...message, padding: '' })}\n`
  return text.replace('"padding":""', `"padding":"${'x'.repeat(bytes - text.length)}"`)
}

describe('a message', () => {
  test('that says hello has at most 4 KiB', async () => {
    const taken = await RawLine.tls(endpoint)
    taken.send(padded(hello(key), limits.helloBytes))
    expect(await taken.message()).toMatchObject({ id: 1, result: { protocol: 1 } })
    taken.close()
    expect(await saidToStranger((shown) => padded(hello(shown), limits.helloBytes + 1))).toBe('')
  })

  test('has at most 64 KiB afterwards; one byte more closes the connection', async () => {
    const question = { jsonrpc: '2.0', id: 2, method: 'status' }
    const line = await RawLine.greeted(endpoint)
    line.send(padded(question, limits.messageBytes))
    expect(await line.message()).toMatchObject({ id: 2, result: {} })
    line.send(padded(question, limits.messageBytes + 1))
    await line.closed
  })

  test('is nested at most sixteen deep, hello too', async () => {
    const nested = (message: object, depth: number): string =>
      `${JSON.stringify({ ...message, deep: 0 }).replace('"deep":0', `"deep":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}`)}\n`
    const line = await RawLine.tls(endpoint)
    line.send(nested(hello(key), limits.jsonDepth))
    expect(await line.message()).toMatchObject({ result: { protocol: 1 } })
    const question = { jsonrpc: '2.0', id: 2, method: 'status' }
    line.send(nested(question, limits.jsonDepth))
    expect(await line.message()).toMatchObject({ id: 2, result: {} })
    line.send(nested(question, limits.jsonDepth + 1))
    expect(await line.message()).toMatchObject({ id: null, error: { data: { code: 'invalid_request' } } })
    line.close()
    expect(await saidToStranger((shown) => nested(hello(shown), limits.jsonDepth + 1))).toBe('')
  })

  test('has an id of at most 64 characters and names a method of at most 64', async () => {
    const line = await RawLine.greeted(endpoint)
    const id = 'i'.repeat(limits.idCharacters)
    line.send({ jsonrpc: '2.0', id, method: 'status' })
    expect(await line.message()).toMatchObject({ id, result: {} })
    line.send({ jsonrpc: '2.0', id: `${id}i`, method: 'status' })
    expect(await line.message()).toMatchObject({ id: null, error: { data: { code: 'invalid_request' } } })
    const method = 'm'.repeat(limits.methodCharacters)
    line.send({ jsonrpc: '2.0', id: 3, method })
    expect(await line.message()).toMatchObject({ id: 3, error: { data: { code: 'unknown_method' } } })
    line.send({ jsonrpc: '2.0', id: 4, method: `${method}m` })
    expect(await line.message()).toMatchObject({ id: null, error: { data: { code: 'invalid_request' } } })
    line.close()
  })
})

describe('a parameter', () => {
  const letters = (most: number) => [`https://${'s'.repeat(most - 8)}`, `https://${'s'.repeat(most - 7)}`] as const
  const credentials = { login: 'artist', passphrase: 'x', code: '0' }
  const cases: [string, string, object, readonly [unknown, unknown]][] = [
    ['site', 'status of a site', {}, letters(limits.siteCharacters)],
    ['minValidityS', 'session/get', {}, [limits.minValidityS, limits.minValidityS + 1]],
    ['minValidityS', 'autodesk/get', {}, [limits.minValidityS, limits.minValidityS + 1]],
    ['url', 'signIn/paste', {}, letters(limits.pastedAddressCharacters)],
    ['login', 'signIn/credentials', credentials, letters(limits.loginCharacters)],
    ['passphrase', 'signIn/credentials', credentials, letters(limits.passphraseCharacters)],
    ['code', 'signIn/credentials', credentials, letters(limits.codeCharacters)],
  ]
  test.each(cases)(
    '"%s" of %s: one past its limit is refused by name',
    async (name, method, others, [taken, refused]) => {
      const line = await RawLine.greeted(endpoint)
      const ask = async (value: unknown): Promise<string> => {
        line.send({
          jsonrpc: '2.0',
          id: 2,
          method: method === 'status of a site' ? 'session/get' : method,
          params: { ...others, [name]: value },
        })
        return JSON.stringify(await line.message())
      }
      expect(await ask(taken)).not.toContain(`: \\"${name}\\"`)
      const reply = await ask(refused)
      expect(reply).toContain('"invalid_request"')
      expect(reply).toContain(`: \\"${name}\\"`)
      line.close()
    },
  )

  test('of hello: what a client says of itself and its key have limits too', async () => {
    const reasons: unknown[] = []
    const note = (fields: unknown): void => void reasons.push((fields as { reason?: string }).reason)
    const { endpoint: brief, close } = await open({ helloMs: 500 }, { ...silentLog, warn: note })
    const client = (change: object): object =>
      hello(brief.key.reveal(), { client: { name: 'test', version: '1', pid: process.pid, ...change } })
    const name = 'n'.repeat(limits.clientNameCharacters)
    const version = 'v'.repeat(limits.clientVersionCharacters)
    const taken = await RawLine.tls(brief)
    taken.send(client({ name, version }))
    expect(await taken.message()).toMatchObject({ result: { protocol: 1 } })
    const longKey = 'A'.repeat(limits.keyCharacters)
    for (const message of [
      client({ name: `${name}n` }),
      client({ version: `${version}v` }),
      hello(longKey),
      hello(`${longKey}A`),
    ]) {
      const line = await RawLine.tls(brief)
      line.send(message)
      await line.closed
      expect(line.heard).toHaveLength(0)
    }
    expect(reasons.map((reason) => /"[\w.]+"|wrong key/.exec(String(reason))?.[0])).toEqual([
      '"client.name"',
      '"client.version"',
      'wrong key',
      '"key"',
    ])
    await close()
  })
})

describe('time', () => {
  test('a stranger that is silent, or slow, is cut off two seconds after it came', async () => {
    const startedMs = performance.now()
    const silentTcp = await RawLine.tcp(endpoint.port)
    const silentTls = await RawLine.tls(endpoint)
    const slow = await RawLine.tls(endpoint)
    const drip = setInterval(() => slow.send('{'), 100)
    // One that showed the key may be silent for longer than that.
    const known = await RawLine.greeted(endpoint)
    await Promise.all([silentTcp.closed, silentTls.closed, slow.closed])
    clearInterval(drip)
    expect(performance.now() - startedMs).toBeGreaterThan(limits.helloMs - 100)
    expect(silentTls.heard).toHaveLength(0)
    known.send({ jsonrpc: '2.0', id: 3, method: 'status' })
    expect(await known.message()).toMatchObject({ id: 3 })
    known.close()
  })

  test('a stranger that comes back from the same port gains none', async () => {
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
    await expect.poll(() => sockets.filter((socket) => !socket.destroyed).length, patience).toBe(0)
  })
})

describe('a connection that asks nothing', () => {
  afterEach(() => void vi.useRealTimers())
  const later = (ms: number): void => void vi.advanceTimersByTime(ms)

  test('is ended after a quarter of an hour, counted from its last question; one that watches never', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const idle = await RawLine.greeted(endpoint)
    const asking = await RawLine.greeted(endpoint)
    const watching = await RawLine.greeted(endpoint)
    watching.send({ jsonrpc: '2.0', id: 2, method: 'session/watch' })
    await watching.message()
    later(limits.idleMs - 1)
    expect([idle.isOpen, asking.isOpen, watching.isOpen]).toEqual([true, true, true])
    asking.send({ jsonrpc: '2.0', id: 3, method: 'status' })
    expect(await asking.message()).toMatchObject({ id: 3 })
    later(1)
    await idle.closed
    expect(idle.heard).toHaveLength(0)
    later(limits.idleMs - 2)
    asking.send({ jsonrpc: '2.0', id: 4, method: 'status' })
    expect(await asking.message()).toMatchObject({ id: 4 })
    later(limits.idleMs)
    await asking.closed
    later(100 * limits.idleMs)
    watching.send({ jsonrpc: '2.0', id: 5, method: 'status' })
    expect(await watching.message()).toMatchObject({ id: 5 })
    watching.close()
  })

  test('but waits for an answer is kept, however long that takes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const line = await RawLine.greeted(endpoint)
    line.send({ jsonrpc: '2.0', id: 2, method: 'signIn/way', params: {} })
    line.send({ jsonrpc: '2.0', id: 3, method: 'signIn', params: {} })
    await expect.poll(() => agent.status()[0]?.state, patience).toBe('signing_in')
    later(limits.idleMs)
    agent.cancelSignIn(undefined)
    expect(await line.message()).toBeDefined()
    line.close()
  })

  test('costs its client nothing: the next call goes over a new one', async () => {
    let ended = 0
    const info = (_fields: unknown, said?: string): void => {
      if (said === 'an idle connection was ended') ended += 1
    }
    const { endpoint: brief, close } = await open({ idleMs: 200 }, { ...silentLog, info: info as Log['info'] })
    const folder = await mkdtemp(join(tmpdir(), 'sg-session-idle-'))
    const file = join(folder, 'endpoint.json')
    await writeEndpointFile(file, brief)
    const client = new AgentClient({ endpointFiles: [file], caller: { name: 'test', version: '1' } })
    await client.status()
    await expect.poll(() => ended, patience).toBe(1)
    await client.status()
    client.close()

    const script = `
import sys, sg_session
with sg_session.Client() as client:
    client.status()
    first = client._line
    print("asked", flush=True)
    sys.stdin.readline()
    client.status()
    print("asked again" if client._line is not first else "not ended")`
    const before = ended
    const python = startPython(script, { PYTHONPATH: resolve('src/client/python'), SG_SESSION_ENDPOINT: file })
    await expect.poll(python.said, patience).toContain('asked')
    await expect.poll(() => ended, patience).toBeGreaterThan(before)
    python.tell('on\n')
    expect(await python.ended).toBe('asked\nasked again\n')
    await close()
    await rm(folder, { recursive: true })
  })
})

describe('places', () => {
  test('sixty-four requests may wait on one connection, the next is refused', async () => {
    const line = await RawLine.greeted(endpoint)
    for (let id = 100; id < 100 + limits.requestsInFlight; id += 1)
      line.send({ jsonrpc: '2.0', id, method: 'signIn', params: {} })
    line.send({ jsonrpc: '2.0', id: 999, method: 'signIn', params: {} })
    expect(await line.message()).toMatchObject({
      id: 999,
      error: { data: { code: 'rate_limited', advice: expect.any(String) } },
    })
    line.close()
    agent.cancelSignIn(undefined)
  })

  test('a thousand and twenty-four strangers have one; the next takes that of the oldest, and an honest client gets in', async () => {
    const lines: RawLine[] = []
    const come = async (count: number): Promise<void> => {
      lines.push(...(await Promise.all(Array.from({ length: count }, () => RawLine.tcp(endpoint.port)))))
    }
    await come(limits.strangers)
    expect(lines.filter((line) => !line.isOpen)).toHaveLength(0)
    await come(1)
    await expect.poll(() => lines.filter((line) => !line.isOpen).length, patience).toBeGreaterThanOrEqual(1)
    const amongThem = await RawLine.greeted(endpoint)
    expect(amongThem.isOpen).toBe(true)
    amongThem.close()
    for (const line of lines) line.close()
  })

  test('of strangers: whoever has said something wrong loses it first, although others are older', async () => {
    const { endpoint: small, close } = await open({ strangers: 4, helloMs: 20_000 })
    const silent = await Promise.all([RawLine.tls(small), RawLine.tls(small)])
    const wrong = [await RawLine.tls(small), await RawLine.tls(small)]
    for (const line of wrong) {
      line.send(hello('A'.repeat(43)))
      await pauseForReading()
    }
    const third = await RawLine.tls(small)
    await wrong[0]?.closed
    expect([...silent, ...wrong, third].map((line) => line.isOpen)).toEqual([true, true, false, true, true])
    const fourth = await RawLine.tls(small)
    await wrong[1]?.closed
    // Nobody wrong is left: now it is the oldest.
    const fifth = await RawLine.tls(small)
    await silent[0]?.closed
    expect([silent[1], third, fourth, fifth].map((line) => line?.isOpen)).toEqual([true, true, true, true])
    await close()
  })

  test('a stranger that has shown the key has none of theirs any more', async () => {
    const { endpoint: small, close } = await open({ strangers: 2 })
    const known = await Promise.all([RawLine.greeted(small), RawLine.greeted(small)])
    const more = await RawLine.greeted(small)
    expect([...known, more].every((line) => line.isOpen)).toBe(true)
    await close()
  })

  test('there are so many connections and no more: the next is reset before it sees a certificate', async () => {
    const { endpoint: small, close } = await open({ connections: 4 })
    const lines = await Promise.all(Array.from({ length: 4 }, () => RawLine.greeted(small)))
    expect(await codeOf(dial(small, { name: 'test', version: '1' }, 5_000))).toBe('temporarily_unavailable')
    lines[0]?.close()
    await expect
      .poll(() => codeOf(dial(small, { name: 'test', version: '1' }, 5_000).then((line) => line.close())), patience)
      .toBe('ok')
    expect(lines.slice(1).every((line) => line.isOpen)).toBe(true)
    await close()
  })

  test('one program cannot have them all: it hears which has too many, and another program gets in', async () => {
    const { endpoint: small, close } = await open({ connections: 8, connectionsOfOneExecutable: 6 })
    const lines = await Promise.all(Array.from({ length: 6 }, () => RawLine.greeted(small)))
    const seventh = await RawLine.tls(small)
    seventh.send(hello(small.key.reveal()))
    expect(await seventh.message()).toMatchObject({
      id: 1,
      error: {
        message: `"${process.execPath}" has 6 connections open`,
        data: { code: 'rate_limited', advice: expect.stringContaining('Close connections') },
      },
    })
    await seventh.closed
    expect(await greetWithPython(small)).toContain('"protocol":1')
    lines[0]?.close()
    await expect
      .poll(() => codeOf(dial(small, { name: 'test', version: '1' }, 5_000).then((line) => line.close())), patience)
      .toBe('ok')
    await close()
  })

  test('a peer that reads late gets every answer, one that does not read is cut off', async () => {
    const question = `${JSON.stringify({ jsonrpc: '2.0', id: 'i'.repeat(64), method: 'x'.repeat(64) })}\n`
    const late = await RawLine.greeted(endpoint)
    late.stopReading()
    const longestAnswer = 300
    const count = Math.floor(limits.unreadBytes / longestAnswer)
    late.send(question.repeat(count))
    await pauseForReading()
    late.goOnReading()
    const answers = (): number => late.heard.toString('latin1').split('\n').length - 1
    await expect.poll(answers, patience).toBe(count)
    expect(late.heard.length / count).toBeLessThan(longestAnswer)
    late.close()

    const never = await RawLine.greeted(endpoint)
    never.stopReading()
    const ask = setInterval(() => never.send(question.repeat(600)), 10)
    await expect.poll(() => never.isOpen, patience).toBe(false)
    clearInterval(ask)
  })
})

test('a flood of strangers is a few lines in the log, and a number', async () => {
  const lines: object[] = []
  const note = (fields: unknown): void => void lines.push(fields as object)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const { endpoint: small, close } = await open({}, { ...silentLog, warn: note })
    const held = await Promise.all(
      Array.from({ length: limits.loggedStrangers + 5 }, async () => {
        const line = await RawLine.tls(small)
        line.send('GET / HTTP/1.1\r\n\r\n')
        return line
      }),
    )
    await expect.poll(() => lines.length, patience).toBe(limits.loggedStrangers)
    await pauseForReading()
    vi.advanceTimersByTime(60_000)
    await Promise.all(held.map((line) => line.closed))
    expect(lines.slice(limits.loggedStrangers)).toEqual([{ count: 5 }])
    await close()
  } finally {
    vi.useRealTimers()
  }
})

test('PROTOCOL.md tells plug-ins the limits as they are', async () => {
  const text = await readFile('docs/PROTOCOL.md', 'utf8')
  const section = text.slice(text.indexOf('## 2.'), text.indexOf('## 3.')).replaceAll(/\s+/g, ' ')
  const said = [
    `| a message | ${limits.messageBytes / 1024} KiB`,
    `| the first message | ${limits.helloBytes / 1024} KiB`,
    `${limits.helloMs / 1000} s after the TCP connection`,
    `| nesting | ${limits.jsonDepth} |`,
    `| unanswered requests on one connection | ${limits.requestsInFlight}`,
    `| answers that wait to be read on one connection | ${limits.unreadBytes / 1024 / 1024} MiB`,
    `| connections | ${limits.connections.toLocaleString('en')}`,
    `| connections of one program file | ${limits.connectionsOfOneExecutable.toLocaleString('en')}`,
    `| connections that have not said hello | ${limits.strangers.toLocaleString('en')}`,
    `| a connection that asks nothing | ${limits.idleMs / 60_000} min`,
    `\`id\`, a method’s name | ${limits.idCharacters} characters`,
    `\`site\` | ${limits.siteCharacters} characters`,
    `\`minValidityS\` | ${limits.minValidityS.toLocaleString('en')}`,
    `\`client.name\`, \`client.version\` | ${limits.clientNameCharacters}, ${limits.clientVersionCharacters} characters`,
    `\`url\` of \`signIn/paste\` | ${limits.pastedAddressCharacters.toLocaleString('en')} characters`,
    `\`login\`, \`passphrase\`, \`code\` | ${limits.loginCharacters}, ${limits.passphraseCharacters.toLocaleString('en')}, ${limits.codeCharacters} characters`,
  ]
  expect(said.filter((sentence) => !section.includes(sentence))).toEqual([])
})

/** A socket with other limits, and nothing behind it that a tool could get. */
async function open(
  changed: Partial<Limits>,
  to: Log = silentLog,
): Promise<{ endpoint: Endpoint; close(): Promise<void> }> {
  const listener = new SocketListener({
    peers: systemPeers(),
    gate: { demand: async () => undefined },
    calls: { note: () => undefined },
    stalls: { begin: () => () => undefined },
    log: to,
    limits: { ...limits, ...changed },
  })
  const empty: Pick<Desk, 'startedAt' | 'status' | 'siteNamed' | 'lastStall' | 'auditProblem' | 'handOverProblem'> = {
    ...{ startedAt: 0, status: () => [], siteNamed: () => undefined },
    ...{ lastStall: () => undefined, auditProblem: () => undefined, handOverProblem: () => undefined },
  }
  return { endpoint: await listener.open(empty as Desk), close: () => listener.close() }
}

/** What was sent on loopback before is with the other side, which shares this loop. */
async function pauseForReading(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** What a stranger with that opener hears; the key is the socket's own. */
async function saidToStranger(opener: (key: string) => string): Promise<string> {
  const { endpoint: brief, close } = await open({ helloMs: 500 })
  const line = await RawLine.tls(brief)
  line.send(opener(brief.key.reveal()))
  await line.closed
  await close()
  return line.heard.toString('utf8')
}

interface Python {
  said(): string
  tell(text: string): void
  /** All it said. */
  readonly ended: Promise<string>
}

function startPython(script: string, env: Readonly<Record<string, string>> = {}): Python {
  const child = spawn('python3', ['-c', script], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk
  })
  return {
    said: () => said,
    tell: (text) => void child.stdin.write(text),
    ended: new Promise((done) => child.once('close', () => done(said))),
  }
}

function greetWithPython({ port, key: shown }: Endpoint): Promise<string> {
  const script = `
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
line = context.wrap_socket(socket.create_connection(("127.0.0.1", ${port}), 10))
line.sendall(sys.stdin.buffer.readline())
print(line.recv(65536).decode())`
  const python = startPython(script)
  python.tell(`${JSON.stringify(hello(shown.reveal()))}\n`)
  return python.ended
}
