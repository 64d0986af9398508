import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { LinkedRow } from '../../src/broker/people/people-rows.ts'
import { syncPeople } from '../../src/broker/people/sync-people.ts'
import { changeOnSite, Operator } from './people-stage.ts'
import { codeOf, startWorld, type World } from './world.ts'

let world: World
let operator: Operator
beforeAll(async () => {
  world = await startWorld()
  operator = await Operator.at(world)
})
afterAll(() => world.close())
afterEach(async () => {
  await world.broker.database.deleteFrom('person').execute()
  await world.broker.database.deleteFrom('expected_person').execute()
})

const keys = ['artist', 'supervisor', 'no-pat', 'deleted-pat', 'two-factor', 'admin'] as const
const rows = () => operator.changes().list([world.site.url])

function linkedRow(key: string, userId = world.site.person(key).id): LinkedRow {
  const { login } = world.site.person(key)
  const account = { issuer: world.identity.issuer, subject: `SUBJECT OF ${key}` }
  const made = { matchedBy: 'operator', setBy: 'tester', createdAt: 1 } as const
  return { site: world.site.url, account, email: undefined, userId, login, ...made }
}

async function sync(removeGone: boolean) {
  const [site] = operator.parts().sites
  if (!site) throw new Error('the broker has no site')
  return syncPeople(site, operator.changes(), { by: 'tester', removeGone, onProgress() {} })
}

test('what has become of people on the site is reported; a new login is taken over, and is in the audit', async () => {
  await operator.changes().add(
    keys.slice(0, 5).map((key) => linkedRow(key)),
    'tester',
    'set',
  )
  const { login } = world.site.person('two-factor')
  const address = { ...linkedRow('shared-a'), account: undefined, email: 'a@x' }
  await operator.changes().add([address], 'tester', 'set')
  await changeOnSite(world, 'artist', { login: 'renamed' })
  await changeOnSite(world, 'shared-a', { login: 'renamed-too' })
  await changeOnSite(world, 'supervisor', { status: 'dis' })
  await changeOnSite(world, 'no-pat', { role: 'admin', canImpersonate: false })
  await changeOnSite(world, 'deleted-pat', { retired: true })

  const ran = await operator.run('people', 'sync')
  expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('6 rows, 6 findings, 2 changes') })
  const lines = ran.stdout.split('\n').slice(2, -1)
  expect(lines.map((line) => line.replace(/^.*?(SUBJECT OF \S+|a@x) +/, '').replace(/ {2,}/g, ' | '))).toEqual([
    'the login was "artist@studio.example", is "renamed" | login taken over',
    'the HumanUser was deleted',
    '"can impersonate this user" is turned off',
    'the permission group is "admin"',
    'the login was "shared-a", is "renamed-too" | login taken over',
    'the HumanUser is disabled',
  ])
  const logins = (await rows()).map((row) => row.login)
  expect(logins).toEqual(expect.arrayContaining(['renamed', 'renamed-too', 'deleted-pat', login]))
  expect((await operator.auditRows()).slice(-2).map(({ detail }) => detail)).toEqual([
    expect.stringContaining('is "renamed", was "artist@studio.example"'),
    expect.stringContaining('is "renamed-too", was "shared-a"'),
  ])

  // Once more there is nothing left to take over; the deleted user's row goes when that is asked for.
  expect((await sync(false)).made).toEqual([])
  expect((await sync(true)).made).toMatchObject([{ gone: true, row: { login: 'deleted-pat' } }])
  expect((await rows()).map((row) => row.login)).not.toContain('deleted-pat')
  expect((await operator.auditRows()).at(-1)?.detail).toMatch(/^sync: removed, deleted at the site: HumanUser/)
  await changeOnSite(world, 'artist', { login: 'artist@studio.example' })
  await changeOnSite(world, 'shared-a', { login: 'shared-a' })
  await changeOnSite(world, 'supervisor', { status: 'act' })
  await changeOnSite(world, 'no-pat', { role: 'artist', canImpersonate: true })
  await changeOnSite(world, 'deleted-pat', { retired: false })
})

test('users that the site does not show at all are reported, and never removed', async () => {
  await operator.changes().add([linkedRow('artist', 999_999)], 'tester', 'set')
  const { findings, made } = await sync(true)
  expect(findings.map(({ code }) => code)).toEqual(['missing'])
  expect(made).toEqual([])
  expect(await rows()).toHaveLength(1)
})

test('a row that was changed while the site was asked stays as it is now', async () => {
  await operator.changes().add([linkedRow('artist')], 'tester', 'set')
  const [row] = await rows()
  await operator.changes().remove(world.site.url, { login: 'artist@studio.example' }, 'tester')
  const other = { ...linkedRow('artist'), account: { issuer: world.identity.issuer, subject: 'OTHER' } }
  await operator.changes().add([other], 'tester', 'set')
  if (!row) throw new Error('no row was added')
  const before = await operator.auditRows()
  expect(await operator.changes().follow([{ row, gone: true }], 'tester')).toEqual([])
  expect(await rows()).toEqual([other])
  expect(await operator.auditRows()).toEqual(before)
})

test('a site that does not answer, or refuses the script, has nothing changed', async () => {
  await operator.changes().add([linkedRow('artist')], 'tester', 'set')
  await changeOnSite(world, 'artist', { login: 'renamed' })
  const before = await rows()
  for (const [fault, code] of [
    [{ status: 500, body: '' }, 'site_unreachable'],
    [{ status: 200, body: '{"exception":true,"message":"no","error_code":102}' }, 'temporarily_unavailable'],
  ] as const) {
    world.site.faults.inject({ path: '/api3/json', does: { kind: 'status', ...fault } })
    expect(await codeOf(sync(true))).toBe(code)
    world.site.faults.clear()
  }
  expect(await rows()).toEqual(before)
  await changeOnSite(world, 'artist', { login: 'artist@studio.example' })
})
