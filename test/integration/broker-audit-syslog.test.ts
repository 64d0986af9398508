import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { AuditLog } from '../../src/broker/audit/audit-log.ts'
import { Syslog, type SyslogLimits } from '../../src/broker/audit/syslog.ts'
import type { SyslogPlace } from '../../src/broker/audit/syslog-carriers.ts'
import { openDatabase } from '../../src/broker/database/database.ts'
import type { Database } from '../../src/broker/database/tables.ts'
import type { ErrorCode } from '../../src/errors.ts'
import type { Log } from '../../src/ports.ts'
import { makeCertificates } from '../sandbox/certificates.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { databaseForTest } from './broker-database.ts'
import { type Receiver, streamReceiver, udpReceiver, unixReceiver } from './syslog-receivers.ts'
import { silentLog, TestClock } from './world.ts'

let folder: string
let database: Database
const closing: (() => unknown)[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-syslog-'))
  database = await openDatabase(await databaseForTest(folder))
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await database.destroy()
  await rm(folder, { recursive: true, force: true })
})

/** An audit with a way out, and what the log said of the way. */
function auditTo(place: Partial<SyslogPlace>, limits: Partial<SyslogLimits> = {}) {
  const said: { message: string; from?: number; to?: number; missed?: number }[] = []
  const log: Log = {
    ...silentLog,
    warn: (object: object, message: string) => void said.push({ ...object, message }),
  } as Log
  const whole = { protocol: 'tcp', host: '127.0.0.1', port: 514, ...place } as const
  const quick = { deliveryMs: 1_000, pauseMs: { first: 50, longest: 100 } }
  const missed = vi.fn()
  const syslog = new Syslog(whole, log, missed, { ...quick, ...limits })
  closing.push(() => syslog.close(500))
  const auditLog = new AuditLog(database, new TestClock(), silentLog, (row) => syslog.send(row))
  const write = (outcome: 'issued' | ErrorCode = 'issued'): Promise<void> =>
    auditLog.write({ event: 'exchange', actor: 'ARTIST000001', login: 'zoë', outcome, detail: 'two\nlines' })
  const writeMany = async (count: number): Promise<void> => {
    await Promise.all(Array.from({ length: count }, () => write()))
  }
  return { syslog, auditLog, write, writeMany, said, missedRows: () => missed.mock.calls.length }
}

const rowsIn = (messages: readonly string[]): { sequence: number; event: string }[] =>
  messages.map((message) => JSON.parse(message.slice(message.indexOf('{'))))
const sequencesIn = (messages: readonly string[]): number[] => rowsIn(messages).map(({ sequence }) => sequence)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1)
const until = (condition: () => void): Promise<void> => vi.waitFor(condition, { timeout: 20_000, interval: 20 })
function opened<T extends Receiver>(receiver: T): T {
  closing.push(() => receiver.close())
  return receiver
}

