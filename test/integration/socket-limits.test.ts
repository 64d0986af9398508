import { readFile } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import { dial } from '../../src/socket/dial.ts'
import type { Endpoint } from '../../src/socket/endpoint-file.ts'
import { limits } from '../../src/socket/limits.ts'
import { hello, RawLine } from './raw-line.ts'
import { agent, endpoint, listenWithAgent, openSocket, patience, pauseForReading, startPython } from './socket-stage.ts'
import { codeOf, silentLog } from './world.ts'

/** How many the socket takes, and that PROTOCOL.md tells every limit; socket-messages and socket-time have the others. */
listenWithAgent()

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
    // They all come within their two seconds, which a busy machine may take for it.
    const { endpoint: patient, close } = await openSocket({ helloMs: 30_000 })
    const lines: RawLine[] = []
    const come = async (count: number): Promise<void> => {
      lines.push(...(await Promise.all(Array.from({ length: count }, () => RawLine.tcp(patient.port)))))
    }
    await come(limits.strangers)
    expect(lines.filter((line) => !line.isOpen)).toHaveLength(0)
    await come(1)
    await expect.poll(() => lines.filter((line) => !line.isOpen).length, patience).toBeGreaterThanOrEqual(1)
    const amongThem = await RawLine.greeted(patient)
    expect(amongThem.isOpen).toBe(true)
    amongThem.close()
    for (const line of lines) line.close()
    await close()
  })

  test('of strangers: whoever has said something wrong loses it first, although others are older', async () => {
    const { endpoint: small, close } = await openSocket({ strangers: 4, helloMs: 20_000 })
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
    const { endpoint: small, close } = await openSocket({ strangers: 2 })
    const known = await Promise.all([RawLine.greeted(small), RawLine.greeted(small)])
    const more = await RawLine.greeted(small)
    expect([...known, more].every((line) => line.isOpen)).toBe(true)
    await close()
  })

  test('there are so many connections and no more: the next is reset before it sees a certificate', async () => {
    const { endpoint: small, close } = await openSocket({ connections: 4 })
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
    const { endpoint: small, close } = await openSocket({ connections: 8, connectionsOfOneExecutable: 6 })
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
    const { endpoint: small, close } = await openSocket({}, { ...silentLog, warn: note })
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
