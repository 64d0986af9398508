import { afterEach, beforeEach, expect, test } from 'vitest'
import { find, payload, pythonJson, sendRpc, shotgunApi3Headers } from '../sandbox/site/shotgun-api3-wire.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

/** Every body here is what shotgun_api3 3.10 writes, byte for byte, for the Python line above it. */

let site: Site
beforeEach(async () => {
  site = await startSite()
})
afterEach(() => site.close())

const script = '{"script_name": "identity-broker", "script_key": "script-key-with-sudo"}'
const sudo = '{"script_name": "identity-broker", "script_key": "script-key-with-sudo", "sudo_as_login": "supervisor"}'

async function answerTo(body: string): Promise<unknown> {
  const answer = await sendRpc(site.url, body)
  expect(answer.status).toBe(200)
  expect(answer.headers['content-type']).toMatch(/^application\/json/)
  expect(Number(answer.headers['content-length'])).toBe(Buffer.byteLength(answer.body))
  return JSON.parse(answer.body)
}

test('the wire writes JSON as Python does', () => {
  expect(pythonJson({ a: [1, null, true], b: { c: 'é "x"' } })).toBe('{"a": [1, null, true], "b": {"c": "é \\"x\\""}}')
  expect(payload('info', undefined)).toBe('{"method_name": "info", "params": []}')
  expect(shotgunApi3Headers['content-type']).toBe('application/json; charset=utf-8')
})

test('Shotgun(url, connect=True) learns the version from a bare info answer', async () => {
  expect(await answerTo('{"method_name": "info", "params": []}')).toMatchObject({
    version: [8, 89, 0],
    full_version: [8, 89, 0, 9724],
    user_authentication_method: 'oxygen',
    authentication_app_session_launcher_enabled: true,
    unified_login_flow_enabled: true,
    api_max_entities_per_page: 500,
    s3_enabled_upload_types: {},
    s3_direct_uploads_enabled: false,
  })
})

test('sg.get_session_token() gets 32 hex characters under results.session_id', async () => {
  expect(await answerTo(`{"method_name": "get_session_token", "params": [${script}]}`)).toEqual({
    results: { session_id: expect.stringMatching(/^[0-9a-f]{32}$/) },
  })
})

test('are_credentials_expired() asks for any HumanUser with the session token and gets one', async () => {
  const token = site.mintSession('artist')
  const body = `{"method_name": "read", "params": [{"session_token": "${token}", "reject_if_expired": true}, {"type": "HumanUser", "return_fields": ["id"], "filters": {"logical_operator": "and", "conditions": []}, "return_only": "active", "paging": {"entities_per_page": 1, "current_page": 1}, "api_return_image_urls": true, "return_paging_info_without_counts": false}]}`
  expect(await answerTo(body)).toEqual({ results: { entities: [{ type: 'HumanUser', id: expect.any(Number) }] } })
})

test('find_one on a login returns the user tk-core wants, with every field it names', async () => {
  const body = `{"method_name": "read", "params": [${script}, {"type": "HumanUser", "return_fields": ["id", "type", "email", "login", "name", "image", "firstname", "lastname"], "filters": {"logical_operator": "and", "conditions": [{"path": "login", "relation": "is", "values": ["supervisor"]}]}, "return_only": "active", "paging": {"entities_per_page": 1, "current_page": 1}, "api_return_image_urls": true, "return_paging_info_without_counts": false}]}`
  expect(await answerTo(body)).toEqual({
    results: {
      entities: [
        {
          type: 'HumanUser',
          id: site.person('supervisor').id,
          email: 'supervisor@studio.example',
          login: 'supervisor',
          name: 'Old Login',
          image: null,
          firstname: 'Old',
          lastname: 'Login',
        },
      ],
    },
  })
})

test('find() without a limit pages on has_next_page until the last row', async () => {
  const page = (number: number) =>
    `{"method_name": "read", "params": [${script}, {"type": "Shot", "return_fields": ["code"], "filters": {"logical_operator": "and", "conditions": []}, "return_only": "active", "paging": {"entities_per_page": 20, "current_page": ${number}}, "api_return_image_urls": true, "return_paging_info_without_counts": true}]}`
  expect(await answerTo(page(1))).toMatchObject({ results: { paging_info: { has_next_page: true } } })
  expect(await answerTo(page(3))).toMatchObject({
    results: { entities: { length: 8 }, paging_info: { has_next_page: false } },
  })
})

