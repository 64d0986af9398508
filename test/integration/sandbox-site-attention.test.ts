import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { idIn, sendForm } from '../sandbox/site/shotgun-api3-forms.ts'
import * as wire from '../sandbox/site/shotgun-api3-wire.ts'
import { callRpc, find, type WireEntity } from '../sandbox/site/shotgun-api3-wire.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

/** Who follows what, what was said, what happened, and when people work: the calls beside create, read and update. */

const script = { script_name: 'identity-broker', script_key: 'script-key-with-sudo' }
const project = { type: 'Project', id: 101 }

let site: Site
beforeEach(async () => {
  site = await startSite()
})
afterEach(() => site.close())

const call = (method: string, params: unknown, auth: Record<string, unknown> = script) =>
  callRpc(site.url, auth, method, params)
const asPerson = (key: string) => ({ session_token: site.mintSession(key), reject_if_expired: true })
const create = async (type: string, fields: Record<string, unknown>, auth: Record<string, unknown> = script) => {
  const { id } = await wire.create(site.url, auth, type, fields)
  return { type, id }
}
const update = (
  row: { type: string; id: number },
  fields: Record<string, unknown>,
  auth: Record<string, unknown> = script,
) => wire.update(site.url, auth, row, fields)

describe('following', () => {
  const artist = () => ({ type: 'HumanUser', id: site.person('artist').id })

  test('answers what was sent, shows from both ends, and begins once', async () => {
    const [shot, task] = [await create('Shot', { project }), await create('Task', { project })]
    const named = { ...shot, name: 'whatever the client had' }
    expect(await call('follow', { user: artist(), entity: named })).toEqual({
      followed: true,
      user: artist(),
      entity: named,
    })
    await call('follow', { user: artist(), entity: shot })
    await call('follow', { user: artist(), entity: task })
    expect(await call('followers', { entity: shot })).toEqual([
      { ...artist(), name: 'Plain Artist', status: 'act', valid: 'valid' },
    ])
    const following = (params: unknown) => call('following', { user: artist(), ...(params as object) })
    expect(await following({})).toEqual([shot, task])
    expect(await following({ entity_type: 'Task' })).toEqual([task])
    expect(await following({ project, entity_type: 'Shot' })).toEqual([shot])
    expect(await following({ project: { type: 'Project', id: 102 } })).toEqual([])
  })

  test('ends when asked to, when there was none to end, and when the row is deleted', async () => {
    const shot = await create('Shot', { project })
    const unfollow = () => call('unfollow', { user: artist(), entity: shot })
    await call('follow', { user: artist(), entity: shot })
    for (const _time of [1, 2]) expect(await unfollow()).toMatchObject({ unfollowed: true })
    expect(await call('followers', { entity: shot })).toEqual([])
    await call('follow', { user: artist(), entity: shot })
    await call('delete', shot)
    expect(await call('following', { user: artist() })).toEqual([])
  })

  test('is for people and rows that are there', async () => {
    const follow = (user: unknown, entity: unknown) => call('follow', { user, entity })
    await expect(follow({ type: 'HumanUser', id: 1 }, project)).rejects.toThrow("Couldn't find HumanUser with id=1")
    await expect(follow({ type: 'ApiUser', id: 30101 }, project)).rejects.toThrow("Couldn't find HumanUser")
    await expect(follow(artist(), { type: 'Shot', id: 1 })).rejects.toThrow("Couldn't find Shot with id=1")
    await expect(call('following', { user: artist(), entity_type: 'Nope' })).rejects.toMatchObject({ code: 103 })
    await expect(call('followers', {})).rejects.toMatchObject({ code: 103 })
  })

  test('reaches a person who was made for it, with a passphrase no row shows', async () => {
    site.switches.mode = 'default'
    const fields = { login: 'made', name: 'Made Up', password_proxy: 'own-passphrase', projects: [project] }
    const made = await create('HumanUser', fields)
    await call('follow', { user: made, entity: project })
    expect(await call('followers', { entity: project })).toMatchObject([{ ...made, name: 'Made Up' }])
    const login = { user_login: 'made', user_password: 'own-passphrase' }
    await expect(call('preferences_read', {}, login)).resolves.toBeTypeOf('object')
    expect(JSON.stringify(site.eventLog())).not.toContain('own-passphrase')
    const [row] = await find(site.url, script, 'HumanUser', [['login', 'is', 'made']], ['password_proxy'])
    expect(row).toMatchObject({ password_proxy: '*******' })
    await expect(update(made, { password_proxy: 'x' })).rejects.toThrow('password_proxy is editable on create only.')
  })
})

