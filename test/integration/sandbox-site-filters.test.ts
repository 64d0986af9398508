import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callRpc, find, findParams, type PythonFilter, type WireEntity } from '../sandbox/site/shotgun-api3-wire.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

const script = { script_name: 'identity-broker', script_key: 'script-key-with-sudo' }
const project = { type: 'Project', id: 101 }

let site: Site
let inUse: { shots: readonly WireEntity[]; ids: Record<string, number> }

beforeAll(async () => {
  site = await startSite()
  const today = new Date(site.clock.now()).toISOString().slice(0, 10)
  const daysAgo = (days: number) => new Date(site.clock.now() - days * 86_400_000).toISOString().slice(0, 10)
  const rows: Record<string, Record<string, unknown>> = {
    alpha: { sg_cut_in: 10, sg_turnover_date: today, description: 'First Light' },
    beta: { sg_cut_in: 0, sg_turnover_date: daysAgo(5), description: 'last light' },
    gamma: { sg_cut_in: null, description: null },
  }
  const ids: Record<string, number> = {}
  for (const [code, fields] of Object.entries(rows)) {
    const sent = Object.entries({ project, code, ...fields }).map(([name, value]) => ({ field_name: name, value }))
    const created = await callRpc(site.url, script, 'create', { type: 'Shot', fields: sent, return_fields: ['id'] })
    ids[code] = (created as { id: number }).id
  }
  inUse = { shots: await find(site.url, script, 'Shot', [['project', 'is', project]], ['code']), ids }
})
afterAll(() => site.close())

const mine: PythonFilter = ['code', 'in', ['alpha', 'beta', 'gamma']]
const codesOf = async (...filters: PythonFilter[]) => {
  const rows = await find(site.url, script, 'Shot', [mine, ...filters], ['code'])
  return rows.map((row) => row['code'])
}

