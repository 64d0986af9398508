import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { SystemLog, systemLogger, type systemLogLimits } from '../../src/audit/system-log.ts'
import type { AgentError } from '../../src/errors.ts'
import type { Running } from '../sandbox/processes.ts'
import { unixReceiver } from './syslog-receivers.ts'

/** A busy machine is no failure. */
const patiently = { timeout: 20_000 }

const own = systemLogger()
const loggerMissing = own && existsSync(own.program) ? undefined : 'there is no logger here'

let folder: string
let socket: string
let receiver: Running | undefined
let problems: (AgentError | undefined)[]
const logs: SystemLog[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-syslog-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(({ skip }) => {
  if (loggerMissing) skip(loggerMissing)
  socket = join(folder, `log-${logs.length}`)
  problems = []
})
afterEach(async () => {
  await Promise.all(logs.map((log) => log.close()))
  await receiver?.stop('SIGKILL')
  receiver = undefined
})

function systemLog(limits: Partial<typeof systemLogLimits> = {}): SystemLog {
  if (!own) throw new Error('there is no logger')
  const logger = { program: own.program, args: [...own.args, '--socket', socket] }
  const onProblem = (problem: AgentError | undefined): void => void problems.push(problem)
  const quick = { firstRetryMs: 50, lastRetryMs: 200, provenMs: 200, ...limits }
  const log = new SystemLog({ logger, onProblem, limits: quick }, (count) => `lost ${count}`)
  logs.push(log)
  return log
}

/** What the receiver was sent, without the head of each message. */
function received(): string[] {
  return (receiver?.stdout() ?? '').split('\n').flatMap((line) => / sg-session: (.*)$/.exec(line)?.slice(1) ?? [])
}

async function listen(): Promise<void> {
  await rm(socket, { force: true })
  receiver = await unixReceiver(socket, 'dgram')
}

describe('the system’s log', () => {
  test('hears each line whole, by the tag and the facility for what is private, also a long one', async () => {
    await listen()
    const log = systemLog()
    const long = JSON.stringify({ executable: 'x'.repeat(3_000) })
    for (const line of ['{"method":"session/get"}', long, '{"name":"日本語 ✓"}']) log.write(line)
    await expect.poll(received, patiently).toEqual(['{"method":"session/get"}', long, '{"name":"日本語 ✓"}'])
    // authpriv (10) × 8 + info (6). RFC 3164 §4.1.1
    expect(receiver?.stdout()).toMatch(/^<86>/m)
    expect(problems).toEqual([])
  })

  test('is fed through standard input: no line is an argument, and nothing of our environment goes with it', async () => {
    await listen()
    const log = systemLog()
    log.write('{"site":"https://studio.example"}')
    await expect.poll(received, patiently).toHaveLength(1)
    const [pid = ''] = await loggersAt(socket)
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('studio.example')
    expect(await readFile(`/proc/${pid}/environ`, 'utf8')).toBe('')
    await log.close()
    await expect.poll(() => loggersAt(socket), patiently).toEqual([])
  })

  test('that is not there is said once, and what waited is handed over when it comes', async () => {
    const log = systemLog()
    log.write('one')
    log.write('two')
    await expect.poll(() => problems.length, patiently).toBe(1)
    expect(problems[0]?.message).toMatch(/does not reach the system’s log.*No such file/)
    log.write('three')
    await listen()
    await expect.poll(() => problems.length, patiently).toBe(2)
    expect(problems[1]).toBeUndefined()
    await expect.poll(received, patiently).toEqual(['one', 'two', 'three'])
  })

  test('that is started again is spoken to again', async () => {
    await listen()
    const log = systemLog()
    log.write('before')
    await expect.poll(received, patiently).toEqual(['before'])
    await receiver?.stop('SIGKILL')
    // Datagrams are not answered: the logger notices with a line or two that go nowhere.
    await expect
      .poll(() => {
        log.write('nobody listens')
        return problems.length
      }, patiently)
      .toBeGreaterThan(0)
    await listen()
    log.write('after')
    await expect.poll(() => received().includes('after'), patiently).toBe(true)
  })

  test('whose logger is killed gets another one', async () => {
    await listen()
    const log = systemLog()
    log.write('one')
    await expect.poll(received, patiently).toEqual(['one'])
    const [pid = ''] = await loggersAt(socket)
    process.kill(Number(pid), 'SIGKILL')
    await expect.poll(() => problems.length, patiently).toBe(1)
    log.write('two')
    await expect.poll(received, patiently).toEqual(['one', 'two'])
  })

  test('gets what was lost while too much waited as a number', async () => {
    const log = systemLog({ waitingLines: 10 })
    log.write('first')
    await expect.poll(() => problems.length, patiently).toBe(1)
    for (let line = 1; line <= 25; line += 1) log.write(`line ${line}`)
    await listen()
    const last = Array.from({ length: 10 }, (_, index) => `line ${index + 16}`)
    await expect.poll(received, patiently).toEqual(['lost 16', ...last])
  })

  test('gets what was written right before the end', async () => {
    await listen()
    const log = systemLog()
    for (let line = 0; line < 500; line += 1) log.write(`line ${line}`)
    await log.close()
    await expect.poll(received, patiently).toHaveLength(500)
  })

  test('keeps nobody waiting at the end, though its logger hangs', async () => {
    await listen()
    const log = systemLog({ closeMs: 100 })
    log.write('one')
    await expect.poll(received, patiently).toEqual(['one'])
    const [pid = ''] = await loggersAt(socket)
    process.kill(Number(pid), 'SIGSTOP')
    await log.close()
    await expect.poll(() => loggersAt(socket), patiently).toEqual([])
  })
})

test('Windows has none; macOS and Linux have it in the same place', () => {
  expect(systemLogger('win32')).toBeUndefined()
  expect(systemLogger('darwin')).toEqual({
    program: '/usr/bin/logger',
    args: ['-t', 'sg-session', '-p', 'authpriv.info'],
  })
  expect(systemLogger('linux')?.program).toBe('/usr/bin/logger')
})

async function loggersAt(at: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = pids.map(async (pid) => {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    return line.startsWith('/usr/bin/logger\0') && line.includes(`\0${at}\0`) ? [pid] : []
  })
  return (await Promise.all(found)).flat()
}