test('a client of a site older than 7.4 gets counts instead', async () => {
  const body = `{"method_name": "read", "params": [${script}, {"type": "Shot", "return_fields": ["code"], "filters": {"logical_operator": "and", "conditions": []}, "return_only": "active", "paging": {"entities_per_page": 20, "current_page": 1}, "return_paging_info": true}]}`
  expect(await answerTo(body)).toMatchObject({
    results: { paging_info: { entity_count: 48, page_count: 3, current_page: 1, entities_per_page: 20 } },
  })
})

test('find() with order, a nested any and an entity sends and gets what Python would', async () => {
  const body = `{"method_name": "read", "params": [${script}, {"type": "Shot", "return_fields": ["code", "project", "sg_sequence.Sequence.code"], "filters": {"logical_operator": "and", "conditions": [{"path": "project", "relation": "is", "values": [{"type": "Project", "id": 101}]}, {"logical_operator": "or", "conditions": [{"path": "code", "relation": "ends_with", "values": ["sh010"]}, {"path": "sg_status_list", "relation": "in", "values": ["fin", "omt"]}]}]}, "return_only": "active", "paging": {"entities_per_page": 500, "current_page": 1}, "sorts": [{"field_name": "code", "direction": "desc"}], "api_return_image_urls": true, "return_paging_info_without_counts": true}]}`
  expect(await answerTo(body)).toMatchObject({
    results: {
      entities: [
        { code: 'sq20_sh030', project: { id: 101, name: 'Amber Coast', type: 'Project' } },
        { code: 'sq20_sh010', 'sg_sequence.Sequence.code': 'sq20' },
        { code: 'sq10_sh030' },
        { code: 'sq10_sh010' },
      ],
    },
  })
})

test('create() under sudo shows the person as creator, and update() echoes the fields that were sent', async () => {
  const created = await answerTo(
    `{"method_name": "create", "params": [${sudo}, {"type": "Version", "fields": [{"field_name": "project", "value": {"type": "Project", "id": 101, "name": "Amber Coast"}}, {"field_name": "code", "value": "Prüfung_v001"}, {"field_name": "sg_status_list", "value": "na"}], "return_fields": ["id", "created_by"]}]}`,
  )
  expect(created).toEqual({
    results: {
      type: 'Version',
      id: expect.any(Number),
      project: { type: 'Project', id: 101, name: 'Amber Coast' },
      code: 'Prüfung_v001',
      sg_status_list: 'na',
      created_by: { type: 'HumanUser', id: site.person('supervisor').id, name: 'Old Login' },
    },
  })
  const { id } = (created as { results: { id: number } }).results
  expect(
    await answerTo(
      `{"method_name": "update", "params": [${script}, {"type": "Version", "id": ${id}, "fields": [{"field_name": "description", "value": "updated"}]}]}`,
    ),
  ).toEqual({ results: { type: 'Version', id, description: 'updated' } })
})

test('delete() and revive() answer true once and false the second time', async () => {
  const [shot] = await find(
    site.url,
    { script_name: 'identity-broker', script_key: 'script-key-with-sudo' },
    'Shot',
    [],
  )
  const call = (method: string) => {
    return answerTo(`{"method_name": "${method}", "params": [${script}, {"type": "Shot", "id": ${shot?.id}}]}`)
  }
  expect(await call('delete')).toEqual({ results: true })
  expect(await call('delete')).toEqual({ results: false })
  expect(await call('revive')).toEqual({ results: true })
  expect(await call('revive')).toEqual({ results: false })
})

test('batch() answers one result per request', async () => {
  const body = `{"method_name": "batch", "params": [${script}, [{"request_type": "create", "type": "Shot", "fields": [{"field_name": "code", "value": "New Shot 5"}, {"field_name": "project", "value": {"type": "Project", "id": 101}}], "return_fields": ["id"]}, {"request_type": "update", "type": "Project", "id": 101, "fields": [{"field_name": "sg_description", "value": "changed"}]}]]}`
  expect(await answerTo(body)).toEqual({
    results: [
      {
        type: 'Shot',
        id: expect.any(Number),
        code: 'New Shot 5',
        project: { type: 'Project', id: 101, name: 'Amber Coast' },
      },
      { type: 'Project', id: 101, sg_description: 'changed' },
    ],
  })
})