describe('relations', () => {
  test.each<[string, PythonFilter, string[]]>([
    ['text is, without case', ['description', 'is', 'FIRST LIGHT'], ['alpha']],
    ['text is nothing', ['description', 'is', null], ['gamma']],
    ['text is empty, the same thing', ['description', 'is', ''], ['gamma']],
    ['text is_not, which takes the empty ones along', ['description', 'is_not', 'First Light'], ['beta', 'gamma']],
    ['text is_not nothing', ['description', 'is_not', null], ['alpha', 'beta']],
    ['text contains', ['description', 'contains', 'LIGHT'], ['alpha', 'beta']],
    ['text contains nothing: any value', ['description', 'contains', ''], ['alpha', 'beta']],
    ['text not_contains', ['description', 'not_contains', 'first'], ['beta', 'gamma']],
    ['text starts_with', ['description', 'starts_with', 'last'], ['beta']],
    ['text ends_with', ['description', 'ends_with', 'Light'], ['alpha', 'beta']],
    ['text in', ['description', 'in', ['first light', 'nope']], ['alpha']],
    ['text in with commas', ['description', 'in', 'first light', 'last light'], ['alpha', 'beta']],
    ['text in empty finds nothing', ['description', 'in', ['']], []],
    ['text not_in', ['description', 'not_in', ['first light']], ['beta', 'gamma']],
    ['number is', ['sg_cut_in', 'is', 0], ['beta']],
    ['number is, as text', ['sg_cut_in', 'is', '10'], ['alpha']],
    ['number is nothing, which zero is not', ['sg_cut_in', 'is', null], ['gamma']],
    ['number is_not', ['sg_cut_in', 'is_not', 10], ['beta', 'gamma']],
    ['number greater_than', ['sg_cut_in', 'greater_than', -1], ['alpha', 'beta']],
    ['number less_than', ['sg_cut_in', 'less_than', 10], ['beta']],
    ['number between, both ends in', ['sg_cut_in', 'between', 0, 10], ['alpha', 'beta']],
    ['number between, ends swapped', ['sg_cut_in', 'between', [10, 0]], ['alpha', 'beta']],
    ['number not_between', ['sg_cut_in', 'not_between', [5, 20]], ['beta', 'gamma']],
    ['number in', ['sg_cut_in', 'in', [10, 99]], ['alpha']],
    ['number not_in', ['sg_cut_in', 'not_in', [10]], ['beta', 'gamma']],
    ['date in_last', ['sg_turnover_date', 'in_last', [10, 'DAY']], ['alpha', 'beta']],
    ['date in_last, too short', ['sg_turnover_date', 'in_last', 2, 'DAY'], ['alpha']],
    ['date not_in_last', ['sg_turnover_date', 'not_in_last', [2, 'DAY']], ['beta', 'gamma']],
    ['date in_next', ['sg_turnover_date', 'in_next', [1, 'DAY']], ['alpha']],
    ['date in_calendar_day', ['sg_turnover_date', 'in_calendar_day', 0], ['alpha']],
    ['date in_calendar_day, five days back', ['sg_turnover_date', 'in_calendar_day', -5], ['beta']],
    ['date in_calendar_year, next year', ['sg_turnover_date', 'in_calendar_year', 1], []],
    ['date is_not, null rows too', ['sg_turnover_date', 'is_not', '1999-01-01'], ['alpha', 'beta', 'gamma']],
    ['date_time greater_than', ['created_at', 'greater_than', '2000-01-01T00:00:00Z'], ['alpha', 'beta', 'gamma']],
    ['date_time in_last', ['created_at', 'in_last', [1, 'HOUR']], ['alpha', 'beta', 'gamma']],
    ['date_time in_calendar_week', ['created_at', 'in_calendar_week', -1], []],
    ['status in', ['sg_status_list', 'in', ['wtg', 'zz']], ['alpha', 'beta', 'gamma']],
    ['status of nobody: no error, no rows', ['sg_status_list', 'is', 'zznope'], []],
    ['list is, without case', ['sg_shot_type', 'is', 'vfx'], ['alpha', 'beta', 'gamma']],
    ['entity is', ['project', 'is', project], ['alpha', 'beta', 'gamma']],
    ['entity is_not', ['project', 'is_not', project], []],
    ['entity is nothing', ['sg_sequence', 'is', null], ['alpha', 'beta', 'gamma']],
    ['entity in', ['project', 'in', [project, { type: 'Project', id: 102 }]], ['alpha', 'beta', 'gamma']],
    ['entity not_in', ['project', 'not_in', [project]], []],
    ['entity type_is', ['project', 'type_is', 'Project'], ['alpha', 'beta', 'gamma']],
    ['entity type_is_not', ['project', 'type_is_not', 'Project'], []],
    ['entity name_is', ['project', 'name_is', 'amber coast'], ['alpha', 'beta', 'gamma']],
    ['entity name_contains', ['project', 'name_contains', 'coast'], ['alpha', 'beta', 'gamma']],
    ['entity name_not_contains', ['project', 'name_not_contains', 'coast'], []],
    ['display names', ['cached_display_name', 'is', 'alpha'], ['alpha']],
  ])('%s', async (_what, filter, expected) => {
    expect(await codesOf(filter)).toEqual(expected)
  })

  test('checkboxes, and the rules of people', async () => {
    const logins = async (...filters: PythonFilter[]) =>
      (await find(site.url, script, 'HumanUser', filters, ['login'])).map((row) => row['login'])
    expect(await logins(['can_impersonate_this_user', 'is', false])).toEqual(['no-impersonation@studio.example'])
    expect(await logins(['sg_status_list', 'is', 'dis'])).toEqual(['disabled@studio.example'])
    expect(await logins(['email', 'is', 'shared@studio.example'])).toEqual(['shared-a', 'shared-b'])
    expect(await logins(['email', 'is', 'case@studio.example'])).toEqual(['case-lower', 'case-upper'])
    expect(await logins(['permission_rule_set.PermissionRuleSet.code', 'is', 'admin'])).toEqual(['admin'])
  })

  test('sets of links: any of them, none of them, and through them', async () => {
    const named = async (...filters: PythonFilter[]) =>
      (await find(site.url, script, 'Shot', [['project', 'is', project], ...filters], ['code'])).map(
        (row) => row['code'],
      )
    expect(await named(['assets', 'is', null])).toEqual(['alpha', 'beta', 'gamma'])
    expect(await named(['assets', 'is_not', null])).toHaveLength(6)
    expect(await named(['assets', 'name_is', 'hero'])).toHaveLength(6)
    expect(await named(['assets.Asset.sg_asset_type', 'is', 'Character'])).toHaveLength(6)
    expect(await named(['tasks.Task.content', 'is', 'Lighting'])).toEqual(['sq10_sh020', 'sq20_sh020'])
    expect(await named(['tasks.Task.step.Step.code', 'is', 'Comp'])).toEqual(['sq10_sh030', 'sq20_sh030'])
  })
})

