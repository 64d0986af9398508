import { describe, expect, test } from 'vitest'
import { callRpc, find } from '../sandbox/site/shotgun-api3-wire.ts'
import { asPerson, create, project, remove, script, site, startSiteForEachTest, update } from './site-of-each-test.ts'

startSiteForEachTest()

describe('events', () => {
  const uuid = '5a1d49b0-0c69-11e0-a24c-003048d17544'

  test('a person’s writes leave an entry a field and one for the row, under their name', async () => {
    const artist = { ...asPerson('artist'), session_uuid: uuid }
    const me = { type: 'HumanUser', id: site.person('artist').id }
    const note = await create(artist, 'Note', { project, subject: 'Hello' })
    const log = site.eventLog()
    expect(log.at(-1)).toMatchObject({
      event_type: 'Shotgun_Note_New',
      attribute_name: null,
      meta: { type: 'new_entity', entity_type: 'Note', entity_id: note.id },
      entity: { type: 'Note', id: note.id },
      project,
      user: me,
      session_uuid: uuid,
    })
    expect(log.find(({ attribute_name }) => attribute_name === 'subject')).toMatchObject({
      event_type: 'Shotgun_Note_Change',
      meta: { type: 'attribute_change', in_create: true, old_value: null, new_value: 'Hello', field_data_type: 'text' },
      user: me,
    })
    expect(log.every(({ meta }) => !('sudo_actual_user' in meta))).toBe(true)

    await update(artist, 'Note', note.id, { subject: 'Bye' })
    expect(site.eventLog().at(-1)).toMatchObject({ meta: { old_value: 'Hello', new_value: 'Bye' } })
    const before = site.eventLog().length
    await update(artist, 'Note', note.id, { subject: 'Bye' })
    expect(site.eventLog()).toHaveLength(before)

    await remove(artist, 'Note', note.id)
    expect(site.eventLog().slice(-2)).toMatchObject([
      { event_type: 'Shotgun_Note_Retirement', meta: { type: 'entity_retirement', display_name: 'Bye', id: note.id } },
      { event_type: 'Shotgun_Note_Change', attribute_name: 'retirement_date' },
    ])
    await callRpc(site.url, artist, 'revive', { type: 'Note', id: note.id })
    expect(site.eventLog().at(-1)).toMatchObject({ event_type: 'Shotgun_Note_Revival' })
  })

  test('under sudo they are the person’s, and the meta names the script', async () => {
    await create({ ...script, sudo_as_login: 'supervisor' }, 'Note', { project, subject: 'Hello' }, 'created_by')
    const log = site.eventLog()
    expect(log.length).toBeGreaterThan(1)
    for (const entry of log) {
      expect(entry.user).toEqual({ type: 'HumanUser', id: site.person('supervisor').id })
      expect(entry.meta['sudo_actual_user']).toMatchObject({ type: 'ApiUser', name: 'identity-broker 1.0' })
    }
  })

  test('a script’s own writes leave none, until it turns its flag on, which it may', async () => {
    await create(script, 'Note', { project })
    expect(site.eventLog()).toEqual([])
    const [me] = await find(
      site.url,
      script,
      'ApiUser',
      [['firstname', 'is', 'identity-broker']],
      ['generate_event_log_entries'],
    )
    expect(me).toMatchObject({ generate_event_log_entries: false })
    await update(script, 'ApiUser', me?.id ?? 0, { generate_event_log_entries: true })
    await create(script, 'Note', { project, subject: 'Hello' })
    expect(site.eventLog().at(-1)).toMatchObject({
      event_type: 'Shotgun_Note_New',
      user: { type: 'ApiUser', id: me?.id },
    })
  })

  test('the log is read like any table, never changed, and follows who may see the project', async () => {
    const admin = asPerson('admin')
    await create(admin, 'Note', { project: { type: 'Project', id: 108 }, subject: 'Hidden' })
    const filters = [['event_type', 'starts_with', 'Shotgun_Note_']] as const
    expect(await find(site.url, script, 'EventLogEntry', filters, ['meta', 'user'])).not.toEqual([])
    expect(await find(site.url, asPerson('artist'), 'EventLogEntry', filters)).toEqual([])
    const id = site.eventLog()[0]?.id ?? 0
    await expect(update(script, 'EventLogEntry', id, { description: 'x' })).rejects.toThrow('PermissionRule 306')
    await expect(remove(script, 'EventLogEntry', id)).rejects.toThrow('PermissionRule 297')
  })
})
