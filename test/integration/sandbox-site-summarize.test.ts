import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callRpc, type PythonFilter, translateFilters } from '../sandbox/site/shotgun-api3-wire.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

const script = { script_name: 'identity-broker', script_key: 'script-key-with-sudo' }
const inProject: PythonFilter = ['project', 'is', { type: 'Project', id: 101 }]

let site: Site
beforeAll(async () => {
  site = await startSite()
})
afterAll(() => site.close())

type Group = { group_name: string; group_value: unknown; summaries: Record<string, unknown>; groups?: Group[] }
type Summary = { summaries: Record<string, unknown>; groups: Group[] }

async function summarize(
  type: string,
  summaries: readonly [string, string][],
  grouping: readonly (readonly [string, string, string?])[] = [],
  auth: Record<string, unknown> = script,
): Promise<Summary> {
  const params = {
    type,
    summaries: summaries.map(([field, kind]) => ({ field, type: kind })),
    filters: translateFilters([inProject]),
    grouping: grouping.map(([field, kind, direction = 'asc']) => ({ field, type: kind, direction })),
  }
  return (await callRpc(site.url, auth, 'summarize', params)) as Summary
}

describe('totals', () => {
  test.each<[string, string, unknown]>([
    ['id', 'record_count', 6],
    ['id', 'count', 6],
    ['description', 'count', 0],
    ['sg_cut_duration', 'sum', 288],
    ['sg_cut_duration', 'average', 48],
    ['sg_cut_duration', 'maximum', 72],
    ['sg_cut_duration', 'minimum', 24],
    ['sg_status_list', 'status_list', 'ip'],
    ['created_at', 'latest', expect.stringMatching(/^\d{4}-\d\d-\d\dT/)],
    ['description', 'earliest', null],
  ])('%s %s', async (field, kind, expected) => {
    expect((await summarize('Shot', [[field, kind]])).summaries).toEqual({ [field]: expected })
  })

  test('count checkboxes', async () => {
    expect((await summarize('Version', [['flagged', 'unchecked']])).summaries).toEqual({ flagged: 2 })
    expect((await summarize('Version', [['flagged', 'checked']])).summaries).toEqual({ flagged: 0 })
  })

  test('over one field twice keep the last', async () => {
    const { summaries } = await summarize('Shot', [
      ['sg_cut_duration', 'sum'],
      ['sg_cut_duration', 'maximum'],
    ])
    expect(summaries).toEqual({ sg_cut_duration: 72 })
  })

  test('follow who may see what', async () => {
    const artist = { ...script, sudo_as_login: 'artist@studio.example' }
    const params = { type: 'Shot', summaries: [{ field: 'id', type: 'count' }], filters: translateFilters([]) }
    expect(await callRpc(site.url, script, 'summarize', params)).toMatchObject({ summaries: { id: 48 } })
    expect(await callRpc(site.url, artist, 'summarize', params)).toMatchObject({ summaries: { id: 12 } })
  })
})

describe('groups', () => {
  test('nest one level per entry, with the whole link as the value', async () => {
    const { groups } = await summarize(
      'Shot',
      [['id', 'count']],
      [
        ['sg_sequence', 'exact'],
        ['sg_status_list', 'exact', 'desc'],
      ],
    )
    expect(groups).toMatchObject([
      {
        group_name: 'sq10',
        group_value: { type: 'Sequence', id: expect.any(Number), name: 'sq10', valid: 'valid' },
        summaries: { id: 3 },
        groups: [{ group_name: 'wtg' }, { group_name: 'ip' }, { group_name: 'fin', summaries: { id: 1 } }],
      },
      { group_name: 'sq20', summaries: { id: 3 } },
    ])
    expect(groups[0]?.groups?.[0]).not.toHaveProperty('groups')
  })

  test.each<[string, string, string, unknown[]]>([
    ['Version', 'flagged', 'exact', [['[ ]', false]]],
    ['Shot', 'description', 'exact', [['', null]]],
    ['Shot', 'sg_cut_duration', 'hundreds', [['0', 0]]],
    [
      'Shot',
      'sg_cut_duration',
      'tens',
      [
        ['20', 20],
        ['40', 40],
        ['70', 70],
      ],
    ],
    ['Shot', 'code', 'firstletter', [['S', 'S']]],
    ['Task', 'entity', 'entitytype', [['Shot', 'Shot']]],
  ])('%s.%s by %s', async (type, field, kind, expected) => {
    const { groups } = await summarize(type, [['id', 'count']], [[field, kind]])
    expect(groups.map((group) => [group.group_name, group.group_value])).toEqual(expected)
  })

  test.each(['day', 'week', 'month', 'quarter', 'year'])('by %s have a date for a value', async (kind) => {
    const { groups } = await summarize('Shot', [['id', 'count']], [['created_at', kind]])
    expect(groups).toMatchObject([{ group_value: expect.stringMatching(/^\d{4}-\d\d-\d\d$/), summaries: { id: 6 } }])
  })

  test.each(['day', 'week', 'month', 'quarter', 'year', 'oneday'])(
    'by %s of something that is no date are exact',
    async (kind) => {
      const { groups } = await summarize('Shot', [['id', 'count']], [['sg_status_list', kind]])
      expect(groups.map((group) => group.group_value)).toEqual(['fin', 'ip', 'wtg'])
      expect((await summarize('Shot', [['id', 'count']], [['code', kind]])).groups).toHaveLength(6)
    },
  )

  test('take a dotted path', async () => {
    const { groups } = await summarize('Task', [['id', 'count']], [['entity.Shot.sg_sequence', 'exact']])
    expect(groups.map((group) => group.group_name)).toEqual(['sq10', 'sq20'])
  })
})

describe('refusals', () => {
  test.each<[readonly [string, string], readonly (readonly [string, string])[], string]>([
    [['sg_nope', 'count'], [], "API summarize() Shot.sg_nope doesn't exist."],
    [['id', 'count'], [['sg_nope', 'exact']], "API summarize() Shot.sg_nope doesn't exist."],
    [['id', 'guess'], [], 'API summarize() invalid/missing'],
    [['id', 'count'], [['code', 'guess']], 'API summarize() invalid/missing'],
  ])('%j by %j', async (summary, grouping, message) => {
    await expect(summarize('Shot', [[...summary]], grouping)).rejects.toMatchObject({
      code: 103,
      message: expect.stringContaining(message),
    })
  })
})