describe('deep paths', () => {
  test('are read through single links, and hold null where the link is of another type', async () => {
    const fields = ['entity.Shot.code', 'entity.Shot.sg_sequence.Sequence.code', 'entity.Asset.code']
    const [version] = await find(site.url, script, 'Version', [['project', 'is', project]], fields, { limit: 1 })
    expect(version).toMatchObject({
      'entity.Shot.code': 'sq10_sh010',
      'entity.Shot.sg_sequence.Sequence.code': 'sq10',
      'entity.Asset.code': null,
    })
  })

  test('are left out where they lead through sets, undeclared types or nothing', async () => {
    const fields = ['code', 'tasks.Task.content', 'sg_sequence.Shot.code', 'project.Nope.name', 'sg_nope']
    const [shot] = await find(site.url, script, 'Shot', [['project', 'is', project]], fields, { limit: 1 })
    expect(shot).toEqual({ type: 'Shot', id: expect.any(Number), code: 'sq10_sh010' })
  })
})

describe('groups', () => {
  test('nest, mix and may be empty', async () => {
    const either: PythonFilter = {
      filter_operator: 'any',
      filters: [
        ['code', 'is', 'alpha'],
        {
          filter_operator: 'all',
          filters: [
            ['sg_cut_in', 'is', 0],
            ['code', 'is_not', 'gamma'],
          ],
        },
      ],
    }
    expect(await codesOf(either)).toEqual(['alpha', 'beta'])
    expect(await codesOf({ filter_operator: 'any', filters: [] })).toEqual(['alpha', 'beta', 'gamma'])
  })

  test('stop at 265 levels', async () => {
    const nested = (depth: number): PythonFilter => {
      let filter: PythonFilter = ['code', 'is', 'alpha']
      for (let level = 2; level <= depth; level += 1) filter = { filter_operator: 'all', filters: [filter] }
      return filter
    }
    expect(await find(site.url, script, 'Shot', [nested(265)])).toHaveLength(1)
    await expect(find(site.url, script, 'Shot', [nested(266)])).rejects.toThrow('Shotgun Server Error')
  })

  test.each([
    [{ conditions: [] }, 'Missing logical operator: {"conditions" => []}'],
    [{ logical_operator: 'or' }, 'Missing conditions parameter: {"logical_operator" => "or"}'],
    [{ logical_operator: 'AND', conditions: [] }, 'Invalid logical operator: AND'],
    [[['code', 'is', 'x']], 'Query is not an Hash: [["code", "is", "x"]]'],
  ])('%j is refused', async (filters, message) => {
    const params = { ...findParams('Shot', []), filters }
    await expect(callRpc(site.url, script, 'read', params)).rejects.toMatchObject({ code: 103, message })
  })
})

