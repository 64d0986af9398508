import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { BrokerSite } from '../../src/broker/config.ts'
import { reportSite } from '../../src/broker/people/preflight.ts'
import { hasProblems, preflightReportSchema, type SiteReport } from '../../src/broker/people/preflight-report.ts'
import { ScriptedSite } from '../../src/broker/scripted-site.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { personNamed, sandboxPeople } from '../sandbox/people.ts'
import { ExchangeStage } from './exchange-stage.ts'
import { addPeopleToSite, changeOnSite, Operator } from './people-stage.ts'
import { codeOf, nodeFetch } from './world.ts'

let stage: ExchangeStage
let operator: Operator
beforeAll(async () => {
  stage = await ExchangeStage.open()
  operator = await Operator.at(stage.world)
})
afterAll(() => stage.close())
afterEach(async () => {
  stage.clearFaults()
  await stage.world.broker.database.deleteFrom('person').execute()
  await stage.world.broker.database.deleteFrom('expected_person').execute()
})

async function report(policy: Partial<BrokerSite> = {}, onProgress: (said: string) => void = () => {}) {
  const { sites, database, shapes } = operator.parts()
  const [site] = sites
  if (!site) throw new Error('the broker has no site')
  const asked = new ScriptedSite({ ...site.policy, ...policy }, nodeFetch)
  return reportSite(asked, { fetch: nodeFetch, database, shapes, onProgress })
}

const script = (name: string, key: string) => ({ name, key: new Secret(key) })
const goodScript = script('identity-broker', 'script-key-with-sudo')
const scriptWithoutSudo = script('nightly-report', 'script-key-without-sudo')

/** Of the seeded person with this key. */
function verdictOn({ users }: SiteReport, key: string) {
  const found = users.find(({ user_id }) => user_id === stage.world.site.person(key).id)
  if (!found) throw new Error(`"${key}" is not in the report`)
  const codes = (list: readonly { code: string }[]) => list.map(({ code }) => code)
  return { ready: found.ready, problems: codes(found.problems), notes: codes(found.notes) }
}

/** By key, for every one who has a user on the site. */
const verdicts: Readonly<Record<string, { problems?: string[]; notes?: string[] }>> = {
  artist: {},
  supervisor: { notes: ['login_differs_from_email'] },
  'shared-a': { problems: ['shared_email'], notes: ['login_differs_from_email'] },
  'shared-b': { problems: ['shared_email'], notes: ['login_differs_from_email'] },
  disabled: { problems: ['disabled'] },
  retired: { problems: ['retired', 'reused_login'] },
  reused: { notes: ['login_differs_from_email', 'reused_login'] },
  'no-impersonation': { problems: ['impersonation_off'] },
  'no-pat': { notes: ['login_differs_from_email'] },
  'deleted-pat': { notes: ['login_differs_from_email'] },
  'no-passphrase': {},
  'two-factor': { notes: ['login_differs_from_email'] },
  admin: { problems: ['privileged'], notes: ['login_differs_from_email'] },
  'case-lower': { problems: ['shared_email'], notes: ['login_differs_from_email'] },
  'case-upper': { problems: ['shared_email'], notes: ['login_differs_from_email'] },
  // Whether Autodesk has verified an address cannot be seen from here.
  unverified: {},
}

