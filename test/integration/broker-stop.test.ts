import { afterEach, describe, expect, test, vi } from 'vitest'
import { type AuditEntry, AuditLog } from '../../src/broker/audit/audit-log.ts'
import { verifyDatabase } from '../../src/broker/audit/verify.ts'
import { Stops } from '../../src/broker/operation/stops.ts'
import { sandboxScripts } from '../sandbox/people.ts'
import { BrokerCommand } from './broker-command.ts'
import { ExchangeStage, type Prepared } from './exchange-stage.ts'
import { codeOf, silentLog, type WorldOptions } from './world.ts'

// Each command is a process of its own, and starting it takes most of a second on a machine that has time.
vi.setConfig({ testTimeout: 180_000 })

let stage: ExchangeStage
afterEach(() => stage.close())

async function open(options: Omit<WorldOptions, 'brokerClock'> = {}): Promise<BrokerCommand> {
  stage = await ExchangeStage.open(options)
  return BrokerCommand.of(stage.world)
}

/** People of the site who signed in before: the sandbox has too few. */
async function crowd(count: number): Promise<Prepared[]> {
  const { site, identity, broker } = stage.world
  const script = sandboxScripts.find(({ name }) => name === 'identity-broker')
  const made = []
  for (let at = 0; at < count; at += 1) {
    const login = `extra-${performance.now()}@studio.example`
    const fields = Object.entries({
      login,
      email: login,
      firstname: 'Extra',
      lastname: String(at),
      sg_status_list: 'dis',
    })
    const answer = await fetch(`${site.url}/api3/json`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        method_name: 'create',
        params: [
          { script_name: script?.name, script_key: script?.key },
          { type: 'HumanUser', fields: fields.map(([field_name, value]) => ({ field_name, value })) },
        ],
      }),
    })
    const answered = (await answer.json()) as { results?: { id: number } }
    const { results } = answered
    if (!results) throw new Error(`the site made no person: ${JSON.stringify(answered)}`)
    Object.assign(site.person(`user-${results.id}`), { status: 'act', role: 'artist' })
    const subject = `EXTRA${String(results.id).padStart(7, '0')}`
    await broker.database
      .insertInto('person')
      .values({
        ...{ site: site.url, issuer: identity.issuer, subject, user_id: results.id, login },
        ...{ matched_by: 'operator', matched_email: null, set_by: 'test', created_at: 0 },
      })
      .execute()
    made.push(await stage.prepareForged(subject))
  }
  return made
}

const outcomesOf = (prepared: readonly Prepared[]): Promise<string[]> =>
  Promise.all(prepared.map((one) => codeOf(stage.exchange(one))))
const countOf = (all: readonly string[], one: string): number => all.filter((outcome) => outcome === one).length