test('summarize() counts, and groups', async () => {
  const body = `{"method_name": "summarize", "params": [${script}, {"type": "Shot", "summaries": [{"field": "id", "type": "count"}, {"field": "sg_cut_duration", "type": "sum"}], "filters": {"logical_operator": "and", "conditions": [{"path": "project", "relation": "is", "values": [{"type": "Project", "id": 101}]}]}, "grouping": [{"field": "sg_status_list", "type": "exact", "direction": "asc"}]}]}`
  expect(await answerTo(body)).toEqual({
    results: {
      summaries: { id: 6, sg_cut_duration: 288 },
      groups: [
        { group_name: 'fin', group_value: 'fin', summaries: { id: 2, sg_cut_duration: 144 } },
        { group_name: 'ip', group_value: 'ip', summaries: { id: 2, sg_cut_duration: 96 } },
        { group_name: 'wtg', group_value: 'wtg', summaries: { id: 2, sg_cut_duration: 48 } },
      ],
    },
  })
})

test('schema_read() and schema_entity_read() send no parameters at all', async () => {
  expect(await answerTo(`{"method_name": "schema_entity_read", "params": [${script}]}`)).toMatchObject({
    results: { HumanUser: { name: { value: 'Person', editable: false }, visible: { value: true, editable: false } } },
  })
  expect(await answerTo(`{"method_name": "schema_read", "params": [${script}]}`)).toMatchObject({
    results: {
      HumanUser: { login: { data_type: { value: 'text', editable: false }, unique: { value: true, editable: false } } },
      EventLogEntry: { meta: { data_type: { value: 'serializable', editable: false } } },
    },
  })
})

test("schema_field_read('Version', 'sg_status_list') lists codes and labels", async () => {
  const body = `{"method_name": "schema_field_read", "params": [${script}, {"type": "Version", "field_name": "sg_status_list"}]}`
  expect(await answerTo(body)).toMatchObject({
    results: {
      sg_status_list: {
        data_type: { value: 'status_list' },
        properties: {
          default_value: { value: 'rev' },
          valid_values: { value: ['na', 'rev', 'vwd', 'apr', 'fin'] },
          display_values: { value: { rev: 'Pending Review' } },
          hidden_values: { value: [] },
        },
      },
    },
  })
})

test('text_search() finds rows by the words of their names', async () => {
  const body = `{"method_name": "query_display_name_cache", "params": [${script}, {"text": "sq10 SH020", "entity_types": {"Shot": {"logical_operator": "and", "conditions": []}, "Asset": {"logical_operator": "and", "conditions": []}}, "project_ids": [102], "max_results": null}]}`
  expect(await answerTo(body)).toMatchObject({
    results: {
      terms: ['sq10', 'sh020'],
      matches: [{ type: 'Shot', name: 'sq10_sh020', project_id: 102, image: null, links: ['', ''], status: 'ip' }],
    },
  })
})

test('a wrong script key is HTTP 200 with the fault the clients key on', async () => {
  const body = '{"method_name": "read", "params": [{"script_name": "TestScript", "script_key": "x"}, {"type": "Shot"}]}'
  expect(await answerTo(body)).toEqual({
    exception: true,
    message: "Can't authenticate script 'TestScript'",
    error_code: 102,
  })
})

test('update_project_last_accessed() answers a record the client can index', async () => {
  const token = site.mintSession('artist')
  const auth = `{"session_token": "${token}", "reject_if_expired": true}`
  expect(
    await answerTo(
      `{"method_name": "update_project_last_accessed_by_current_user", "params": [${auth}, {"project_id": 101}]}`,
    ),
  ).toEqual({ results: { type: 'Project', id: 101 } })
  const read = `{"method_name": "read", "params": [${auth}, {"type": "Project", "return_fields": ["last_accessed_by_current_user"], "filters": {"logical_operator": "and", "conditions": [{"path": "id", "relation": "is", "values": [101]}]}, "return_only": "active", "paging": {"entities_per_page": 1, "current_page": 1}}]}`
  expect(await answerTo(read)).toMatchObject({
    results: {
      entities: [{ last_accessed_by_current_user: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) }],
    },
  })
})
