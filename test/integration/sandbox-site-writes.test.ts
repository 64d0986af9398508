import { describe, expect, test } from 'vitest'
import { callRpc, find } from '../sandbox/site/shotgun-api3-wire.ts'
import { linksIn } from '../sandbox/site/view.ts'
import {
  asPerson,
  create,
  project,
  readOne,
  remove,
  script,
  site,
  startSiteForEachTest,
  update,
} from './site-of-each-test.ts'

startSiteForEachTest()

describe('create', () => {
  test('fills what was left out: name, status, author, stamps', async () => {
    const artist = asPerson('artist')
    const shot = await create(
      artist,
      'Shot',
      { project },
      'code',
      'sg_status_list',
      'sg_shot_type',
      'created_by',
      'updated_by',
    )
    const me = { type: 'HumanUser', id: site.person('artist').id, name: 'Plain Artist' }
    expect(shot).toMatchObject({
      code: `New Shot ${shot.id}`,
      sg_status_list: 'wtg',
      sg_shot_type: 'VFX',
      created_by: me,
      updated_by: me,
    })
    const note = await create(
      artist,
      'Note',
      { project, subject: 'Look', content: 'closer' },
      'user',
      'cached_display_name',
    )
    expect(note).toMatchObject({ user: me, cached_display_name: 'Look - closer' })
  })

  test('a script on its own account is the creator', async () => {
    expect(await create(script, 'Shot', { project }, 'created_by')).toMatchObject({
      created_by: { type: 'ApiUser', name: 'identity-broker 1.0' },
    })
  })

  test.each<[string, string, Record<string, unknown>, number, string]>([
    [
      'without a project',
      'Shot',
      { code: 'sh010' },
      103,
      'API create() missing \'project\' attribute: {"code" => "sh010"}',
    ],
    ['with a field nobody has', 'Shot', { project, sg_nope: 1 }, 103, "API create() Shot.sg_nope doesn't exist."],
    ['with a bare id', 'Shot', { project: 101 }, 103, 'got Integer: 101'],
    [
      'with a field that is read only',
      'Task',
      { project, sg_versions: [] },
      103,
      'API create() Task.sg_versions is read only.',
    ],
    [
      'with a status nobody has',
      'Shot',
      { project, sg_status_list: 'zz' },
      104,
      "Update failed for [Shot.sg_status_list]: 'zz' is not a valid status. Valid statuses: 'wtg', 'rdy', 'ip', 'fin', 'omt'.",
    ],
    [
      'with an empty name',
      'Shot',
      { project, code: '' },
      104,
      'Create failed for [Shot]: Cannot set identifier field to empty. (Shot)',
    ],
    [
      'with null for a name',
      'Sequence',
      { project, code: null },
      104,
      'Create failed for [Sequence]: Cannot set identifier field to empty. (Sequence)',
    ],
    [
      'with a name that is taken',
      'Project',
      { name: 'Amber Coast' },
      104,
      'API create() CRUD ERROR #61: Create failed for [Project]: The value for the Project Name field is required to be unique. <br> ',
    ],
    ['with a link to nothing', 'Version', { project, entity: { type: 'Shot', id: 1 } }, 104, 'Value is not legal.'],
    [
      'with a project that is none',
      'Shot',
      { project: { type: 'Shot', id: 50101 } },
      104,
      'Project expected, got Shot',
    ],
    ['of a script', 'ApiUser', { firstname: 'x' }, 104, 'Entity of type ApiUser cannot be created by this user.'],
    [
      'of a permission group',
      'PermissionRuleSet',
      {},
      104,
      'Entity of type PermissionRuleSet cannot be created by this user.',
    ],
  ])('%s is refused', async (_what, type, fields, code, message) => {
    await expect(create(script, type, fields)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
  })

  test('people make rows only where they are', async () => {
    const artist = asPerson('artist')
    await expect(create(artist, 'Shot', { project: { type: 'Project', id: 108 } })).rejects.toMatchObject({
      code: 104,
      message: expect.stringContaining('Entity of type Shot cannot be created by this user.'),
    })
    await expect(create(artist, 'Project', { name: 'Mine' })).rejects.toMatchObject({ code: 104 })
    await expect(create(asPerson('supervisor'), 'Project', { name: 'Ours' })).resolves.toMatchObject({ name: 'Ours' })
  })
})

describe('update', () => {
  test('changes what was sent, clears with null or nothing, and strips text', async () => {
    const { id } = await create(script, 'Shot', { project, code: 'one', description: 'old', sg_cut_in: 5 })
    await update(script, 'Shot', id, { code: '  two  ', description: '', sg_cut_in: null })
    expect(await readOne('Shot', id, 'code', 'description', 'sg_cut_in')).toMatchObject({
      code: 'two',
      description: null,
      sg_cut_in: null,
    })
  })

  test('takes dates and moments the way the site stores them', async () => {
    const { id } = await create(script, 'Version', { project })
    await update(script, 'Version', id, { client_approved_at: '2026-03-04T05:06:07+05:00' })
    expect(await readOne('Version', id, 'client_approved_at')).toMatchObject({
      client_approved_at: '2026-03-04T00:06:07Z',
    })
    await update(script, 'Version', id, { client_approved_at: '2026-03-04' })
    expect(await readOne('Version', id, 'client_approved_at')).toMatchObject({
      client_approved_at: '2026-03-04T00:00:00Z',
    })
    await expect(update(script, 'Version', id, { client_approved_at: 'soon' })).rejects.toThrow(
      'Invalid date time format: soon.',
    )
  })

  test('sets, adds to and removes from sets of links', async () => {
    const people = ['artist', 'supervisor', 'admin'].map((key) => ({ type: 'HumanUser', id: site.person(key).id }))
    const [first, second, third] = people
    const { id } = await create(script, 'Note', { project, addressings_to: [first] })
    const change = (value: unknown, mode: string) =>
      callRpc(site.url, script, 'update', {
        type: 'Note',
        id,
        fields: [{ field_name: 'addressings_to', value, multi_entity_update_mode: mode }],
      })
    const ids = async () => {
      const note = await readOne('Note', id, 'addressings_to')
      return linksIn(note?.['addressings_to']).map((link) => link.id)
    }
    await change([second, third], 'add')
    expect(await ids()).toEqual(people.map((link) => link.id))
    await change([second], 'remove')
    expect(await ids()).toEqual([first?.id, third?.id])
    await change([second, second], 'set')
    expect(await ids()).toEqual([second?.id])
    await expect(change([first], 'append')).rejects.toThrow("invalid/missing string 'multi_entity_update_mode'")
    await expect(update(script, 'Note', id, { addressings_to: null })).rejects.toThrow('expected [Array, Hash]')
    await expect(update(script, 'Note', id, { addressings_to: first })).rejects.toMatchObject({
      code: 103,
      message: "API update() invalid/missing string 'multi_entity_update_mode'",
    })
    const inline = { multi_entity_update_mode: 'add', values: [first] }
    await expect(update(script, 'Note', id, { addressings_to: inline })).rejects.toThrow(
      "API update() invalid/missing array of entity hashes 'value'",
    )
    await update(script, 'Note', id, { addressings_to: { multi_entity_update_mode: 'add', value: [first] } })
    expect(await ids()).toEqual([second?.id, first?.id])
  })

  test('never empties the name of a row, but that of a task', async () => {
    const shot = await create(script, 'Shot', { project, code: 'named' })
    const refused = 'Update failed for [Shot]: Cannot set identifier field to empty. (Shot)'
    for (const code of [null, '', '  ']) {
      await expect(update(script, 'Shot', shot.id, { code })).rejects.toThrow(refused)
    }
    const task = await create(script, 'Task', { project })
    await update(script, 'Task', task.id, { content: null })
    expect(await readOne('Task', task.id, 'content', 'cached_display_name')).toMatchObject({
      content: null,
      cached_display_name: '-',
    })
  })

  test.each<[string, Record<string, unknown>, number, string]>([
    [
      'of a row that is not there',
      {},
      104,
      'API update() CRUD ERROR #3: Entity of type [Shot] with id=1 does not exist.',
    ],
  ])('%s is refused', async (_what, fields, code, message) => {
    await expect(update(script, 'Shot', 1, fields)).rejects.toMatchObject({ code, message })
  })

  test.each<[Record<string, unknown>, number, string]>([
    [{ created_at: '2020-01-01T00:00:00Z' }, 103, 'API update() Version.created_at is editable on create only.'],
    [{ id: 5 }, 103, 'API update() Version.id is read only.'],
    [{ image: 'x.jpg' }, 103, 'API update() Version.image is read only.'],
    [{ frame_count: 3.7 }, 103, 'got Float: 3.7'],
    [
      { frame_count: 2 ** 31 },
      104,
      'API update() CRUD ERROR #5: Update failed for [Version.frame_count]: Invalid statement.',
    ],
    [{ flagged: null }, 103, 'expected [String, FalseClass, TrueClass] data type(s) but got NilClass: nil'],
    [{ sg_version_type: 'daily' }, 104, "'daily' is not a valid list value. Valid list values: 'Daily', 'Delivery'."],
    [
      { project: { type: 'HumanUser', id: 20101 } },
      104,
      'Update failed for [Version.project]: Project expected, got HumanUser',
    ],
  ])('%j is refused', async (fields, code, message) => {
    const { id } = await create(script, 'Version', { project })
    await expect(update(script, 'Version', id, fields)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
  })

  test('a write to cached_display_name is taken and thrown away', async () => {
    const { id } = await create(script, 'Shot', { project, code: 'kept' })
    await update(script, 'Shot', id, { cached_display_name: 'lost' })
    expect(await readOne('Shot', id, 'cached_display_name')).toMatchObject({ cached_display_name: 'kept' })
  })
})

describe('people', () => {
  test('only scripts and admins write other people’s rows; everybody writes a little of their own', async () => {
    const { id: artistId } = site.person('artist')
    const { id: otherId } = site.person('supervisor')
    await update(script, 'HumanUser', otherId, { email: 'moved@studio.example' })
    await update(asPerson('admin'), 'HumanUser', otherId, { firstname: 'Renamed' })
    expect(site.person('supervisor')).toMatchObject({ email: 'moved@studio.example', name: 'Renamed Login' })
    await update(asPerson('artist'), 'HumanUser', artistId, { firstname: 'Own' })
    for (const [key, id, fields] of [
      ['artist', otherId, { firstname: 'x' }],
      ['artist', artistId, { login: 'x' }],
      ['supervisor', artistId, { firstname: 'x' }],
    ] as const) {
      await expect(update(asPerson(key), 'HumanUser', id, fields)).rejects.toMatchObject({
        code: 104,
        message: expect.stringContaining('The field is not editable for this user: [HumanUser.'),
      })
    }
  })

  test('a name is written as first and last name, and read back as both', async () => {
    const { id } = site.person('artist')
    expect(await update(script, 'HumanUser', id, { name: '  Plain  van Artist ' })).toMatchObject({
      name: 'Plain van Artist',
    })
    expect(site.person('artist')).toMatchObject({ firstname: 'Plain', lastname: 'van Artist' })
    await update(asPerson('artist'), 'HumanUser', id, { name: 'Mononym' })
    expect(site.person('artist')).toMatchObject({ firstname: 'Mononym', lastname: '', name: 'Mononym' })
    for (const name of ['', null]) {
      await expect(update(script, 'HumanUser', id, { name })).rejects.toThrow('identifier field to empty. (HumanUser)')
    }
    await expect(update(script, 'HumanUser', id, { name: 5 })).rejects.toThrow('got Integer: 5')
    const fields = { name: 'New Comer', login: 'newcomer', sg_status_list: 'dis' }
    await create(script, 'HumanUser', fields)
    expect(await find(site.url, script, 'HumanUser', [['name', 'is', 'New Comer']], ['lastname'])).toMatchObject([
      { lastname: 'Comer' },
    ])
    const schema = await callRpc(site.url, script, 'schema_field_read', { type: 'HumanUser', field_name: 'name' })
    expect(schema).toMatchObject({ name: { editable: { value: true } } })
  })

  test('nobody switches impersonation or permission groups over the API', async () => {
    for (const auth of [script, asPerson('admin')]) {
      await expect(
        update(auth, 'HumanUser', site.person('artist').id, { can_impersonate_this_user: false }),
      ).rejects.toThrow(
        'The field is not editable for this user: [HumanUser.can_impersonate_this_user]. Rule: API Admin',
      )
      await expect(
        update(auth, 'HumanUser', site.person('artist').id, { permission_rule_set: null }),
      ).rejects.toMatchObject({
        code: 104,
      })
    }
  })

  test('on an Identity site only an admin in person, with a token, makes anybody active', async () => {
    const { id } = site.person('disabled')
    const activate = (auth: Record<string, unknown>) => update(auth, 'HumanUser', id, { sg_status_list: 'act' })
    const refused = { code: 110, message: 'User promotion to active is permitted only for Identity Users' }
    await expect(activate(script)).rejects.toMatchObject(refused)
    await expect(activate({ ...script, sudo_as_login: 'admin' })).rejects.toMatchObject(refused)
    site.person('admin').pat = 'none'
    await expect(activate(asPerson('admin'))).rejects.toMatchObject(refused)
    site.person('admin').pat = 'bound'
    await expect(activate(asPerson('admin'))).resolves.toBeTypeOf('object')
    expect(site.person('disabled').status).toBe('act')
    await update(script, 'HumanUser', id, { sg_status_list: 'dis' })
    site.switches.mode = 'default'
    await expect(activate(script)).resolves.toBeTypeOf('object')
  })

  test('a script makes disabled people only, and their login must be free', async () => {
    const fields = { login: 'newcomer', email: 'n@studio.example' }
    await expect(create(script, 'HumanUser', fields)).rejects.toMatchObject({ code: 110 })
    const made = await create(
      script,
      'HumanUser',
      { ...fields, sg_status_list: 'dis' },
      'name',
      'can_impersonate_this_user',
      'permission_rule_set',
    )
    expect(made).toMatchObject({
      name: expect.stringMatching(/^New User [0-9a-f]{10}$/),
      can_impersonate_this_user: true,
      permission_rule_set: { name: 'Artist' },
    })
    await expect(create(script, 'HumanUser', { ...fields, sg_status_list: 'dis' })).rejects.toThrow(
      'The value for the Login field is required to be unique. <br> ',
    )
    await remove(script, 'HumanUser', made.id)
    await expect(create(script, 'HumanUser', { ...fields, sg_status_list: 'dis' })).resolves.toMatchObject({
      login: 'newcomer',
    })
  })
})