describe('refusals', () => {
  test.each<[string, string, PythonFilter, string | RegExp]>([
    ['a field nobody has', 'Shot', ['sg_nope', 'is', 'x'], "API read() Shot.sg_nope doesn't exist."],
    [
      'a path through a type nobody has',
      'Version',
      ['entity.Bogus.code', 'is', 'x'],
      "API read() Version.entity.Bogus.code doesn't exist.",
    ],
    [
      'a leaf nobody has',
      'Version',
      ['entity.Shot.nope', 'is', 'x'],
      "API read() Version.entity.Shot.nope doesn't exist.",
    ],
    ['HumanUser.code', 'HumanUser', ['code', 'is', 'x'], "API read() HumanUser.code doesn't exist."],
    [
      'an unknown relation',
      'Shot',
      ['code', 'resembles', 'x'],
      "API read() Shot.code's 'text' data type doesn't support 'resembles' 'relation'",
    ],
    [
      'a relation of another type',
      'Shot',
      ['sg_cut_in', 'contains', '1'],
      "API read() Shot.sg_cut_in's 'number' data type doesn't support 'contains' 'relation'",
    ],
    [
      'a field without filters',
      'EventLogEntry',
      ['meta', 'is_not', null],
      "API read() EventLogEntry.meta's 'serializable' data type cannot be used in a filter.",
    ],
    [
      'a password',
      'HumanUser',
      ['password_proxy', 'is_not', null],
      "API read() HumanUser.password_proxy's 'password' data type cannot be used in a filter.",
    ],
    [
      'a number that is none',
      'Shot',
      ['sg_cut_in', 'is', 2.5],
      'API read() Shot.sg_cut_in expected [String, Integer, NilClass] data type(s) but got Float: 2.5',
    ],
    [
      'text that is none',
      'Shot',
      ['code', 'is', 5],
      'API read() Shot.code expected [String, NilClass] data type(s) but got Integer: 5',
    ],
    [
      'an entity that is a bare id',
      'Shot',
      ['project', 'is', 5],
      /^API read\(\) Shot\.project expected \[Hash, .*NilClass\] data type\(s\) but got Integer: 5$/,
    ],
    [
      'an entity without a type',
      'Shot',
      ['project', 'is', { id: 5 }],
      /^API read\(\) invalid\/missing entity hash string 'type': \{"id" => 5\} Valid entity types: \["ApiUser", /,
    ],
    [
      'an entity without an id',
      'Shot',
      ['project', 'is', { type: 'Project' }],
      /^API read\(\) invalid\/missing entity hash integer 'id'/,
    ],
    ['a bare id in a set', 'Shot', ['assets', 'is', 5], 'API read() invalid/missing entity hash: 5'],
    [
      'two values for is',
      'Shot',
      ['code', 'is', ['a', 'b']],
      'API read() \'is\' \'relation\' expects a 1-element array: ["a", "b"]',
    ],
    ['no values for in', 'Shot', ['id', 'in', []], "API read() 'in' 'relation' expects at least a 1-element array: []"],
    [
      'one end of a range',
      'Shot',
      ['sg_cut_in', 'between', 5],
      "API read() 'between' 'relation' expects a 2-element array: [5]",
    ],
    [
      'a checkbox that is null',
      'Version',
      ['flagged', 'is', null],
      'API read() Version.flagged expected [String, FalseClass, TrueClass] data type(s) but got NilClass: nil',
    ],
    [
      'a date with a time',
      'Shot',
      ['sg_turnover_date', 'is', '2026-09-02T00:00:00Z'],
      'Invalid date format: 2026-09-02T00:00:00Z. Correct format is: 2011-01-21',
    ],
    [
      'a day that never was',
      'Shot',
      ['sg_turnover_date', 'is', '2026-02-30'],
      'Invalid date format: 2026-02-30. Correct format is: 2011-01-21',
    ],
    [
      'a unit nobody has',
      'Shot',
      ['created_at', 'in_last', [1, 'FORTNIGHT']],
      /doesn't support the 'FORTNIGHT' time unit/,
    ],
    ['a count below one', 'Shot', ['created_at', 'in_last', [-1, 'DAY']], /expects at a positive Integer time unit/],
    ['null in a list of texts', 'Shot', ['code', 'in', [null]], /Read failed/],
  ])('%s', async (_what, type, filter, message) => {
    const params = findParams(type, [filter])
    await expect(callRpc(site.url, script, 'read', params)).rejects.toMatchObject({
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    })
  })
})

describe('order and pages', () => {
  test('rows come by id unless sorted; a list of ids does not order them', async () => {
    const { ids } = inUse
    const rows = await find(
      site.url,
      script,
      'Shot',
      [['id', 'in', [ids['gamma'], ids['alpha'], ids['beta']]]],
      ['code'],
    )
    expect(rows.map((row) => row['code'])).toEqual(['alpha', 'beta', 'gamma'])
  })

  test('sorts descend, follow paths, break ties by id, put nothing last and ignore what they do not know', async () => {
    const sorted = async (...sorts: [string, string][]) => {
      const given = sorts.map(([field_name, direction]) => ({ field_name, direction }))
      const rows = await find(site.url, script, 'Shot', [mine], ['code'], { sorts: given })
      return rows.map((row) => row['code'])
    }
    expect(await sorted(['code', 'desc'])).toEqual(['gamma', 'beta', 'alpha'])
    expect(await sorted(['sg_cut_in', 'asc'])).toEqual(['beta', 'alpha', 'gamma'])
    expect(await sorted(['project.Project.name', 'asc'], ['id', 'desc'])).toEqual(['gamma', 'beta', 'alpha'])
    expect(await sorted(['sg_nope', 'desc'])).toEqual(['alpha', 'beta', 'gamma'])
  })

  test('pages split the rows without losing or doubling any', async () => {
    const pages = await Promise.all(
      [1, 2, 3, 4].map((page) =>
        find(site.url, script, 'Shot', [['project', 'is', project]], ['code'], { limit: 4, page }),
      ),
    )
    expect(pages.map((page) => page.length)).toEqual([4, 4, 1, 0])
    expect(pages.flat().map((row) => row.id)).toEqual(inUse.shots.map((row) => row.id))
  })

  test('retired rows are seen only when asked for, and then alone', async () => {
    const logins = async (retired: boolean) =>
      (await find(site.url, script, 'HumanUser', [['login', 'is', 'reused']], ['email'], { retired })).map(
        (row) => row['email'],
      )
    expect(await logins(false)).toEqual(['newcomer@studio.example'])
    expect(await logins(true)).toEqual(['reused@studio.example'])
  })

  test('rows of archived projects can be left out', async () => {
    const fresh = await startSite()
    try {
      const fields = [{ field_name: 'archived', value: true }]
      await callRpc(fresh.url, script, 'update', { type: 'Project', id: 101, fields })
      const all = findParams('Shot', [])
      const read = async (params: unknown) =>
        (await callRpc(fresh.url, script, 'read', params)) as { entities: unknown[] }
      expect((await read(all)).entities).toHaveLength(48)
      expect((await read({ ...all, include_archived_projects: false })).entities).toHaveLength(42)
    } finally {
      await fresh.close()
    }
  })

  test('the LATEST preset keeps the newest version of each link, any other preset is a fault', async () => {
    const read = (preset: unknown) =>
      callRpc(site.url, script, 'read', { ...findParams('Version', []), additional_filter_presets: preset })
    await expect(read([{ preset_name: 'LATEST', latest_by: 'ENTITIES_CREATED_AT' }])).resolves.toMatchObject({
      entities: { length: 16 },
    })
    for (const preset of [[{}], [{ preset_name: 'BAD_FILTER' }], 3, [3]]) {
      await expect(read(preset)).rejects.toMatchObject({ code: 103 })
    }
  })
})