describe('the switch', () => {
  test('stops everything from another process, while the broker runs, and takes it up again', async () => {
    const command = await open()
    expect(await codeOf(stage.exchange(await stage.prepare()))).toBe('ok')
    const prepared = await stage.prepare()
    expect(await command.run('stop', '--reason', 'a script key leaked')).toMatchObject({
      status: 0,
      stdout: 'everything is stopped\n',
    })
    await expect(stage.exchange(prepared)).rejects.toMatchObject({
      code: 'broker_stopped',
      message: expect.stringContaining('a script key leaked'),
    })
    expect(await command.run('stop', '--reason', 'again')).toMatchObject({
      stdout: expect.stringMatching(/^everything was stopped already, by .+: a script key leaked\n$/),
    })
    expect(await command.run('resume')).toMatchObject({ status: 0, stdout: 'everything goes on\n' })
    expect(await codeOf(stage.exchange(prepared))).toBe('ok')
    expect((await stage.auditRows()).map(({ event, outcome, detail }) => `${event} ${outcome} ${detail}`)).toEqual([
      'exchange issued ',
      'stop done a script key leaked',
      'stop done again',
      expect.stringMatching(/^resume done was stopped by .+: a script key leaked$/),
      'exchange issued ',
    ])
  })

  test('stops one site, and another goes on', async () => {
    const command = await open({ twoSites: true })
    const { site, secondSite } = stage.world
    expect(await command.run('stop', '--site', `${site.url}/`, '--reason', 'x')).toMatchObject({
      stdout: `${site.url} is stopped\n`,
    })
    expect(await codeOf(stage.exchange(await stage.prepare()))).toBe('broker_stopped')
    expect(await codeOf(stage.exchange(await stage.prepare(), { site: secondSite?.url ?? '' }))).toBe('ok')
    expect(await command.run('resume')).toMatchObject({
      status: 71,
      stderr: expect.stringContaining(`"everything" is not stopped; stopped is: ${site.url}`),
    })
    expect(await command.run('resume', '--site', site.url)).toMatchObject({ stdout: `${site.url} goes on\n` })
    expect(await codeOf(stage.exchange(await stage.prepare()))).toBe('ok')
    expect((await stage.auditRows()).filter(({ event }) => event === 'resume')).toHaveLength(1)
  })

  test('refuses a site it does not know, and a stop without a reason', async () => {
    const command = await open()
    expect(await command.run('stop', '--site', 'https://typo.example', '--reason', 'x')).toMatchObject({
      status: 50,
      stderr: expect.stringContaining('"https://typo.example" is not a site of this broker'),
    })
    expect(await command.run('stop')).toMatchObject({ status: 2 })
    expect(await command.run('resume', '--site', 'https://typo.example')).toMatchObject({ status: 71 })
    expect(await stage.auditRows()).toEqual([])
    expect(await codeOf(stage.exchange(await stage.prepare()))).toBe('ok')
  })

  test('catches an exchange that is under way', async () => {
    await open()
    const { database } = stage.world.broker
    const prepared = await stage.prepare()
    stage.world.site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'delay', ms: 2_000 } })
    const outcome = codeOf(stage.exchange(prepared))
    while (stage.world.site.faults.list().length > 0) await new Promise((resolve) => setTimeout(resolve, 20))
    const auditLog = new AuditLog(database, stage.clock, silentLog)
    await new Stops(database, stage.clock).stop('*', 'x', 'operator', auditLog)
    expect(await outcome).toBe('broker_stopped')
    expect((await stage.auditRows()).map((row) => row.outcome)).toEqual(['done', 'broker_stopped'])
  })
})

describe('too many people', () => {
  test('exactly as many as are allowed get a session; the next one stops the site, and each has a row', async () => {
    const command = await open({ limits: { people: { most: 10, minutes: 10 } } })
    const prepared = await crowd(30)
    // All are past the first look at the switch before the first of them has anything.
    stage.world.site.faults.inject({ path: '/api3/json', does: { kind: 'delay', ms: 3_000 } })
    const outcomes = await outcomesOf(prepared)
    stage.clearFaults()
    expect([countOf(outcomes, 'ok'), countOf(outcomes, 'broker_stopped')]).toEqual([10, 20])
    const rows = await stage.auditRows()
    expect([
      countOf(
        rows.map((row) => row.outcome),
        'issued',
      ),
      countOf(
        rows.map((row) => row.outcome),
        'broker_stopped',
      ),
    ]).toEqual([10, 20])
    expect(rows.filter(({ event }) => event === 'stop')).toMatchObject([
      { actor: 'alarm', outcome: 'done', site: stage.world.site.url, detail: 'more than 10 people within 10 minutes' },
    ])
    expect(rows).toHaveLength(31)
    await verifyDatabase(stage.world.broker.database)
    expect(await stage.world.broker.database.selectFrom('stop').selectAll().execute()).toMatchObject([
      { scope: stage.world.site.url, stopped_by: 'alarm' },
    ])

    // The people of before do not stop it again; ten more do.
    expect(await command.run('resume', '--site', stage.world.site.url)).toMatchObject({ status: 0 })
    const more = await outcomesOf(await crowd(10))
    expect(countOf(more, 'ok')).toBe(10)
    expect(await outcomesOf(await crowd(1))).toEqual(['broker_stopped'])
    expect((await stage.auditRows()).filter(({ event }) => event === 'stop')).toHaveLength(2)
  })

  test('are not the same person again and again, nor those of an earlier time or another site', async () => {
    await open({ limits: { people: { most: 2, minutes: 10 } }, twoSites: true })
    const { site, secondSite, broker } = stage.world
    const issue = (subject: string, at: number, where = site): Promise<void> =>
      new AuditLog(broker.database, { now: () => at }, silentLog).write({
        ...{ event: 'exchange', actor: subject, subject, site: where.url, outcome: 'issued', detail: '' },
      } as AuditEntry)
    await issue('EARLIER', Date.now() - 11 * 60_000)
    await issue('ELSEWHERE', Date.now(), secondSite)
    for (let turn = 0; turn < 5; turn += 1) expect(await codeOf(stage.exchange(await stage.prepare()))).toBe('ok')
    expect(await codeOf(stage.exchange(await stage.prepare('supervisor')))).toBe('ok')
    expect(await codeOf(stage.exchange(await stage.prepare()))).toBe('ok')
    expect(await outcomesOf(await crowd(1))).toEqual(['broker_stopped'])
  })

  test('a clock that is set back stops too early rather than too late', async () => {
    await open({ limits: { people: { most: 1, minutes: 10 } } })
    stage.clock.jump(20_000)
    expect(await codeOf(stage.exchange(await stage.prepare()))).toBe('ok')
    stage.clock.jump(-20_000)
    expect(await codeOf(stage.exchange(await stage.prepare('supervisor')))).toBe('broker_stopped')
  })
})

