import { describe, expect, test } from 'vitest'
import * as wire from '../sandbox/site/shotgun-api3-wire.ts'
import { callRpc, find } from '../sandbox/site/shotgun-api3-wire.ts'
import { asPerson, create, project, readOne, remove, script, site, startSiteForEachTest } from './site-of-each-test.ts'

startSiteForEachTest()

describe('delete', () => {
  test('retires: out of searches and links, still there when asked for', async () => {
    const shot = await create(script, 'Shot', { project, code: 'doomed' })
    const note = await create(script, 'Note', { project, note_links: [shot] })
    const publish = await create(script, 'PublishedFile', { project, entity: shot })
    expect(await remove(script, 'Shot', shot.id)).toBe(true)
    expect(await readOne('Shot', shot.id, 'code')).toBeUndefined()
    expect(await find(site.url, script, 'Shot', [['code', 'is', 'doomed']], ['code'], { retired: true })).toHaveLength(
      1,
    )
    expect(await readOne('Note', note.id, 'note_links')).toMatchObject({ note_links: [] })
    expect(await readOne('PublishedFile', publish.id, 'entity')).toMatchObject({ entity: null })
    await expect(remove(script, 'Shot', 1)).rejects.toThrow(
      'API delete() CRUD ERROR #3: Entity of type [Shot] with id=1 does not exist.',
    )
  })

  test('of a Shot takes its Versions along, which stay when it comes back; of a Task, nothing', async () => {
    const artist = asPerson('artist')
    const shot = await create(artist, 'Shot', { project })
    const task = await create(artist, 'Task', { project, entity: shot })
    const version = await create(artist, 'Version', { project, entity: shot, sg_task: task })
    await remove(artist, 'Task', task.id)
    expect(await readOne('Version', version.id, 'sg_task')).toMatchObject({ sg_task: null })
    await remove(artist, 'Shot', shot.id)
    const retired = await find(site.url, script, 'Version', [['id', 'is', version.id]], ['entity'], { retired: true })
    expect(retired).toEqual([{ type: 'Version', id: version.id, entity: null }])
    expect(site.eventLog().map(({ event_type }) => event_type)).toContain('Shotgun_Version_Retirement')
    await callRpc(site.url, artist, 'revive', { type: 'Shot', id: shot.id })
    expect(await readOne('Version', version.id)).toBeUndefined()
    await callRpc(site.url, artist, 'revive', { type: 'Version', id: version.id })
    expect(await readOne('Version', version.id, 'entity')).toMatchObject({ entity: { id: shot.id } })
  })

  test('is refused where the caller may not', async () => {
    await expect(remove(asPerson('artist'), 'HumanUser', site.person('supervisor').id)).rejects.toMatchObject({
      code: 104,
    })
    await expect(remove(asPerson('artist'), 'Project', 101)).rejects.toMatchObject({ code: 104 })
    await expect(remove(asPerson('artist'), 'Project', 108)).rejects.toThrow('with id=108 does not exist')
  })
})

describe('batch', () => {
  test('does all or nothing', async () => {
    const requests = [
      {
        request_type: 'create',
        type: 'Shot',
        fields: wire.listed({ project, code: 'batched' }),
        return_fields: ['id'],
      },
      { request_type: 'update', type: 'Shot', id: 1, fields: wire.listed({ code: 'x' }) },
    ]
    const before = site.eventLog().length
    await expect(callRpc(site.url, asPerson('artist'), 'batch', requests)).rejects.toMatchObject({
      code: 104,
      message:
        'API batch() request with index 1 failed.  All requests rolled back.\nAPI update() CRUD ERROR #3: Entity of type [Shot] with id=1 does not exist.',
    })
    expect(await find(site.url, script, 'Shot', [['code', 'is', 'batched']])).toEqual([])
    expect(site.eventLog()).toHaveLength(before)
  })

  test('rolls back what was written through, taken along and put behind a url', async () => {
    const shot = await create(script, 'Shot', { project, code: 'kept' })
    const version = await create(script, 'Version', { project, entity: shot })
    const requests = [
      { request_type: 'create', type: 'Sequence', fields: wire.listed({ project, shots: [shot] }) },
      {
        request_type: 'create',
        type: 'Version',
        fields: wire.listed({ project, sg_uploaded_movie: { url: 'https://x' } }),
      },
      { request_type: 'delete', type: 'Shot', id: shot.id },
      { request_type: 'delete', type: 'Shot', id: 1 },
    ]
    await expect(callRpc(site.url, script, 'batch', requests)).rejects.toMatchObject({ code: 104 })
    expect(await readOne('Shot', shot.id, 'sg_sequence')).toMatchObject({ sg_sequence: null })
    expect(await readOne('Version', version.id, 'entity')).toMatchObject({ entity: { id: shot.id } })
    expect(await find(site.url, script, 'Attachment', [])).toEqual([])
  })

  test('rolls a new person back too', async () => {
    const requests = [
      { request_type: 'create', type: 'HumanUser', fields: wire.listed({ login: 'half', sg_status_list: 'dis' }) },
      { request_type: 'delete', type: 'Shot', id: 1 },
    ]
    await expect(callRpc(site.url, script, 'batch', requests)).rejects.toMatchObject({ code: 104 })
    expect(() => site.person('half')).toThrow()
    expect(await find(site.url, script, 'HumanUser', [['login', 'is', 'half']])).toEqual([])
  })
})