describe('the verdict', () => {
  const onSite = sandboxPeople.filter(({ site }) => site).map(({ key }) => key)

  test('is there for every person of the sandbox, and no other', async () => {
    expect(Object.keys(verdicts)).toEqual(onSite)
    const { users } = await report()
    expect(users).toHaveLength(onSite.length)
    expect(users.map(({ login }) => login).sort()).toEqual(onSite.map((key) => personNamed(key).site?.login).sort())
  })

  for (const key of onSite) {
    const { problems = [], notes = [] } = verdicts[key] ?? {}
    test(`on "${key}" is ${problems.join(', ') || 'ready'}${notes.length > 0 ? `, and notes ${notes.join(', ')}` : ''}`, async () => {
      expect(verdictOn(await report(), key)).toEqual({ ready: problems.length === 0, problems, notes })
    })
  }

  test('comes true: whoever is said to be ready is signed in, and nobody else', async () => {
    const before = await report()
    for (const { key } of sandboxPeople.filter((person) => person.site && person.autodesk)) {
      const { ready } = verdictOn(before, key)
      const code = await codeOf(stage.exchange(await stage.prepare(key)))
      if (key === 'unverified') expect(code).toBe('account_not_mapped')
      else expect([key, code === 'ok']).toEqual([key, ready])
    }
    const after = await report()
    expect(verdictOn(after, 'artist').notes).toEqual(['linked'])
    const artist = after.users.find(({ login }) => login === 'artist@studio.example')
    expect(artist?.notes[0]?.says).toMatch(/"ARTIST000001" \(matched by e-mail address, first sign-in, /)
  })

  test('follows what an operator says of a shared address, and so does the sign-in', async () => {
    const { id, login } = stage.world.site.person('shared-a')
    const made = { matchedBy: 'operator', setBy: 'tester', createdAt: 1 } as const
    const row = {
      site: stage.world.site.url,
      account: undefined,
      email: 'shared@studio.example',
      userId: id,
      login,
      ...made,
    }
    await operator.changes().add([row], 'tester', 'set')
    const now = await report()
    expect(verdictOn(now, 'shared-a')).toMatchObject({ ready: true, notes: ['login_differs_from_email', 'expected'] })
    expect(verdictOn(now, 'shared-b')).toMatchObject({ problems: ['email_taken'] })
    expect(await stage.exchange(await stage.prepare('shared-a'))).toMatchObject({ login: 'shared-a' })
    expect(verdictOn(await report(), 'shared-a')).toMatchObject({
      ready: true,
      notes: ['login_differs_from_email', 'linked'],
    })
  })

  test('sees users without an address, of another domain, and administrators whom the policy names', async () => {
    await changeOnSite(stage.world, 'no-pat', { email: '' })
    await changeOnSite(stage.world, 'two-factor', { email: 'two-factor@other.example' })
    const seen = await report({ emailDomains: ['studio.example'], allowPrivileged: ['admin'] })
    await changeOnSite(stage.world, 'no-pat', { email: 'no-pat@studio.example' })
    await changeOnSite(stage.world, 'two-factor', { email: 'two-factor@studio.example' })
    expect(verdictOn(seen, 'no-pat')).toMatchObject({ problems: ['no_email'] })
    expect(verdictOn(seen, 'two-factor')).toMatchObject({ problems: ['email_domain'] })
    expect(verdictOn(seen, 'admin')).toMatchObject({ ready: true })
    expect(seen.totals.problems).toEqual({
      ...{
        shared_email: 4,
        disabled: 1,
        impersonation_off: 1,
        no_email: 1,
        email_domain: 1,
        retired: 1,
        reused_login: 1,
      },
    })
  })
})

describe('the site itself', () => {
  test('is asked whether it takes the script and lets it act for people, and no session is made', async () => {
    const sessions = stage.world.site.sessions().length
    const { scripts } = await report()
    expect(scripts).toEqual([{ name: 'identity-broker', taken: true, may_sudo: true, says: null }])
    expect(stage.world.site.sessions()).toHaveLength(sessions)
  })

  test('has each of two scripts asked by itself', async () => {
    const seen = await report({ scripts: [goodScript, script('identity-broker-next', 'wrong')] })
    expect(seen.scripts).toEqual([
      { name: 'identity-broker', taken: true, may_sudo: true, says: null },
      { name: 'identity-broker-next', taken: false, may_sudo: null, says: expect.stringContaining('does not let') },
    ])
    const { format, made_at } = { format: 'sg-broker preflight 1', made_at: new Date().toISOString() } as const
    expect(hasProblems({ format, made_at, sites: [{ ...seen, totals: { ...seen.totals, not_ready: 0 } }] })).toBe(true)
  })

  test('says when the script may not act for people', async () => {
    const [only] = (await report({ scripts: [scriptWithoutSudo] })).scripts
    expect(only).toMatchObject({ taken: true, may_sudo: false, says: expect.stringContaining("permission to 'sudo'") })
  })

  test('with nobody who is ready is not asked to act for anybody', async () => {
    const [only] = (await report({ permissionGroups: ['nobody'] })).scripts
    expect(only).toMatchObject({ taken: true, may_sudo: null, says: expect.stringContaining('nobody is ready') })
  })

  test('that takes no script, or does not answer, has no report', async () => {
    expect(await codeOf(report({ scripts: [script('identity-broker', 'wrong')] }))).toBe('temporarily_unavailable')
    stage.world.site.faults.inject({ path: '/api3/json', does: { kind: 'html' } })
    expect(await codeOf(report())).toBe('site_unreachable')
  })

  test('that answers users out of order is not believed to have answered all', async () => {
    const entities = [
      { id: 9, login: 'b' },
      { id: 8, login: 'a' },
    ]
    const body = JSON.stringify({ results: { entities } })
    stage.world.site.faults.inject({ path: '/api3/json', does: { kind: 'status', status: 200, body } })
    expect(await codeOf(report())).toBe('site_unreachable')
  })

  test('says which shape "auto" has chosen, once it has', async () => {
    expect((await report({ issue: 'auto' })).issue).toEqual({
      configured: 'auto',
      chosen: null,
      reason: null,
      chosen_at: null,
    })
    const { shapes, auditLog } = operator.parts()
    await shapes.choose(stage.world.site.url, 'gateway', 'the site made the script’s session', auditLog)
    expect((await report({ issue: 'auto' })).issue).toMatchObject({ chosen: 'gateway', reason: expect.any(String) })
    await shapes.forget(stage.world.site.url, 'tester', auditLog)
  })
})

describe('sg-broker preflight', () => {
  test('prints a table: the site, the totals, those who are not ready with what to do, those who are', async () => {
    const { status, stdout } = await operator.run('preflight')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^ {2}script "identity-broker": taken, may act for people$/m)
    expect(stdout).toMatch(/^16 users: 8 ready, 6 active and not ready, 1 disabled, 1 retired$/m)
    expect(stdout).toMatch(/^ {2}shared_email: 4$/m)
    expect(stdout).toMatch(/^ {2}reused_login \(stops nobody\): 1$/m)
    expect(stdout.match(/^(Not ready|Disabled|Retired|Ready)$/gm)).toEqual([
      'Not ready',
      'Disabled',
      'Retired',
      'Ready',
    ])
    expect(stdout).toMatch(/^admin +\d+ +admin@studio\.example +privileged: is in the permission group "admin"$/m)
    expect(stdout).toMatch(/^ +→ Let them sign in on the web site/m)
  })

  test('prints JSON of the documented shape, and fails on problems only when it is asked to', async () => {
    const file = join(stage.world.folder, 'report.json')
    const ran = await operator.run('preflight', '--json', '--file', file, '--fail-on-problems')
    expect(ran).toMatchObject({ status: 3, stdout: '' })
    const { sites, format } = preflightReportSchema.parse(JSON.parse(await readFile(file, 'utf8')))
    expect(format).toBe('sg-broker preflight 1')
    expect(sites[0]?.totals).toEqual({
      ...{ users: 16, ready: 8, not_ready: 6, disabled: 1, retired: 1 },
      problems: { shared_email: 4, disabled: 1, impersonation_off: 1, privileged: 1, retired: 1, reused_login: 1 },
      notes: { login_differs_from_email: 10, reused_login: 1 },
    })
    expect(sites[0]?.users.find(({ login }) => login === 'admin')).toEqual({
      user_id: stage.world.site.person('admin').id,
      ...{ login: 'admin', name: 'Site Admin', email: 'admin@studio.example', status: 'active', ready: false },
      permission_group: 'admin',
      problems: [
        {
          code: 'privileged',
          says: 'is in the permission group "admin"',
          next: 'Let them sign in on the web site; or name the group in "permissionGroups", the login in "allowPrivileged".',
        },
      ],
      notes: [{ code: 'login_differs_from_email', says: 'the login is not the e-mail address' }],
    })
  })

  test('prints CSV, a line a person, nothing of which a spreadsheet runs', async () => {
    await changeOnSite(stage.world, 'artist', { firstname: '=HYPERLINK("http://x")', lastname: ',\u001b[2J' })
    const { status, stdout } = await operator.run('preflight', '--csv', '--site', stage.world.site.url)
    const table = await operator.run('preflight')
    await changeOnSite(stage.world, 'artist', { firstname: 'Plain', lastname: 'Artist' })
    expect(status).toBe(0)
    const lines: Record<string, string>[] = parse(stdout, { columns: true })
    expect(lines).toHaveLength(16)
    expect(lines[0]).toMatchObject({
      login: 'artist@studio.example',
      ready: 'true',
      name: expect.stringMatching(/^'=/),
    })
    expect(lines.find(({ login, status }) => login === 'reused' && status === 'retired')).toMatchObject({
      problems: 'retired reused_login',
    })
    expect(table.stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  })

  test('ends with the site’s error where no report could be made', async () => {
    stage.world.site.faults.inject({ path: '/api3/json', does: { kind: 'status', status: 500 } })
    expect(await operator.run('preflight')).toMatchObject({ status: 51, stdout: '' })
    expect(await operator.run('preflight', '--site', 'https://x.example')).toMatchObject({ status: 50 })
    expect(await operator.run('preflight', '--csv', '--json')).toMatchObject({ status: 2 })
  })

  test('goes through five thousand users, and says how far it is', async () => {
    await addPeopleToSite(stage.world, 5_000)
    const said: string[] = []
    const whole = await report({}, (text) => said.push(text))
    expect(whole.totals).toMatchObject({ users: 5_016, ready: 5_008, disabled: 1, retired: 1 })
    expect(new Set(whole.users.map(({ user_id }) => user_id)).size).toBe(5_016)
    expect(said.length).toBeGreaterThan(10)
    expect(said.at(-1)).toBe(`${stage.world.site.url}: 5016 users read`)
    stage.world.site.faults.inject({ path: '/api3/json', times: 3, does: { kind: 'delay', ms: 1_000 } })
    const ran = await operator.run('preflight', '--json')
    expect(preflightReportSchema.parse(JSON.parse(ran.stdout)).sites[0]?.totals.users).toBe(5_016)
    expect(ran.stderr).toMatch(/^http:.*: \d+ users read$/m)
  }, 180_000)
})