describe('the thread of a note', () => {
  test('holds the note, its replies and its files as a find shows them, oldest first', async () => {
    const artist = asPerson('artist')
    const me = { type: 'HumanUser', id: site.person('artist').id, name: 'Plain Artist' }
    const note = await create('Note', { project, subject: 'Look', content: 'closer' }, artist)
    const reply = await create('Reply', { entity: note, content: 'I did' }, artist)
    const file = { field: 'file', filename: 'a.jpg', contentType: 'image/jpeg', bytes: new Uint8Array([1]) }
    const form = { entity_type: 'Note', entity_id: note.id, display_name: 'a.jpg' }
    const attachmentId = idIn(await sendForm(site.url, '/upload/upload_file', artist, form, file))
    const thread = await call('note_thread_contents', { note_id: note.id, entity_fields: {} })
    const createdAt = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(thread).toEqual([
      { ...note, content: 'closer', created_at: createdAt, created_by: me },
      { ...reply, content: 'I did', created_at: createdAt, user: { ...me, image: null } },
      { type: 'Attachment', id: attachmentId, created_at: createdAt, created_by: me },
    ])
    const found = await find(site.url, script, 'Note', [['id', 'is', note.id]], ['content', 'created_at', 'created_by'])
    expect(found).toEqual((thread as unknown[]).slice(0, 1))
  })

  test('shows more of notes and files when asked, and of replies never', async () => {
    const note = await create('Note', { project, subject: 'Look' })
    await create('Reply', { entity: note, content: 'yes' })
    const entity_fields = { Note: ['subject', 'created_by.ApiUser.firstname'], Reply: ['publish_status'] }
    const [first, second] = (await call('note_thread_contents', { note_id: note.id, entity_fields })) as WireEntity[]
    expect(first).toMatchObject({ subject: 'Look', 'created_by.ApiUser.firstname': 'identity-broker' })
    expect(Object.keys(second ?? {}).sort()).toEqual(['content', 'created_at', 'id', 'type', 'user'])
  })

  test('is there for notes only that may be seen', async () => {
    const hidden = await create('Note', { project: { type: 'Project', id: 108 }, subject: 'Hidden' })
    const reply = await create('Reply', { entity: hidden, content: 'hush' })
    const read = (id: number) => call('note_thread_contents', { note_id: id }, asPerson('artist'))
    await expect(read(hidden.id)).rejects.toMatchObject({ code: 104, message: `Note: ${hidden.id} not found` })
    await expect(read(1)).rejects.toThrow('Note: 1 not found')
    expect(await find(site.url, asPerson('artist'), 'Reply', [['id', 'is', reply.id]])).toEqual([])
  })

  test('loses a reply that is taken out of the note, and the reply is gone', async () => {
    const note = await create('Note', { project, subject: 'Look' })
    const [kept, lost] = [await create('Reply', { entity: note }), await create('Reply', { entity: note })]
    await update(note, { replies: [kept] })
    expect(await find(site.url, script, 'Reply', [['entity', 'is', note]])).toEqual([kept])
    expect(await find(site.url, script, 'Reply', [['id', 'is', lost.id]])).toEqual([])
  })
})

describe('the activity stream', () => {
  const stream = (row: { type: string; id: number }, params: Record<string, unknown> = {}) => {
    const unset = { max_id: null, min_id: null, limit: null, entity_fields: {} }
    return call('activity_stream', { ...row, ...unset, ...params }) as Promise<{
      updates: { id: number; update_type: string; primary_entity: Record<string, unknown>; created_by: unknown }[]
      latest_update_id: number
      earliest_update_id: number
    }>
  }

  test('of a row holds its creation and what was made for it, newest first', async () => {
    const artist = asPerson('artist')
    const shot = await create('Shot', { project, code: 'new' }, artist)
    const note = await create('Note', { project, subject: 'Test', note_links: [shot] }, artist)
    const entity_fields = { Shot: ['created_by.HumanUser.image'], Note: ['content'] }
    const { updates, ...rest } = await stream(shot, { entity_fields })
    expect(rest).toEqual({
      entity_type: 'Shot',
      entity_id: shot.id,
      latest_update_id: updates[0]?.id,
      earliest_update_id: 0,
    })
    const author = { type: 'HumanUser', id: site.person('artist').id, name: 'Plain Artist', status: 'act', image: null }
    expect(updates).toMatchObject([
      { update_type: 'create', meta: { entity_type: 'Note', entity_id: note.id }, read: false, created_by: author },
      { update_type: 'create', meta: { type: 'new_entity', entity_type: 'Shot' } },
    ])
    expect(updates.map((entry) => entry.primary_entity)).toEqual([
      { ...note, name: 'Test', status: 'opn', content: null },
      { ...shot, name: 'new', status: 'wtg', 'created_by.HumanUser.image': null },
    ])
  })

  test('tells changes with what was and what is, and pages by ids that are not themselves told', async () => {
    const artist = asPerson('artist')
    const shot = await create('Shot', { project }, artist)
    for (const status of ['ip', 'fin', 'omt']) await update(shot, { sg_status_list: status }, artist)
    const { updates } = await stream(shot)
    expect(updates).toMatchObject([
      { update_type: 'update', meta: { attribute_name: 'sg_status_list', old_value: 'fin', new_value: 'omt' } },
      { meta: { new_value: 'fin' } },
      { meta: { new_value: 'ip' } },
      { update_type: 'create' },
    ])
    const ids = updates.map(({ id }) => id)
    const page = await stream(shot, { limit: 2 })
    expect([page.updates.map(({ id }) => id), page.earliest_update_id]).toEqual([ids.slice(0, 2), ids[1]])
    const older = await stream(shot, { max_id: page.earliest_update_id })
    expect(older.updates.map(({ id }) => id)).toEqual(ids.slice(2))
    expect([older.latest_update_id, older.earliest_update_id]).toEqual([(ids[1] ?? 0) - 1, 0])
    const newer = await stream(shot, { min_id: ids[1] })
    expect([newer.updates.map(({ id }) => id), newer.earliest_update_id]).toEqual([ids.slice(0, 1), (ids[1] ?? 0) + 1])
  })

  test('stays empty for what scripts do without a trace, and is refused for rows that are not there', async () => {
    expect((await stream(await create('Shot', { project }))).updates).toEqual([])
    await expect(stream({ type: 'Shot', id: 1 })).rejects.toMatchObject({ code: 104 })
    await expect(stream(project, { limit: 501 })).rejects.toThrow('limit must be less than or equal to 500')
    await expect(stream(project, { limit: 0 })).rejects.toThrow('limit must be greater than 0')
  })
})

