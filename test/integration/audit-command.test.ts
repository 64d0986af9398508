import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readAudit } from '../../src/audit/read-audit.ts'
import { describeLine } from '../../src/cli/audit-command.ts'
import { momentOf } from '../../src/cli/moment.ts'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import {
  commandLineProgram,
  compileCache,
  type Finished,
  finished,
  type Running,
  startProcess,
  untilSaid,
} from '../sandbox/processes.ts'
import { codeOf } from './world.ts'

/** A busy machine is no failure. */
const patiently = { timeout: 20_000 }

/** The real agent and the real command line, of an artist who is signed in nowhere. */
let home: string
let agent: Running | undefined
const site = 'https://studio.example'
const auditFile = (): string => join(home, 'audit', 'of', 'mine.jsonl')
const environment = (): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: home,
  XDG_CONFIG_HOME: join(home, 'config'),
  XDG_STATE_HOME: join(home, 'state'),
  SG_SESSION_ENDPOINT: join(home, 'run', 'endpoint.json'),
  TZ: 'UTC',
  ...compileCache,
})
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'sg-session-audit-'))
  await mkdir(join(home, 'config', 'sg-session'), { recursive: true })
  const settings = { sites: [{ url: site }], tools: { consent: 'allow-all' }, audit: { file: '~/audit/of/mine.jsonl' } }
  await writeFile(join(home, 'config', 'sg-session', 'settings.json'), JSON.stringify(settings))
})
afterAll(async () => {
  await agent?.stop()
  await rm(home, { recursive: true, force: true })
})

const start = (...args: string[]): Running =>
  startProcess(process.execPath, [commandLineProgram, ...args], environment())
const run = (...args: string[]): Promise<Finished> => finished(start(...args))

async function startAgent(): Promise<void> {
  agent = start('agent')
  await untilSaid(agent, 'is ready', 30_000)
}

/** Asks for what there is none of, in several ways, until the agent is gone. */
async function askUntilItIsGone(onRound: () => void = () => undefined): Promise<void> {
  const client = new AgentClient({
    endpointFiles: [join(home, 'run', 'endpoint.json')],
    caller: { name: 'maya', version: '1' },
  })
  const ways = [() => client.getSession(), () => client.getRestToken(), () => client.signOut()]
  for (let code = 'ok'; code === 'ok' || code === 'login_required'; ) {
    for (const way of ways) code = await codeOf(way())
    onRound()
  }
  client.close()
}

test('whatever kills the agent, each line is whole, and the next agent goes on behind it', async () => {
  for (let round = 1; round <= 3; round += 1) {
    await startAgent()
    const asking = askUntilItIsGone()
    await expect.poll(async () => (await countOf('rest/get')) >= round, patiently).toBe(true)
    await agent?.stop('SIGKILL')
    await asking
  }
  const { lines, unreadable } = await readAudit(auditFile(), { most: 100_000 })
  expect(unreadable).toBeLessThanOrEqual(3)
  expect(new Set(lines.map(({ outcome }) => outcome))).toContain('login_required')
  expect(lines.map(({ time }) => time)).toEqual(lines.map(({ time }) => time).sort())
})

async function countOf(method: string): Promise<number> {
  const { lines } = await readAudit(auditFile(), { most: 100_000 })
  return lines.filter((line) => line.method === method).length
}

test('what was counted and not yet written is written when the agent is stopped', async () => {
  await startAgent()
  let rounds = 0
  const asking = askUntilItIsGone(() => {
    rounds += 1
  })
  // The first of a kind is written at once, what is like it is counted.
  await expect.poll(() => rounds > 3, patiently).toBe(true)
  expect(await agent?.stop()).toBe(0)
  await asking
  agent = undefined
  const text = await readFile(auditFile(), 'utf8')
  expect(text.endsWith('\n')).toBe(true)
  expect(text).toMatch(/"count":(?!1\D)\d/)
})

describe('sg-session audit, without an agent', () => {
  test('says who asked for what, a line each', async () => {
    const { status, stdout, stderr } = await run('audit', '--last', '2')
    expect(status).toBe(0)
    const rows = stdout.trim().split('\n')
    expect(rows).toHaveLength(2)
    for (const row of rows) {
      expect(row).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}node\S* .*\d+ +\S+\/?\S*/)
      expect(row).toContain('says it is maya 1')
    }
    expect(stderr).toContain('--last shows more')
  })

  test('says it to programs as it stands in the file', async () => {
    const { status, stdout } = await run('audit', '--json', '--since', '1d', '--last', '3')
    expect(status).toBe(0)
    const lines = (await readFile(auditFile(), 'utf8')).trim().split('\n').slice(-3)
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(lines.map((line) => JSON.parse(line)))
  })

  test('goes on with what is added, until it is interrupted', async () => {
    const following = start('audit', '--last', '1', '--follow')
    await untilSaid(following, 'says it is', 20_000)
    const added = { claimedName: 'nuke', claimedVersion: '16', pid: 7, method: 'signOut', scope: 'status' }
    const line = { time: new Date().toISOString(), ...added, outcome: 'ok', ms: 1, count: 1 }
    await writeFile(auditFile(), `${JSON.stringify(line)}\n`, { flag: 'a' })
    await untilSaid(following, 'says it is nuke 16', 20_000)
    await following.stop('SIGINT')
  })

  test('writes nothing to the terminal that is not to be seen, whoever has put it into the file', () => {
    const said = describeLine({
      ...{ time: new Date().toISOString(), pid: 7, scope: 'status', ms: 1, count: 1, site },
      ...{ executable: '/opt/\u001b]0;x\u0007maya', method: 'a\u001b[2J', outcome: 'ok\r\n' },
      ...{ claimedName: '\u202eayam', claimedVersion: '1\u009b2J' },
    })
    expect(said).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
    expect(said).toContain('maya')
  })

  test('refuses a moment that is none', async () => {
    const { status, stderr } = await run('audit', '--since', 'yesterday')
    expect(status).toBe(2)
    expect(stderr).toContain('must be like 90m')
  })
})

test.each([
  ['90m', 5_400_000],
  ['12h', 43_200_000],
  ['7d', 604_800_000],
])('%s is so long ago', (text, ms) => expect(momentOf(text, 1_000_000_000_000)).toBe(1_000_000_000_000 - ms))

test('a moment is what ISO 8601 has', () => {
  expect(momentOf('2026-11-22T09:00:00Z', 0)).toBe(Date.UTC(2026, 10, 22, 9))
  expect(momentOf('2026-11-22', 0)).toBe(Date.UTC(2026, 10, 22))
  for (const text of ['', '7', '7w', '-1d', 'yesterday', '2026-13-01', '22.11.2026'])
    expect(momentOf(text, 0)).toBeUndefined()
})