describe('status', () => {
  test('says what is stopped and why, who is there, and where the audit is', async () => {
    const command = await open()
    const { site, broker } = stage.world
    const kind = 'file' in broker.config.database ? 'SQLite' : 'PostgreSQL'
    await stage.exchange(await stage.prepare())
    await stage.exchange(await stage.prepare())
    await stage.exchange(await stage.prepare('supervisor'))
    const head = await verifyDatabase(broker.database)
    const before = await command.run('status')
    expect(before.stderr).toBe('')
    expect(before.stdout.replaceAll(/ {2,}/g, '  ').split('\n')).toEqual([
      'nothing is stopped',
      'site  shape  people  gateway sessions',
      `${site.url}  session  2 in 10 minutes, 2 in 24 hours  0`,
      `database ${kind}, audit ${head.sequence}:${head.hash}`,
      '',
    ])
    await command.run('stop', '--site', site.url, '--reason', 'key\u001b[2J leaked')
    expect((await command.run('status')).stdout).toMatch(
      new RegExp(`^STOPPED +since +by +reason\n${site.url}  \\d{4}-\\S+Z  \\S.*  key\uFFFD\\[2J leaked\n`),
    )
    expect(JSON.parse((await command.run('status', '--json')).stdout)).toMatchObject({
      stops: [{ scope: site.url, reason: 'key\u001b[2J leaked' }],
      sites: [{ site: site.url, shape: { is: 'session' }, people: { tenMinutes: 2, day: 2 }, gatewaySessions: 0 }],
      database: kind,
    })
  })
})

describe('the shape of a site', () => {
  test('is said with its reason; forgotten, it is asked again', async () => {
    const command = await open({ broker: { issue: 'auto' } })
    const { site } = stage.world
    expect((await command.run('site', 'shape')).stdout).toBe(
      `${site.url}: undecided: the next exchange asks the site\n`,
    )
    expect(await command.run('site', 'forget-shape', '--site', site.url)).toMatchObject({
      status: 71,
      stderr: expect.stringContaining('nothing is known'),
    })
    await stage.exchange(await stage.prepare())
    expect((await command.run('site', 'shape', '--site', site.url)).stdout).toMatch(
      new RegExp(
        `^${site.url}: session, since \\S+Z: the site made the session of HumanUser \\d+ when asked for it\n$`,
      ),
    )
    expect((await command.run('status')).stdout).toContain('session (auto, ')
    // From now on the site makes the script's session; the broker does not know it yet.
    site.switches.sudoSessionOwner = 'script'
    expect(await codeOf(stage.exchange(await stage.prepare()))).toBe('session_owner_mismatch')
    expect((await command.run('site', 'forget-shape', '--site', site.url)).stdout).toBe(
      `${site.url}: session is forgotten; the next exchange asks the site\n`,
    )
    expect(await codeOf(stage.exchange(await stage.prepare()))).toBe('ok')
    expect((await command.run('site', 'shape')).stdout).toContain(`${site.url}: gateway, since `)
    expect((await command.run('status')).stdout).toMatch(/ {2}1\n/)
    expect((await stage.auditRows()).filter(({ event }) => event === 'shape')).toMatchObject([
      { actor: 'sg-broker', shape: 'session' },
      { shape: null, detail: 'to be asked again' },
      { actor: 'sg-broker', shape: 'gateway' },
    ])
  })

  test('that the configuration fixes is said to be fixed', async () => {
    const command = await open()
    expect((await command.run('site', 'shape')).stdout).toBe(`${stage.world.site.url}: session, as configured\n`)
    expect(await command.run('site', 'shape', '--site', 'https://typo.example')).toMatchObject({ status: 50 })
  })
})
