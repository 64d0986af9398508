import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as wire from '../sandbox/site/shotgun-api3-wire.ts'
import { callRpc, find, type WireEntity } from '../sandbox/site/shotgun-api3-wire.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'
import { linksIn } from '../sandbox/site/view.ts'

/** What a field holds once something was written to it, by its kind. */

const script = { script_name: 'identity-broker', script_key: 'script-key-with-sudo' }
const project = { type: 'Project', id: 101 }

let site: Site
beforeEach(async () => {
  site = await startSite()
})
afterEach(() => site.close())

const create = (type: string, fields: Record<string, unknown>, ...asked: string[]) =>
  wire.create(site.url, script, type, fields, ...asked)
const update = (type: string, id: number, fields: Record<string, unknown>) =>
  wire.update(site.url, script, { type, id }, fields)
const readOne = async (type: string, id: number, ...fields: string[]) =>
  (await find(site.url, script, type, [['id', 'is', id]], fields))[0]

describe('links that are kept at the other end', () => {
  test.each([
    ['Sequence', 'shots', 'Shot', 'sg_sequence'],
    ['Asset', 'shots', 'Shot', 'assets'],
    ['Version', 'playlists', 'Playlist', 'versions'],
    ['Shot', 'tasks', 'Task', 'entity'],
    ['Task', 'downstream_tasks', 'Task', 'upstream_tasks'],
  ])('%s.%s is written through to %s.%s, and the schema says so', async (type, name, otherType, otherName) => {
    const here = await create(type, { project })
    const [one, two] = [await create(otherType, { project }), await create(otherType, { project })]
    const held = async () => linksIn((await readOne(type, here.id, name))?.[name]).map((link) => link.id)
    const pointing = async (row: WireEntity) => {
      return linksIn((await readOne(otherType, row.id, otherName))?.[otherName]).map((link) => link.id)
    }
    const write = (value: unknown, mode?: string) => {
      const fields = [{ field_name: name, value, ...(mode ? { multi_entity_update_mode: mode } : {}) }]
      return callRpc(site.url, script, 'update', { type, id: here.id, fields })
    }
    expect(await write([one])).toMatchObject({ [name]: [{ type: otherType, id: one.id }] })
    await write([two], 'add')
    expect([await held(), await pointing(one), await pointing(two)]).toEqual([[one.id, two.id], [here.id], [here.id]])
    await write([one], 'remove')
    expect([await held(), await pointing(one), await pointing(two)]).toEqual([[two.id], [], [here.id]])
    await write([])
    expect([await held(), await pointing(two)]).toEqual([[], []])
    const schema = await callRpc(site.url, script, 'schema_field_read', { type, field_name: name })
    expect(schema).toMatchObject({ [name]: { editable: { value: true } } })
  })

  test('are there from the creation on, and take a row away from where it was', async () => {
    const shot = await create('Shot', { project })
    const first = await create('Sequence', { project, shots: [shot] }, 'shots')
    expect(first['shots']).toMatchObject([{ id: shot.id }])
    const second = await create('Sequence', { project, shots: [shot] })
    expect(await readOne('Shot', shot.id, 'sg_sequence')).toMatchObject({ sg_sequence: { id: second.id } })
    expect(await readOne('Sequence', first.id, 'shots')).toMatchObject({ shots: [] })
  })

  test('join people to groups and projects', async () => {
    const [group] = await find(site.url, script, 'Group', [], ['users'])
    const artist = { type: 'HumanUser', id: site.person('artist').id }
    await update('HumanUser', artist.id, { groups: [group] })
    const supervisor = { type: 'HumanUser', id: site.person('supervisor').id }
    expect(await readOne('Group', group?.id ?? 0, 'users')).toMatchObject({ users: [supervisor, artist] })
    const ivory = await create('Project', { name: 'Ivory Gate', users: [artist] })
    const person = await readOne('HumanUser', artist.id, 'projects')
    expect(linksIn(person?.['projects']).map((link) => link.id)).toContain(ivory.id)
  })

  test('are refused like any other: what is not there cannot be linked', async () => {
    const sequence = await create('Sequence', { project })
    for (const link of [
      { type: 'Shot', id: 1 },
      { type: 'Sequence', id: sequence.id },
    ]) {
      await expect(update('Sequence', sequence.id, { shots: [link] })).rejects.toThrow('Value is not legal.')
    }
  })
})

