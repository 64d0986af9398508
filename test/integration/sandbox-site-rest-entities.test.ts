import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Site, startSite } from '../sandbox/site/site.ts'

const arrayType = 'application/vnd+shotgun.api3_array+json'
const hashType = 'application/vnd+shotgun.api3_hash+json'
const project = { type: 'Project', id: 101 }

let site: Site
let bearer: string
beforeEach(async () => {
  site = await startSite()
  bearer = await bearerFor()
})
afterEach(() => site.close())

async function bearerFor(scope?: string): Promise<string> {
  const answer = await fetch(`${site.url}/api/v1/auth/access_token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: 'identity-broker',
      client_secret: 'script-key-with-sudo',
      ...(scope ? { scope } : {}),
    }),
  })
  return ((await answer.json()) as { access_token: string }).access_token
}

const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}, token = bearer) =>
  fetch(`${site.url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
const search = (type: string, body: unknown, contentType = arrayType, token = bearer) =>
  send('POST', `/entity/${type}/_search`, body, { 'content-type': contentType }, token)
const errorOf = async (answer: Response) => {
  const [error] = (await answer.json()).errors
  expect(error.status).toBe(answer.status)
  return error as { status: number; code: number; title: string; detail: string | null; source: unknown }
}

describe('one row', () => {
  test('shows values as attributes and links as relationships, and echoes the prefix that was called', async () => {
    const { id } = site.person('supervisor')
    const answer = await send(
      'GET',
      `/entity/human_users/${id}?fields=login,permission_rule_set,permission_rule_set.PermissionRuleSet.code,nope`,
    )
    expect(await answer.json()).toEqual({
      data: {
        type: 'HumanUser',
        id,
        attributes: { login: 'supervisor', 'permission_rule_set.PermissionRuleSet.code': 'manager' },
        relationships: {
          permission_rule_set: {
            data: { id: expect.any(Number), name: 'Manager', type: 'PermissionRuleSet' },
            links: {
              self: `/api/v1/entity/human_users/${id}/relationships/permission_rule_set`,
              related: expect.stringMatching(/^\/api\/v1\/entity\/permission_rule_sets\/\d+$/),
            },
          },
        },
        links: { self: `/api/v1/entity/human_users/${id}` },
      },
    })
    const other = await fetch(`${site.url}/api/v1.1/entity/HumanUser/${id}`, {
      headers: { authorization: `Bearer ${bearer}` },
    })
    const { data } = await other.json()
    expect(data.links.self).toBe(`/api/v1.1/entity/human_users/${id}`)
    expect(data.attributes).toMatchObject({ email: 'supervisor@studio.example', password_proxy: '*******' })
  })

  test.each(['human_users', 'human_user', 'HumanUser', 'HumanUsers'])('is found at /entity/%s', async (segment) => {
    expect((await send('GET', `/entity/${segment}/${site.person('artist').id}`)).status).toBe(200)
  })

  test.each(['humanusers', 'users', 'permissions'])('is not at /entity/%s', async (segment) => {
    expect(await errorOf(await send('GET', `/entity/${segment}/1`))).toMatchObject({
      status: 404,
      code: 103,
      title: 'Not Found',
      detail: `Entity type '${segment}' does not exist.`,
    })
  })

  test('that was deleted is 404 with the words of one that never was, and there when asked for', async () => {
    const { id } = site.person('retired')
    expect(await errorOf(await send('GET', `/entity/human_users/${id}`))).toMatchObject({
      code: 104,
      detail: `HumanUser: ${id} not found`,
    })
    expect(await errorOf(await send('GET', '/entity/human_users/1'))).toMatchObject({
      code: 104,
      detail: 'HumanUser: 1 not found',
    })
    const retired = await send('GET', `/entity/human_users/${id}?options[return_only]=retired`)
    expect((await retired.json()).data.attributes.login).toBe('reused')
    expect((await send('GET', `/entity/human_users/${id}?options[retired_only]=true`)).status).toBe(404)
  })

  test('of a type that level may not read names the rule', async () => {
    const artist = await bearerFor('sudo_as_login:artist@studio.example')
    expect(await errorOf(await send('GET', '/entity/api_users/1', undefined, {}, artist))).toMatchObject({
      status: 400,
      code: 104,
      title: 'Entity of type ApiUser can not be accessed by this user. Rule: Artist',
    })
  })
})

describe('search', () => {
  test('takes triples under one media type and groups under the other', async () => {
    const found = await search('human_users', {
      filters: [['email', 'is', 'shared@studio.example']],
      fields: 'login',
      sort: '-login',
    })
    expect(found.status).toBe(200)
    expect(await found.json()).toMatchObject({
      data: [
        { type: 'HumanUser', attributes: { login: 'shared-b' }, relationships: {} },
        { attributes: { login: 'shared-a' } },
      ],
      links: { self: '/api/v1/entity/human_users/_search', next: expect.stringContaining('page%5Bnumber%5D=2') },
    })
    const group = {
      logical_operator: 'and',
      conditions: [
        ['sg_status_list', 'is', 'act'],
        {
          logical_operator: 'or',
          conditions: [
            ['login', 'is', 'admin'],
            ['login', 'is', 'supervisor'],
          ],
        },
      ],
    }
    const grouped = await search('HumanUser', { filters: group, fields: ['login'] }, hashType)
    expect((await grouped.json()).data).toHaveLength(2)
  })

  test('refuses plain JSON, naming both media types', async () => {
    const error = await errorOf(await search('human_users', { filters: [] }, 'application/json'))
    expect(error).toMatchObject({
      status: 415,
      code: 103,
      title: "Unsupported Content-Type 'application/json'",
      source: { content_type: `Content-Type must be one of: '${arrayType}', '${hashType}'.` },
    })
  })

  test.each<[string, unknown, string, string]>([
    [
      'a group as triples',
      { logical_operator: 'or', conditions: [] },
      arrayType,
      'Query is not an Array: {"logical_operator" => "or", "conditions" => []}',
    ],
    ['triples as a group', [['id', 'is', 1]], hashType, 'Query is not an Hash: [["id", "is", 1]]'],
    ['a list in the list', [[['id', 'is', 1]]], arrayType, 'Invalid condition: [["id", "is", 1]]'],
    ['a fourth element', [['id', 'is', 1, 'or']], arrayType, 'Invalid condition: ["id", "is", 1, "or"]'],
    [
      'an object in the list',
      [{ path: 'id' }],
      arrayType,
      'Invalid filter. Expected array of basic condition arrays but received: [{"path" => "id"}]',
    ],
    [
      'the wire form of JSON-RPC',
      { logical_operator: 'and', conditions: [{ path: 'id', relation: 'is', values: [1] }] },
      hashType,
      'Missing logical operator: {"path" => "id", "relation" => "is", "values" => [1]}',
    ],
    ['a field nobody has', [['sg_nope', 'is', 1]], arrayType, "API read() Shot.sg_nope doesn't exist."],
    [
      'a relation nobody has',
      [['code', 'resembles', 'x']],
      arrayType,
      "API read() Shot.code's 'text' data type doesn't support 'resembles' 'relation'",
    ],
  ])('refuses %s', async (_what, filters, contentType, title) => {
    expect(await errorOf(await search('shots', { filters }, contentType))).toMatchObject({
      status: 400,
      code: 103,
      title,
    })
  })

  test('names the relations a field takes', async () => {
    const { source } = await errorOf(await search('shots', { filters: [['code', 'resembles', 'x']] }))
    expect(source).toEqual({
      'Shot.code': expect.stringContaining(
        'Valid relations: ["contains", "not_contains", "is", "is_not", "starts_with", "ends_with", "in", "not_in"]',
      ),
    })
  })

  test('pages from 1 to 5000 rows, 500 when not said', async () => {
    const page = (size: unknown, number = 1) => search('shots', { filters: [], fields: 'code', page: { size, number } })
    expect((await (await page(5)).json()).data).toHaveLength(5)
    expect((await (await page(40, 2)).json()).data).toHaveLength(8)
    const beyond = await (await page(5, 999)).json()
    expect(beyond).toMatchObject({ data: [], links: { next: expect.any(String), prev: expect.any(String) } })
    expect((await page(5000)).status).toBe(200)
    expect(await errorOf(await page(0))).toMatchObject({
      title: 'Request Parameters invalid.',
      source: { page: { size: ['size must be greater than 0'] } },
    })
    expect(await errorOf(await page(5001))).toMatchObject({
      source: { page: { size: ['size must be less than 5000'] } },
    })
  })

  test.each([
    ['', 'sort must be filled'],
    ['id desc', 'sort list is not valid'],
    ['+id', 'sort list is not valid'],
    [[{ field_name: 'id', direction: 'desc' }], 'sort array is not valid'],
  ])('refuses to sort by %j', async (sort, problem) => {
    expect(await errorOf(await search('shots', { filters: [], sort }))).toMatchObject({ source: { sort: [problem] } })
  })

  test('applies the permissions of whoever is impersonated', async () => {
    const artist = await bearerFor('sudo_as_login:artist@studio.example')
    const count = async (type: string, token: string) =>
      (await (await search(type, { filters: [] }, arrayType, token)).json()).data.length
    expect([await count('projects', bearer), await count('projects', artist)]).toEqual([8, 2])
    expect([await count('shots', bearer), await count('shots', artist)]).toEqual([48, 12])
    expect([await count('human_users', bearer), await count('human_users', artist)]).toEqual([15, 15])
  })

  test('a body that is no JSON is 400', async () => {
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': arrayType }
    const answer = await fetch(`${site.url}/api/v1/entity/shots/_search`, { method: 'POST', headers, body: '{' })
    expect(await errorOf(answer)).toMatchObject({ status: 400, title: 'Invalid JSON body' })
  })
})

test('a listing filters, sorts and pages by its query string', async () => {
  const answer = await send('GET', '/entity/shots?filter[project.Project.id]=101&fields=code&sort=-code&page[size]=2')
  expect((await answer.json()).data.map((row: { attributes: { code: string } }) => row.attributes.code)).toEqual([
    'sq20_sh030',
    'sq20_sh020',
  ])
  const two = await (
    await send('GET', '/entity/shots?filter[code]=sq10_sh010,sq10_sh020&filter[project.Project.id]=102&fields=code')
  ).json()
  expect(two.data).toHaveLength(2)
})

describe('writes', () => {
  test('make a note as the person a script acts as', async () => {
    const sudo = await bearerFor('sudo_as_login:supervisor')
    const answer = await send('POST', '/entity/notes', { project, subject: 'Hello', content: 'there' }, {}, sudo)
    expect(answer.status).toBe(201)
    const { data } = await answer.json()
    expect(data).toMatchObject({
      type: 'Note',
      attributes: { subject: 'Hello', content: 'there', sg_status_list: 'opn', cached_display_name: 'Hello - there' },
      relationships: {
        created_by: { data: { type: 'HumanUser', id: site.person('supervisor').id, name: 'Old Login' } },
        note_links: { data: [] },
      },
    })
    const event = site.eventLog().at(-1)
    expect(event).toMatchObject({ event_type: 'Shotgun_Note_New', user: { type: 'HumanUser' } })
    expect(event?.meta['sudo_actual_user']).toMatchObject({ type: 'ApiUser' })
  })

  test('change what is named and answer the whole row', async () => {
    const made = await (await send('POST', '/entity/shots', { project, code: 'one', description: 'kept' })).json()
    const path = `/entity/shots/${made.data.id}`
    const changed = await (await send('PUT', path, { code: 'two' })).json()
    expect(changed.data.attributes).toMatchObject({ code: 'two', description: 'kept', sg_cut_in: null })
    const [asset] = (await (await search('assets', { filters: [['project', 'is', project]] })).json()).data
    const wrapped = { assets: { multi_entity_update_mode: 'add', value: [{ type: 'Asset', id: asset.id }] } }
    const linked = await (await send('PUT', path, wrapped)).json()
    expect(linked.data.relationships.assets.data).toEqual([{ type: 'Asset', id: asset.id, name: 'hero' }])
    expect((await send('PUT', path, {})).status).toBe(200)
    expect((await send('PATCH', path, {})).status).toBe(404)
  })

  test('show a float as a string with a decimal point, as REST does', async () => {
    const body = { project, sg_movie_aspect_ratio: 2, sg_frames_aspect_ratio: '1.5' }
    const made = await (await send('POST', '/entity/versions', body)).json()
    expect(made.data.attributes).toMatchObject({ sg_movie_aspect_ratio: '2.0', sg_frames_aspect_ratio: '1.5' })
    const read = await send('GET', `/entity/versions/${made.data.id}?fields=sg_movie_aspect_ratio,frame_count`)
    expect((await read.json()).data.attributes).toEqual({ sg_movie_aspect_ratio: '2.0', frame_count: null })
  })

  test.each<[unknown, string]>([
    [{ type: 'Asset', id: 1 }, "API update() invalid/missing string 'multi_entity_update_mode'"],
    [{ multi_entity_update_mode: 'add', entities: [] }, "API update() invalid/missing array of entity hashes 'value'"],
  ])('refuse %j for a set of links', async (assets, title) => {
    const made = await (await send('POST', '/entity/shots', { project })).json()
    const answer = await send('PUT', `/entity/shots/${made.data.id}`, { assets })
    expect(await errorOf(answer)).toMatchObject({ status: 400, code: 103, title })
  })

  test('make and change projects', async () => {
    const made = await (await send('POST', '/entity/projects', { name: 'Ivory Gate' })).json()
    expect(made.data.attributes.name).toBe('Ivory Gate')
    const changed = await send('PUT', `/entity/projects/${made.data.id}`, { sg_status: 'On Hold' })
    expect((await changed.json()).data.attributes.sg_status).toBe('On Hold')
  })

  test('delete with 204 and nothing, and 404 the second time', async () => {
    const made = await (await send('POST', '/entity/shots', { project })).json()
    const path = `/entity/shots/${made.data.id}`
    const first = await send('DELETE', path)
    expect([first.status, await first.text()]).toEqual([204, ''])
    expect(await errorOf(await send('DELETE', path))).toMatchObject({
      status: 404,
      code: 104,
      title: 'Not Found',
      detail: `Entity of type [Shot] with id=${made.data.id} does not exist.`,
    })
  })

  test.each<[string, string, unknown, number, number, string]>([
    ['POST', '/entity/shots', { code: 'x' }, 400, 103, 'API create() missing \'project\' attribute: {"code" => "x"}'],
    ['POST', '/entity/shots', { project, nope: 1 }, 400, 103, "API create() Shot.nope doesn't exist."],
    ['POST', '/entity/human_users', {}, 401, 110, 'User promotion to active is permitted only for Identity Users'],
    ['PUT', '/entity/shots/1', { code: 'x' }, 404, 104, 'Not Found'],
    ['POST', '/entity/nope', {}, 404, 103, 'Not Found'],
  ])('%s %s %j is %i', async (method, path, body, status, code, title) => {
    expect(await errorOf(await send(method, path, body))).toMatchObject({ status, code, title })
  })

  test('refuse to switch impersonation, and to make a disabled person active', async () => {
    const { id } = site.person('disabled')
    expect(
      await errorOf(await send('PUT', `/entity/human_users/${id}`, { can_impersonate_this_user: true })),
    ).toMatchObject({
      status: 400,
      code: 104,
      title: expect.stringContaining('The field is not editable for this user: [HumanUser.can_impersonate_this_user]'),
    })
    expect(await errorOf(await send('PUT', `/entity/human_users/${id}`, { sg_status_list: 'act' }))).toMatchObject({
      status: 401,
      code: 110,
    })
  })
})
