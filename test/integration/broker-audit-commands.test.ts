import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { verifyDatabase } from '../../src/broker/audit/verify.ts'
import { untilSaid } from '../sandbox/processes.ts'
import { BrokerCommand, runWithout } from './broker-command.ts'
import { ExchangeStage } from './exchange-stage.ts'
import { dropAuditTriggers, ownDatabase } from './owned-database.ts'
import { streamReceiver } from './syslog-receivers.ts'
import { codeOf } from './world.ts'

// Each command is a process of its own, and starting it takes most of a second on a machine that has time.
vi.setConfig({ testTimeout: 180_000 })

let stage: ExchangeStage
let command: BrokerCommand
let head: string
let secrets: string[]
beforeAll(async () => {
  stage = await ExchangeStage.open()
  command = await BrokerCommand.of(stage.world)
  const prepared = await stage.prepare()
  const answer = await stage.exchange(prepared)
  expect(await codeOf(stage.exchange(await stage.prepare('admin')))).toBe('privileged_account')
  secrets = [
    answer.access_token,
    prepared.idToken,
    prepared.accessToken,
    prepared.signInChallenge,
    'script-key-with-sudo',
  ]
  const { sequence, hash } = await verifyDatabase(stage.world.broker.database)
  head = `${sequence}:${hash}`
})
afterAll(() => stage.close())

describe('audit verify', () => {
  test('says that the audit is whole, and its head on the last line', async () => {
    expect(await command.run('audit', 'verify')).toEqual({
      status: 0,
      stdout: `the audit is whole, up to row 2\n${head}\n`,
      stderr: '',
    })
    expect(await command.run('audit', 'verify', '--expect', head)).toMatchObject({ status: 0 })
  })

  test('ends with the status of audit_broken when a noted head is not in it', async () => {
    expect(await command.run('audit', 'verify', '--expect', `2:${'0'.repeat(64)}`)).toMatchObject({
      status: 74,
      stdout: '',
      stderr: expect.stringContaining('sg-broker: row 2 is not the one that was noted'),
    })
    expect(await command.run('audit', 'verify', '--expect', '2')).toMatchObject({ status: 2 })
  })

  test('takes an export, where there is neither configuration nor database', async () => {
    const file = join(stage.world.folder, 'export.jsonl')
    expect(await command.run('audit', 'export', '--file', file)).toEqual({ status: 0, stdout: '', stderr: '' })
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe('600')
    expect(await runWithout('audit', 'verify', '--file', file, '--expect', head)).toEqual({
      status: 0,
      stdout: `"${file}" is whole from row 1 on, up to row 2\n${head}\n`,
      stderr: '',
    })
    const part = join(stage.world.folder, 'part.jsonl')
    await writeFile(part, (await readFile(file, 'utf8')).split('\n')[1] ?? '')
    expect((await runWithout('audit', 'verify', '--file', part)).stdout).toBe(
      `"${part}" follows from row 1, which is not in it, up to row 2\n${head}\n`,
    )
    expect(await runWithout('audit', 'verify', '--file', `${file}.no`)).toMatchObject({
      status: 71,
      stderr: expect.stringContaining('"--file"'),
    })
    expect(await runWithout('audit', 'verify')).toMatchObject({
      status: 71,
      stderr: expect.stringContaining('"--config"'),
    })
    // What is there is not overwritten.
    expect(await command.run('audit', 'export', '--file', file)).toMatchObject({
      status: 71,
      stderr: expect.stringContaining('EEXIST'),
    })
    expect(await readFile(file, 'utf8')).not.toBe('')
  })
})

describe('audit export and list', () => {
  test('write to standard output what was asked for', async () => {
    const { stdout } = await command.run('audit', 'export', '--person', 'artist@studio.example', '--since', '1')
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ sequence: 1, outcome: 'issued' }])
    const csv = await command.run(
      'audit',
      'export',
      '--format',
      'csv',
      '--site',
      stage.world.site.url,
      '--since',
      '2020-01-01',
    )
    expect(csv.stdout.trim().split('\n')).toHaveLength(3)
    expect(await command.run('audit', 'export', '--since', 'yesterday')).toMatchObject({ status: 2 })
  })

  test('show the last rows to people', async () => {
    const { stdout } = await command.run('audit', 'list')
    const [header, first, second] = stdout.split('\n')
    expect(header).toMatch(/^row {2}time +event +who +site +outcome +detail$/)
    expect(first).toMatch(/^1 +\S+Z +exchange +artist@studio\.example +http\S+ +issued$/)
    expect(second).toMatch(/^2 +\S+Z +exchange +ADMIN0000012 +http\S+ +privileged_account +\S/)
  })

  test('hold no secret', async () => {
    const { stdout } = await command.run('audit', 'export')
    expect(secrets.filter((secret) => secret === '' || stdout.includes(secret))).toEqual([])
  })
})

test('the broker and its commands send what they wrote to syslog, the last rows before they end too', async () => {
  const receiver = await streamReceiver()
  const { port } = stage.world.broker.config.listen
  const change = { listen: { port }, audit: { syslog: { protocol: 'tcp', port: receiver.port } } }
  const withSyslog = await BrokerCommand.of(stage.world, change)
  await withSyslog.run('stop', '--reason', 'x')
  await withSyslog.run('resume')
  expect(receiver.messages.map((message) => message.slice(0, 4))).toEqual(['<81>', '<86>'])
  await stage.world.stopBroker()
  const running = withSyslog.start('serve')
  try {
    await untilSaid(running, 'serves', 60_000)
    expect(await codeOf(stage.exchange(await stage.prepare()))).toBe('ok')
    expect(await running.stop()).toBe(0)
    expect(receiver.messages.at(-1)).toMatch(/^<86>1 .* \{"sequence":5,.*"outcome":"issued"/)
    expect(receiver.messages).toHaveLength(3)
  } finally {
    await running.stop('SIGKILL')
    await receiver.close()
    await stage.world.restartBroker()
  }
})

test('audit verify finds what the owner of the database did', async () => {
  const location = stage.world.broker.config.database
  const owned = await ownDatabase(location)
  await dropAuditTriggers(owned, location)
  await owned.run(`UPDATE audit SET login = 'nobody' WHERE sequence = 1`)
  await owned.close()
  expect(await command.run('audit', 'verify')).toMatchObject({
    status: 74,
    stdout: '',
    stderr: expect.stringMatching(/^sg-broker: row 1 was changed\nKeep the database as it is/),
  })
})