describe('the work schedule', () => {
  const read = (extra: Record<string, unknown> = {}) =>
    call('work_schedule_read', {
      start_date: '2012-01-01',
      end_date: '2012-01-07',
      project: null,
      user: null,
      ...extra,
    }) as Promise<Record<string, unknown>>
  const set = (
    date: string,
    description: string,
    scope: Record<string, unknown> = {},
    auth: Record<string, unknown> = script,
  ) =>
    call(
      'work_schedule_update',
      { date, working: false, description, project: null, user: null, recalculate_field: null, ...scope },
      auth,
    )

  test('is a five-day week, both ends included', async () => {
    const week = await read()
    expect(Object.keys(week)).toHaveLength(7)
    expect(week['2012-01-01']).toEqual({ working: false, description: null, reason: 'STUDIO_WORK_WEEK' })
    expect(week['2012-01-02']).toEqual({ working: true, description: null, reason: 'STUDIO_WORK_WEEK' })
  })

  test('knows days off of the studio, of a project and of a person, and a person’s go first', async () => {
    const user = { type: 'HumanUser', id: site.person('artist').id, name: 'Plain Artist' }
    const show = { ...project, name: 'Amber Coast' }
    expect(await set('2012-01-02', 'Studio Holiday')).toEqual({
      date: '2012-01-02',
      working: false,
      description: 'Studio Holiday',
      project: null,
      user: null,
    })
    expect(await set('2012-01-03', 'Project Holiday', { project: show })).toMatchObject({ project: show, user: null })
    expect(await set('2012-01-04', 'Artist Holiday', { user })).toMatchObject({ project: null, user })
    await set('2012-01-04', 'Nobody works', { project })
    const off = (reason: string, description: string) => ({ working: false, reason, description })
    expect(await read({ project, user })).toMatchObject({
      '2012-01-02': off('STUDIO_EXCEPTION', 'Studio Holiday'),
      '2012-01-03': off('PROJECT_EXCEPTION', 'Project Holiday'),
      '2012-01-04': off('USER_EXCEPTION', 'Artist Holiday'),
    })
    expect(await read()).toMatchObject({ '2012-01-03': { working: true, reason: 'STUDIO_WORK_WEEK' } })
  })

  test('refuses days and spans that are none, two scopes at once, and other people’s days', async () => {
    await expect(read({ end_date: '07/01/2012' })).rejects.toThrow('Invalid date format: 07/01/2012.')
    await expect(read({ end_date: '2011-12-31' })).rejects.toThrow('must be greater than or equal to')
    await expect(read({ end_date: '2999-01-01' })).rejects.toThrow('3660 days at most')
    const user = { type: 'HumanUser', id: site.person('supervisor').id }
    await expect(set('2012-01-02', 'x', { project, user })).rejects.toThrow('cannot be used together')
    await expect(set('2012-01-02', 'x', { user: { type: 'HumanUser', id: 1 } })).rejects.toThrow(
      "Couldn't find HumanUser",
    )
    const artist = asPerson('artist')
    await expect(set('2012-01-02', 'x', {}, artist)).rejects.toMatchObject({ code: 104 })
    await expect(set('2012-01-02', 'x', { user }, artist)).rejects.toMatchObject({ code: 104 })
    const own = { user: { type: 'HumanUser', id: site.person('artist').id } }
    await expect(set('2012-01-02', 'x', own, artist)).resolves.toMatchObject({ working: false })
  })
})