describe('kinds of values', () => {
  test('a float is kept to six decimals, told apart from null, and filtered like a number', async () => {
    const make = (value: unknown) => create('Version', { project, sg_frames_aspect_ratio: value })
    const version = await make(1.23456789012345)
    expect(version['sg_frames_aspect_ratio']).toBe(1.234568)
    expect(await make(' 4.5 ')).toMatchObject({ sg_frames_aspect_ratio: 4.5 })
    expect(await make(3e12)).toMatchObject({ sg_frames_aspect_ratio: 3e12 })
    expect(await make(1e-9)).toMatchObject({ sg_frames_aspect_ratio: 0 })
    const ids = async (...filter: unknown[]) =>
      (await find(site.url, script, 'Version', [['sg_frames_aspect_ratio', ...filter]])).map((row) => row.id)
    expect(await ids('is', 1.2345678901)).toEqual([version.id])
    expect(await ids('in', 1.234568, 44.5)).toEqual([version.id])
    expect(await ids('between', 1, 2)).toEqual([version.id])
    await expect(make('wide')).rejects.toThrow("Invalid data for 'float' data type")
    await expect(make('')).rejects.toThrow("Invalid data for 'float' data type")
    await expect(make(true)).rejects.toThrow(
      'expected [String, BigDecimal, Float, NilClass] data type(s) but got TrueClass',
    )
  })

  test('the colour of a task is a token until it is set, and names are stored as what they mean', async () => {
    const task = await create('Task', { project, content: 'coloured' }, 'color')
    expect(task).toMatchObject({ color: 'pipeline_step' })
    const set = async (color: unknown) => (await update('Task', task.id, { color })) as WireEntity
    expect(await set('Black')).toMatchObject({ color: '45,45,45' })
    expect(await set('222,0,0')).toMatchObject({ color: '222,0,0' })
    const found = (...filter: unknown[]) =>
      find(site.url, script, 'Task', [
        ['color', ...filter],
        ['content', 'is', 'coloured'],
      ])
    expect(await found('in', ['222,0,0', 'Green'])).toHaveLength(1)
    expect(await found('not_in', ['222,0,0', 'Green'])).toEqual([])
    await set('pipeline_step')
    expect(await found('is', 'PIPELINE_STEP')).toEqual([])
    for (const [color, problem] of [
      ['#ff8000', 'Value is not a valid color token: [#ff8000]'],
      ['255, 128, 0', 'At least one component value is not valid'],
      ['300,0,0', 'At least one component value is out of range'],
      ['255,128', 'The value is not a valid color expression'],
      ['', 'The value is not a valid color expression: []'],
      [null, 'Value cannot be nil for Task.color.'],
    ]) {
      await expect(set(color)).rejects.toMatchObject({ code: 104, message: expect.stringContaining(problem ?? '') })
    }
  })

  test('the colour of a project or a step is a colour or nothing', async () => {
    await update('Project', project.id, { color: '1,2,3' })
    expect(await update('Project', project.id, { color: null })).toMatchObject({ color: null })
    await expect(create('Step', { code: 'x', color: 'Blue' })).rejects.toThrow('Value is not a valid color token')
  })

  test('rows have the fields the clients ask for', async () => {
    const tag = await create('Tag', { name: 'hero' })
    const frames = { head_in: 1, cut_in: 2, cut_out: 3, cut_duration: 2, tail_in: 4, tail_out: 5, head_out: 1 }
    expect(await create('Shot', { project, tags: [tag], ...frames })).toMatchObject({
      ...frames,
      tags: [{ type: 'Tag', id: tag.id, name: 'hero' }],
    })
    for (const type of ['Sequence', 'Asset', 'Task', 'Version', 'Note', 'PublishedFile', 'Playlist', 'Ticket']) {
      expect(await create(type, { project, tags: [tag] })).toMatchObject({ tags: [{ name: 'hero' }] })
    }
    const department = await create('Department', { name: 'Lighting' })
    const person = site.person('artist').id
    const changed = await update('HumanUser', person, { department, email_notes: false })
    expect(changed).toMatchObject({ department: { name: 'Lighting' }, email_notes: false })
    const fields = ['tank_name', 'sg_flow_am_id', 'layout_project', 'archived']
    expect(await readOne('Project', project.id, ...fields)).toMatchObject({
      ...{ tank_name: 'amber_coast', sg_flow_am_id: null, layout_project: null, archived: false },
    })
    await expect(update('Project', project.id, { layout_project: null })).rejects.toThrow('is read only')
  })
})
