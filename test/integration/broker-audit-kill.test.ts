import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { verifyDatabase } from '../../src/broker/audit/verify.ts'
import { openDatabase } from '../../src/broker/database/database.ts'
import type { Database } from '../../src/broker/database/tables.ts'
import { BrokerClient } from '../../src/sign-in/broker-client.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { BrokerCommand } from './broker-command.ts'
import { ExchangeStage } from './exchange-stage.ts'
import { codeOf } from './world.ts'

vi.setConfig({ testTimeout: 180_000 })

/**
 * A real broker process whose log is a pipe that we hold. Right after a row is on disk, and before its answer leaves, the
 * row is logged: when the pipe is full, the broker stands still at just that point.
 */
class HeldBroker {
  readonly #process: ReturnType<typeof spawn>
  readonly #pipe: number

  private constructor(process: ReturnType<typeof spawn>, pipe: number) {
    this.#process = process
    this.#pipe = pipe
  }

  static async start(command: BrokerCommand, fifo: string): Promise<HeldBroker> {
    spawnSync('mkfifo', [fifo])
    const pipe = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK)
    const args = ['-c', `exec "$@" 2>'${fifo}'`, 'sh', process.execPath, ...command.arguments('serve')]
    const child = spawn('sh', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const broker = new HeldBroker(child, pipe)
    if (!child.stdout) throw new Error('it has no standard output')
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
    if (child.exitCode !== null) throw new Error(`the broker ended: ${broker.#drain()}`)
    return broker
  }

  /** Resolves when the log has said it; what was said until then is gone. */
  async untilLogged(text: string): Promise<void> {
    for (let said = ''; !said.includes(text); said += this.#drain()) await sleep(10)
  }

  hold(): void {
    for (const size of [65_536, 4_096, 1]) {
      try {
        for (;;) writeSync(this.#pipe, Buffer.alloc(size, ' '))
      } catch {
        // Full for this size.
      }
    }
  }

  async letGo(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) {
      this.#drain()
      await sleep(20)
    }
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    this.#process.kill('SIGKILL')
    await once(this.#process, 'exit')
  }

  async close(): Promise<void> {
    await this.kill()
    closeSync(this.#pipe)
  }

  #drain(): string {
    const buffer = Buffer.alloc(65_536)
    let said = ''
    try {
      for (;;) said += buffer.subarray(0, readSync(this.#pipe, buffer)).toString('utf8')
    } catch {
      return said
    }
  }
}

let stage: ExchangeStage
let command: BrokerCommand
let database: Database
let broker: HeldBroker | undefined
beforeEach(async () => {
  stage = await ExchangeStage.open()
  // Who is who is known from here on, and no form needs to be filled in any more.
  await stage.exchange(await stage.prepare())
  const { config } = stage.world.broker
  command = await BrokerCommand.of(stage.world, { listen: { port: config.listen.port } })
  await stage.world.stopBroker()
  database = await openDatabase(config.database)
})
afterEach(async () => {
  await broker?.close()
  broker = undefined
  await database.destroy()
  await stage.close()
})

let starts = 0
async function startBroker(): Promise<HeldBroker> {
  await broker?.close()
  starts += 1
  broker = await HeldBroker.start(command, join(stage.world.folder, `log-${starts}`))
  return broker
}

async function issuedRows(): Promise<(string | null)[]> {
  const rows = await database.selectFrom('audit').select('session_uuid').where('outcome', '=', 'issued').execute()
  return rows.map(({ session_uuid }) => session_uuid)
}

/** Someone who asks once and does not ask again. */
function askOnce(prepared: Parameters<ExchangeStage['exchange']>[0], signal: AbortSignal) {
  const fetchOnce = (url: string, init: RequestInit): Promise<Response> =>
    fetch(url, { ...init, signal: AbortSignal.any([signal, ...(init.signal ? [init.signal] : [])]) })
  return stage.exchange(prepared, {}, new BrokerClient(stage.world.broker.url, fetchOnce, systemClock))
}

test('a broker that is killed between the row and the answer leaves a row, and nobody has a session without one', async () => {
  const running = await startBroker()
  const prepared = await stage.prepareForged('ARTIST000001')
  // The line about the challenge must not be the one that stands still.
  await running.untilLogged('/challenge')
  running.hold()
  const outcome = codeOf(askOnce(prepared, new AbortController().signal))
  await vi.waitFor(async () => expect(await issuedRows()).toHaveLength(2), { timeout: 20_000 })
  expect(await Promise.race([outcome, sleep(300, 'no answer yet')])).toBe('no answer yet')
  await running.kill()
  expect(await outcome).not.toBe('ok')
  await startBroker()
  expect(await verifyDatabase(database)).toMatchObject({ sequence: 2 })
  expect(await codeOf(stage.exchange(prepared))).toBe('proof_rejected')
  expect(await codeOf(stage.exchange(await stage.prepareForged('ARTIST000001')))).toBe('ok')
  expect(await verifyDatabase(database)).toMatchObject({ sequence: 3 })
})

test('a client that goes away between the row and the answer leaves a row, and the broker goes on', async () => {
  const running = await startBroker()
  const prepared = await stage.prepareForged('ARTIST000001')
  // The line about the challenge must not be the one that stands still.
  await running.untilLogged('/challenge')
  running.hold()
  const gone = new AbortController()
  const outcome = codeOf(askOnce(prepared, gone.signal))
  await vi.waitFor(async () => expect(await issuedRows()).toHaveLength(2), { timeout: 20_000 })
  gone.abort()
  expect(await outcome).not.toBe('ok')
  await running.letGo()
  expect(await codeOf(stage.exchange(await stage.prepareForged('ARTIST000001')))).toBe('ok')
  expect(await verifyDatabase(database)).toMatchObject({ sequence: 3 })
})

test('a client that goes away before the session is made is given none, and its row says so', async () => {
  await startBroker()
  const prepared = await stage.prepareForged('ARTIST000001')
  stage.world.site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'delay', ms: 1_000 } })
  const gone = new AbortController()
  const outcome = codeOf(askOnce(prepared, gone.signal))
  await vi.waitFor(() => expect(stage.world.site.faults.list()).toHaveLength(0), { timeout: 20_000, interval: 10 })
  gone.abort()
  expect(await outcome).not.toBe('ok')
  await vi.waitFor(async () => expect(await verifyDatabase(database)).toMatchObject({ sequence: 2 }), {
    timeout: 20_000,
  })
  expect(await issuedRows()).toHaveLength(1)
})

test('a broker that is killed again and again under load has given out no session without a row', async () => {
  const given: (string | undefined)[] = []
  for (let round = 0; round < 6; round += 1) {
    const running = await startBroker()
    const end = new AbortController()
    const clients = Array.from({ length: 6 }, async () => {
      while (!end.signal.aborted) {
        try {
          given.push((await askOnce(await stage.prepareForged('ARTIST000001'), end.signal)).session_uuid)
        } catch {
          await sleep(20)
        }
      }
    })
    const before = given.length
    await vi.waitFor(() => expect(given.length).toBeGreaterThan(before + round), { timeout: 30_000, interval: 5 })
    await running.kill()
    end.abort()
    await Promise.all(clients)
  }
  const rows = new Set(await issuedRows())
  expect(given.length).toBeGreaterThan(6)
  expect(given.filter((uuid) => uuid === undefined || !rows.has(uuid))).toEqual([])
  await verifyDatabase(database)
})
