import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ImportSettings, judgeImport } from '../../src/broker/people/import-people.ts'
import { writePeopleCsv } from '../../src/broker/people/people-csv.ts'
import { addPeopleToSite, Operator } from './people-stage.ts'
import { startWorld, type World } from './world.ts'

let world: World
let operator: Operator
beforeAll(async () => {
  world = await startWorld({ twoSites: true })
  operator = await Operator.at(world)
})
afterAll(() => world.close())
afterEach(async () => {
  await world.broker.database.deleteFrom('person').execute()
  await world.broker.database.deleteFrom('expected_person').execute()
})

const now = Date.UTC(2026, 10, 22, 9)
const idOf = (key: string): number => world.site.person(key).id
const rows = () => operator.changes().list([world.site.url, world.secondSite?.url ?? ''])

/** The file judged as the command does it; and added, when nothing is wrong. */
async function importText(text: string, change: Partial<ImportSettings> = {}) {
  const { sites, database, config } = operator.parts()
  const settings = {
    sites,
    database,
    issuer: config.identity.issuer,
    operator: 'tester',
    now,
    onProgress() {},
    ...change,
  }
  const judged = await judgeImport(new TextEncoder().encode(text), settings)
  if (judged.wrong.length === 0) await operator.changes().add(judged.rows, 'tester', 'import "people.csv"')
  return { ...judged, said: judged.wrong.map(({ line, column, reason }) => `${line} ${column ?? '-'}: ${reason}`) }
}