describe('rows go out', () => {
  const line =
    /^<8[1-6]>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d) [\x21-\x7e]+ sg-broker \d+ audit - \{"sequence":1,.*"login":"zoë".*\}$/

  test('over UDP, one a datagram', async () => {
    const receiver = opened(await udpReceiver())
    const { writeMany, said } = auditTo({ protocol: 'udp', port: receiver.port })
    await writeMany(120)
    await until(() => expect(receiver.messages).toHaveLength(120))
    expect(receiver.messages[0]).toMatch(line)
    expect(sequencesIn(receiver.messages)).toEqual(upTo(120))
    expect(said).toEqual([])
  })

  test('over TCP, over one connection, as the very lines of an export', async () => {
    const receiver = opened(await streamReceiver())
    const { writeMany, said } = auditTo({ port: receiver.port })
    await writeMany(250)
    await until(() => expect(receiver.messages).toHaveLength(250))
    expect(receiver.messages[0]).toMatch(line)
    expect(rowsIn(receiver.messages)).toEqual(
      await database.selectFrom('audit').selectAll().orderBy('sequence').execute(),
    )
    expect([receiver.connections(), said]).toEqual([1, []])
  })

  test('over TLS to a receiver whose certificate is trusted, and to no other', async () => {
    const trusted = tls.getCACertificates('default')
    closing.push(() => tls.setDefaultCACertificates(trusted))
    const [ours, others] = [await makeCertificates(), await makeCertificates()]
    tls.setDefaultCACertificates([...trusted, ours.ca])
    const [receiver, impostor] = [opened(await streamReceiver(0, ours)), opened(await streamReceiver(0, others))]
    const good = auditTo({ protocol: 'tls', host: 'localhost', port: receiver.port })
    const bad = auditTo({ protocol: 'tls', host: 'localhost', port: impostor.port })
    await good.write()
    await bad.write()
    await until(() => expect(receiver.messages).toHaveLength(1))
    expect(receiver.messages[0]).toMatch(line)
    await until(() => expect(bad.said).toHaveLength(1))
    expect(impostor.messages).toEqual([])
    expect(good.said).toEqual([])
  })

  for (const kind of ['dgram', 'stream'] as const) {
    test(`to a unix ${kind} socket, as /dev/log may be`, async () => {
      const path = join(folder, 'log')
      const receiver = await unixReceiver(path, kind)
      closing.push(() => receiver.stop())
      const { writeMany, said } = auditTo({ protocol: 'unix', host: path })
      await writeMany(30)
      const lines = (): string[] => receiver.stdout().trim().split('\n').slice(1)
      await until(() => expect(lines()).toHaveLength(30))
      expect(lines()[0]).toMatch(line)
      expect(sequencesIn(lines())).toEqual(upTo(30))
      expect(said).toEqual([])
    })
  }

  test('by their weight: given, refused, and what wakes somebody up', async () => {
    const receiver = opened(await streamReceiver())
    const { write, auditLog } = auditTo({ port: receiver.port })
    for (const outcome of ['issued', 'account_disabled', 'session_owner_mismatch', 'broker_stopped'] as const)
      await write(outcome)
    await auditLog.write({ event: 'stop', actor: 'alarm', outcome: 'done', detail: 'x' })
    await auditLog.write({ event: 'resume', actor: 'operator', outcome: 'done', detail: 'x' })
    await until(() => expect(receiver.messages).toHaveLength(6))
    expect(receiver.messages.map((message) => message.slice(0, 4))).toEqual([
      '<86>',
      '<85>',
      '<81>',
      '<81>',
      '<81>',
      '<86>',
    ])
  })
})