describe('importing', () => {
  test('adds accounts and expected addresses, by login or id, on every site of the broker', async () => {
    const text = [
      'site,subject,email,user_id,login',
      `${world.site.url},SUB1,a@x,,supervisor`,
      `${world.site.url},,B@X,${idOf('artist')},`,
      `${world.secondSite?.url},SUB1,,,supervisor`,
    ].join('\r\n')
    const file = await operator.file('people.csv', `\ufeff${text}\r\n`)
    const ran = await operator.run('people', 'import', file)
    expect(ran).toMatchObject({ status: 0, stdout: 'added 3, 0 were there already\n' })
    const { issuer } = world.identity
    expect(await rows()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ account: { issuer, subject: 'SUB1' }, email: 'a@x', userId: idOf('supervisor') }),
        expect.objectContaining({ account: undefined, email: 'b@x', login: 'artist@studio.example' }),
        expect.objectContaining({ site: world.secondSite?.url, account: { issuer, subject: 'SUB1' } }),
      ]),
    )
    expect((await rows()).map(({ matchedBy }) => matchedBy)).toEqual(['import', 'import', 'import'])
    const made = (await operator.auditRows()).slice(-3)
    expect(made.map(({ outcome, detail }) => [outcome, detail.split(':', 1)[0]])).toEqual(
      Array(3).fill(['done', 'import "people.csv"']),
    )
    // Once more, and with a dry run: nothing is left to do.
    expect(await operator.run('people', 'import', '--dry-run', file)).toMatchObject({
      status: 0,
      stdout: 'would add 0, 3 were there already\n',
    })
  })

  test('of a file with wrong lines adds nothing, and names every one: line, column, reason', async () => {
    await operator.changes().add(
      [
        {
          ...{
            site: world.site.url,
            userId: idOf('shared-a'),
            login: 'shared-a',
            account: undefined,
            email: 'taken@x',
          },
          ...{ matchedBy: 'operator', setBy: 'tester', createdAt: now },
        },
      ],
      'tester',
      'set',
    )
    const before = await operator.auditRows()
    const s = world.site.url
    const { said } = await importText(
      [
        'site,issuer,subject,email,user_id,login,matched_by,set_by,created_at',
        `${s},,GOOD,,,supervisor,,,`,
        `https://x.example,,A,,,supervisor,,,`,
        `,,A,,,supervisor,,,`,
        `${s},,,,,supervisor,,,`,
        `${s},,A,,,,,,`,
        `${s},,,nonsense,,supervisor,,,`,
        `${s},,A,,0x10,,guess,,yesterday`,
        `${s},https://other.example,A,,,supervisor,,,`,
        `${s},,A,,,nobody,,,`,
        `${s},,A,,999999,,,,`,
        `${s},,A,,${idOf('retired')},,,,`,
        `${s},,A,,${idOf('artist')},supervisor,,,`,
        `${s},,AGAIN,,,supervisor,,,`,
        `${s},,A,,,shared-a,,,`,
        `${s},,,taken@x,,shared-b,,,`,
        `${s},,"${'x'.repeat(1_001)}",,,artist@studio.example,,,`,
        `${s},too,few`,
      ].join('\n'),
    )
    expect(said).toEqual([
      '3 site: "https://x.example" is not a site of this broker',
      '4 site: is missing',
      '5 -: "subject" or "email" is missing',
      '6 -: "user_id" or "login" is missing',
      '7 email: "nonsense" is no e-mail address',
      '8 user_id: "0x10" is to be the number of a HumanUser',
      '8 matched_by: "guess" is to be "email", "operator" or "import"',
      '8 created_at: "yesterday" is to be a time like 2026-11-22T09:00:00.000Z',
      '9 issuer: "https://other.example" is not the issuer whose accounts this broker takes',
      '10 login: no HumanUser has the login "nobody"',
      '11 user_id: there is no HumanUser 999999, or it was deleted',
      `12 user_id: there is no HumanUser ${idOf('retired')}, or it was deleted`,
      `13 login: the login of HumanUser ${idOf('artist')} is "artist@studio.example", not "supervisor"`,
      '14 -: says something of the same account, address or user as line 2',
      expect.stringMatching(/^15 -: in the way: HumanUser \d+ .* --email taken@x$/),
      expect.stringMatching(/^16 -: in the way: HumanUser \d+ .* --email taken@x$/),
      '17 subject: has more than 1000 characters',
      '18 -: 3 cells under a header of 9',
    ])
    expect(await rows()).toHaveLength(1)
    expect(await operator.auditRows()).toEqual(before)
  })

  test('says on the command line what is wrong, with the exit status of a bad request', async () => {
    const file = await operator.file('wrong.csv', `site,email,login\n${world.site.url},a@x,nobody\n`)
    const ran = await operator.run('people', 'import', file)
    expect(ran.status).toBe(37)
    expect(ran.stdout).toMatch(/^line +column +what is wrong\n2 +login +no HumanUser has the login "nobody"\n$/)
    expect(ran.stderr).toContain('nothing was imported')
    expect(await operator.run('people', 'import', '/nowhere/people.csv')).toMatchObject({
      status: 71,
      stderr: expect.stringContaining('"/nowhere/people.csv" cannot be read (ENOENT)'),
    })
  })

  test('of a file in whose way somebody came meanwhile adds nothing at all', async () => {
    const { sites, database, config } = operator.parts()
    const text = ['site,subject,login', `${world.site.url},A,supervisor`, `${world.site.url},B,shared-a`].join('\n')
    const settings = { sites, database, issuer: config.identity.issuer, operator: 'tester', now, onProgress() {} }
    const { rows: judged } = await judgeImport(new TextEncoder().encode(text), settings)
    await importText(`site,email,login\n${world.site.url},first@x,shared-a\n`)
    await expect(operator.changes().add(judged, 'tester', 'import')).rejects.toThrow('first@x')
    expect(await rows()).toHaveLength(1)
    expect((await operator.auditRows()).at(-1)).toMatchObject({
      outcome: 'account_ambiguous',
      detail: expect.stringContaining('first@x'),
    })
  })

  test('a thousand people takes them all, exports them, and takes the export into an empty table unchanged', async () => {
    await addPeopleToSite(world, 1_000)
    const lines = Array.from({ length: 1_000 }, (_none, index) => {
      const login = `extra-${index + 1}@studio.example`
      return `${world.site.url},${index % 2 === 0 ? `SUBJECT${index}` : ''},=mail-${index}@x,${login}`
    })
    const file = await operator.file('many.csv', ['site,subject,email,login', ...lines].join('\n'))
    const before = (await operator.auditRows()).length
    expect(await operator.run('people', 'import', file)).toMatchObject({
      status: 0,
      stdout: 'added 1000, 0 were there already\n',
    })
    const made = (await operator.auditRows()).slice(before)
    expect(made).toHaveLength(1_000)
    expect(new Set(made.map(({ login }) => login)).size).toBe(1_000)

    const exported = join(world.folder, 'exported.csv')
    expect(await operator.run('people', 'export', '--file', exported)).toMatchObject({ status: 0, stdout: '' })
    expect((await stat(exported)).mode & 0o777).toBe(0o600)
    const csv = await readFile(exported, 'utf8')
    expect(csv.trimEnd().split('\n')).toHaveLength(1_001)
    expect(csv).toContain(`,'=mail-1@x,`)
    const table = await rows()
    await world.broker.database.deleteFrom('person').execute()
    await world.broker.database.deleteFrom('expected_person').execute()
    const { wrong } = await importText(csv)
    expect(wrong).toEqual([])
    expect(await rows()).toEqual(table)
    expect(writePeopleCsv(await rows())).toBe(csv)
  }, 120_000)
})

describe('listing', () => {
  test('is a table, JSON lines or CSV, of one site or of all', async () => {
    const second = world.secondSite?.url
    await importText(`site,subject,email,login\n${world.site.url},S1,a@x,supervisor\n${second},,b@x,supervisor\n`)
    const table = await operator.run('people', 'list')
    expect(table.stdout.split('\n')).toEqual([
      expect.stringMatching(/^site +login +user id +account +e-mail +matched by +set by +since$/),
      expect.stringContaining(' supervisor '),
      expect.stringContaining(' supervisor '),
      '1 linked, 1 expected',
      '',
    ])
    const json = await operator.run('people', 'list', '--json', '--site', `${second}/`)
    expect(
      json.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        ...{ site: second, issuer: null, subject: null, email: 'b@x', login: 'supervisor' },
        ...{ user_id: world.secondSite?.person('supervisor').id, matched_by: 'import', set_by: 'tester' },
        created_at: '2026-11-22T09:00:00.000Z',
      },
    ])
    const csv = await operator.run('people', 'list', '--csv')
    const exported = await operator.run('people', 'export')
    expect(csv.stdout).toBe(exported.stdout)
    expect(csv.stdout.split('\n')).toHaveLength(4)
  })
})