describe('a receiver that is down', () => {
  test('delays nothing, is said once, and gets everything when it is back', async () => {
    const [port = 0] = await freePorts(1)
    const { writeMany, said, missedRows } = auditTo({ port })
    await writeMany(20)
    await until(() => expect(said).toHaveLength(1))
    await writeMany(20)
    expect(said).toMatchObject([{ message: 'syslog: the receiver takes no rows of the audit', receiver: { port } }])
    const receiver = opened(await streamReceiver(port))
    await until(() => expect(receiver.messages).toHaveLength(40))
    expect(sequencesIn(receiver.messages)).toEqual(upTo(40))
    await until(() => expect(said).toHaveLength(2))
    expect(said[1]).toMatchObject({ message: 'syslog: the receiver takes rows of the audit again', missed: 0 })
    expect(missedRows()).toBe(0)
  })

  test('for longer than memory lasts is told which rows it missed, and so is the log', async () => {
    const [port = 0] = await freePorts(1)
    const { writeMany, said, missedRows } = auditTo({ port }, { mostHeld: 10 })
    await writeMany(50)
    await until(() => expect(said).toHaveLength(1))
    await writeMany(1)
    expect(missedRows()).toBeGreaterThan(30)
    const receiver = opened(await streamReceiver(port))
    await until(() => expect(said).toHaveLength(2))
    const { from = 0, to = 0, missed = 0 } = said[1] ?? {}
    expect(missed).toBe(to - from + 1)
    expect(said[1]).toMatchObject({ remedy: `sg-broker audit export --since ${from} --until ${to}` })
    await until(() => expect(sequencesIn(receiver.messages)).toContain(51))
    const notice = receiver.messages.filter((message) => message.includes('rows_missed'))
    expect(notice).toHaveLength(1)
    expect(notice[0]).toMatch(/^<84>1 /)
    expect(rowsIn(notice)).toMatchObject([{ event: 'rows_missed', missed, from, to }])
    // What it got and what it missed is everything.
    const got = rowsIn(receiver.messages).filter(({ event }) => event === 'exchange')
    expect(new Set([...got.map(({ sequence }) => sequence), ...upTo(to).slice(from - 1)])).toEqual(new Set(upTo(51)))
  })

  test('while it is being sent to gets what was on its way once more', async () => {
    const receiver = await streamReceiver()
    const { writeMany } = auditTo({ port: receiver.port })
    await writeMany(10)
    await until(() => expect(receiver.messages).toHaveLength(10))
    await receiver.close()
    const next = opened(await streamReceiver(receiver.port))
    await until(() => expect(new Set(sequencesIn(next.messages))).toEqual(new Set(upTo(10))))
    await writeMany(1)
    await until(() => expect(sequencesIn(next.messages)).toContain(11))
  })

  test('and says nothing over UDP but by ICMP is noticed all the same', async () => {
    const [port = 0] = await freePorts(1)
    const { writeMany, said } = auditTo({ protocol: 'udp', port })
    await writeMany(5)
    await until(() => expect(said).toHaveLength(1))
    const receiver = opened(await udpReceiver(port))
    await until(() => expect(new Set(sequencesIn(receiver.messages))).toEqual(new Set(upTo(5))))
    await until(() => expect(said).toHaveLength(2))
  })

  test('that takes connections and reads nothing holds up no row', async () => {
    const receiver = opened(await streamReceiver())
    receiver.pause()
    const { auditLog, said } = auditTo({ port: receiver.port }, { deliveryMs: 300 })
    const before = performance.now()
    for (let turn = 0; turn < 40; turn += 1) {
      await Promise.all(
        Array.from({ length: 100 }, () =>
          auditLog.write({ event: 'exchange', actor: 'A', outcome: 'issued', detail: 'x'.repeat(2_000) }),
        ),
      )
    }
    expect(performance.now() - before).toBeLessThan(30_000)
    await until(() => expect(said.length).toBeGreaterThan(0))
  })

  for (const [name, host] of [
    ['no socket', 'nothing'],
    ['no name', 'no-such-host.invalid'],
  ] as const) {
    test(`because there is ${name} stops nothing`, async () => {
      const protocol = name === 'no socket' ? 'unix' : 'tcp'
      const { writeMany, said } = auditTo({ protocol, host: protocol === 'unix' ? join(folder, host) : host })
      await writeMany(3)
      await until(() => expect(said).toHaveLength(1))
    })
  }

  test('when the broker ends is said to have missed the rest', async () => {
    const [port = 0] = await freePorts(1)
    const { writeMany, said, syslog } = auditTo({ port })
    await writeMany(3)
    await until(() => expect(said).toHaveLength(1))
    const before = performance.now()
    await syslog.close(300)
    expect(performance.now() - before).toBeLessThan(4_500)
    expect(said.at(-1)).toMatchObject({
      message: 'syslog: ended with rows that were not sent',
      missed: 3,
      from: 1,
      to: 3,
    })
  })
})

test('what was written just before the end still goes out', async () => {
  const receiver = opened(await streamReceiver())
  const { writeMany, syslog, said } = auditTo({ port: receiver.port })
  await writeMany(30)
  await syslog.close()
  await until(() => expect(receiver.messages).toHaveLength(30))
  expect(said).toEqual([])
})
