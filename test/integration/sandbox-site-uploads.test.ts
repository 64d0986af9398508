import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { idIn, sendForm, type WireFile } from '../sandbox/site/shotgun-api3-forms.ts'
import * as wire from '../sandbox/site/shotgun-api3-wire.ts'
import { type AuthDict, callRpc, find } from '../sandbox/site/shotgun-api3-wire.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

/** Forms are what shotgun_api3 3.10 sends, byte for byte: `upload`, `upload_thumbnail`, `share_thumbnail`. */

const script = { script_name: 'identity-broker', script_key: 'script-key-with-sudo' }
const project = { type: 'Project', id: 101 }
const bytes = new Uint8Array([0xff, 0xd8, 0x00, 0x0d, 0x0a, 0x2d, 0x2d, 0xff, 0xd9])
const picture: WireFile = { field: 'thumb_image', filename: 'thumb.jpg', contentType: 'image/jpeg', bytes }
const document: WireFile = { field: 'file', filename: 'Prüfung 1.zip', contentType: 'application/zip', bytes }

let site: Site
beforeEach(async () => {
  site = await startSite()
})
afterEach(() => site.close())

const session = (key: string) => ({ session_token: site.mintSession(key), reject_if_expired: true })
const create = (type: string, fields: Record<string, unknown>) => wire.create(site.url, script, type, fields)
const read = async (row: { type: string; id: number }, ...fields: string[]) =>
  (await find(site.url, script, row.type, [['id', 'is', row.id]], fields))[0]
const firstVersion = async () => {
  const [version] = await find(site.url, script, 'Version', [['project', 'is', project]])
  if (!version) throw new Error('there is no Version')
  return version
}
const target = ({ type, id }: { type: string; id: number }) => ({ entity_type: type, entity_id: id })
const publish = (row: { type: string; id: number }, auth: AuthDict = script, extra = {}) =>
  sendForm(site.url, '/upload/publish_thumbnail', auth, { ...target(row), ...extra }, picture)
const upload = (row: { type: string; id: number }, extra: Record<string, unknown> = {}, auth: AuthDict = script) =>
  sendForm(
    site.url,
    '/upload/upload_file',
    auth,
    { ...target(row), display_name: document.filename, ...extra },
    document,
  )
const fetched = async (url: unknown, init: RequestInit = {}) => {
  const answer = await fetch(String(url), init)
  return { status: answer.status, type: answer.headers.get('content-type'), bytes: [...(await answer.bytes())] }
}

describe('a thumbnail', () => {
  test('is published, reads as an address on the site, and comes back byte for byte', async () => {
    const version = await firstVersion()
    const id = idIn(await publish(version))
    const row = await read(version, 'image', 'filmstrip_image')
    expect(row).toMatchObject({ image: `${site.url}/file_serve/thumbnail/${id}`, filmstrip_image: null })
    expect(await fetched(row?.['image'])).toEqual({ status: 200, type: 'image/jpeg', bytes: [...bytes] })
    expect(await find(site.url, script, 'Version', [['image', 'is_not', null]])).toEqual([
      { type: 'Version', id: version.id },
    ])
    expect(await find(site.url, script, 'Attachment', [])).toEqual([])
  })

  test('can be the filmstrip, and clearing the image clears both', async () => {
    const version = await firstVersion()
    await publish(version)
    const id = idIn(await publish(version, script, { filmstrip: true }))
    const url = `${site.url}/file_serve/thumbnail/${id}`
    expect(await read(version, 'filmstrip_image')).toMatchObject({ filmstrip_image: url })
    const fields = [{ field_name: 'image', value: null }]
    const cleared = await callRpc(site.url, script, 'update', { type: 'Version', id: version.id, fields })
    expect(cleared).toEqual({ type: 'Version', id: version.id, image: null })
    expect(await read(version, 'image', 'filmstrip_image')).toMatchObject({ image: null, filmstrip_image: null })
  })

  test('can be anybody’s own, a script’s and a project’s', async () => {
    const me = { type: 'HumanUser', id: site.person('artist').id }
    const [api] = await find(site.url, script, 'ApiUser', [])
    if (!api) throw new Error('there is no script')
    idIn(await publish(me, session('artist')))
    idIn(await publish(api))
    idIn(await publish(project))
    const [version] = await find(site.url, script, 'Version', [['project', 'is', project]], ['project.Project.image'])
    expect(version?.['project.Project.image']).toMatch(/\/file_serve\/thumbnail\/\d+$/)
  })

  test('is shared with other rows under the same address', async () => {
    const version = await firstVersion()
    const [shot, other] = await find(site.url, script, 'Shot', [['project', 'is', project]])
    const share = (source: { type: string; id: number }) =>
      sendForm(site.url, '/upload/share_thumbnail', script, {
        entities: `Shot_${shot?.id},Shot_${other?.id}`,
        source_entity: `${source.type}_${source.id}`,
        filmstrip_thumbnail: false,
      })
    const id = idIn(await publish(version))
    expect(idIn(await share(version))).toBe(id)
    const images = await find(site.url, script, 'Shot', [['image', 'is_not', null]], ['image'])
    expect(images.map((row) => row['image'])).toEqual(Array(2).fill(`${site.url}/file_serve/thumbnail/${id}`))
    const task = await create('Task', { project })
    expect(await share(task)).toEqual({ status: 200, text: '1:\n' })
    expect(await find(site.url, script, 'Shot', [['image', 'is_not', null]])).toEqual([])
  })

  test('is the person’s who was signed in, or whom a script acts as', async () => {
    const version = await firstVersion()
    for (const auth of [session('artist'), { ...script, sudo_as_login: 'artist@studio.example' }]) {
      idIn(await publish(version, auth))
      const row = await read(version, 'updated_by')
      expect(row).toMatchObject({ updated_by: { type: 'HumanUser', id: site.person('artist').id } })
      expect(site.eventLog().at(-1)).toMatchObject({ event_type: 'Shotgun_Version_Change', attribute_name: 'image' })
    }
  })
})

describe('a file', () => {
  test('gets an Attachment, linked to its row and of its project', async () => {
    const version = await firstVersion()
    const id = idIn(await upload(version, { tag_list: 'a, b', created_at: '2020-01-02T03:04:05' }))
    const fields = ['display_name', 'filename', 'this_file', 'attachment_links', 'project', 'tags', 'created_at']
    expect(await read({ type: 'Attachment', id }, ...fields)).toMatchObject({
      display_name: 'Prüfung 1.zip',
      filename: 'Prüfung 1.zip',
      this_file: {
        url: `${site.url}/file_serve/attachment/${id}`,
        name: 'Prüfung 1.zip',
        content_type: 'application/zip',
        link_type: 'upload',
        type: 'Attachment',
        id,
      },
      attachment_links: [{ type: 'Version', id: version.id }],
      project: { id: 101 },
      tags: [{ name: 'a' }, { name: 'b' }],
      created_at: '2020-01-02T03:04:05Z',
    })
    expect(await fetched(`${site.url}/file_serve/attachment/${id}`)).toEqual({
      status: 200,
      type: 'application/zip',
      bytes: [...bytes],
    })
  })

  test('goes into the url field it was meant for, under the name it is given', async () => {
    const version = await firstVersion()
    const id = idIn(await upload(version, { field_name: 'sg_uploaded_movie', display_name: 'Latest QT' }))
    expect(await read(version, 'sg_uploaded_movie')).toMatchObject({
      sg_uploaded_movie: { name: 'Latest QT', link_type: 'upload', type: 'Attachment', id },
    })
  })

  test('joins a set of attachments, which the other end shows too', async () => {
    const ticket = await create('Ticket', { project, title: 'Broken', sg_priority: '3' })
    const ids = [idIn(await upload(ticket, { field_name: 'attachments' })), idIn(await upload(ticket))]
    const row = await read(ticket, 'attachments')
    expect(row?.['attachments']).toMatchObject(ids.map((id) => ({ type: 'Attachment', id })))
  })

  test('of a batch of bytes that look like a form stays what it was', async () => {
    const version = await firstVersion()
    const tricky = Buffer.from('\r\n--b2c7d1de\r\nContent-Disposition: form-data; name="x"\r\n\r\n--\r\n')
    const form = { ...target(version), display_name: 'x' }
    const sent = await sendForm(site.url, '/upload/upload_file', script, form, { ...document, bytes: tricky })
    expect((await fetched(`${site.url}/file_serve/attachment/${idIn(sent)}`)).bytes).toEqual([...tricky])
  })

  test('may weigh 50 MB and no more', { timeout: 60_000 }, async () => {
    const version = await firstVersion()
    const weighing = (size: number) =>
      sendForm(site.url, '/upload/upload_file', script, target(version), { ...document, bytes: new Uint8Array(size) })
    const limit = 50 * 1024 * 1024
    idIn(await weighing(limit))
    const refusal = { status: 200, text: '0\na file may weigh 50 MB at most\n' }
    expect(await weighing(limit + 1)).toEqual(refusal)
    expect(await weighing(limit + 2 * 1024 * 1024)).toEqual(refusal)
  })
})

describe('an upload', () => {
  test.each<[string, AuthDict, Record<string, unknown>, string]>([
    ['with a wrong key', { ...script, script_key: 'x' }, {}, "Can't authenticate script 'identity-broker'"],
    ['without credentials', {}, {}, 'Missing or invalid authentication arguments'],
    ['as somebody nobody may be', { ...script, sudo_as_login: 'ghost' }, {}, "Cannot 'sudo'"],
    ['to a type nobody has', script, { entity_type: 'Nope' }, 'Entity of type [Nope]'],
    ['to a row that is not there', script, { entity_id: 1 }, 'Entity of type [Version] with id=1 does not exist.'],
    ['to no row', script, { entity_id: 'x' }, 'entity_type and entity_id are required'],
    ['to a field nobody has', script, { field_name: 'sg_nope' }, "Version.sg_nope doesn't exist."],
    ['made at no time', script, { created_at: 'yesterday' }, 'Invalid date time format: yesterday.'],
    ['to a field that is read only', script, { field_name: 'id' }, 'Version.id is read only'],
    ['to a field of another kind', script, { field_name: 'code' }, 'Version.code is not a file field'],
  ])('%s is told so in text that starts with 0', async (_what, auth, fields, message) => {
    const { status, text } = await upload(await firstVersion(), fields, auth)
    expect(status).toBe(200)
    expect(text).toMatch(/^0\n/)
    expect(text).toContain(message)
    expect(await find(site.url, script, 'Attachment', [])).toEqual([])
  })

  test('by an ended session, or where somebody may not, is refused', async () => {
    const ended = session('artist')
    site.expireSessions()
    expect((await publish(await firstVersion(), ended)).text).toMatch(/^0\nCan't authenticate session/)
    const [hidden] = await find(site.url, script, 'Shot', [['project.Project.name', 'is', 'Heron Lake']])
    if (!hidden) throw new Error('there is no Shot')
    expect((await publish(hidden, session('artist'))).text).toContain('does not exist')
    const other = { type: 'HumanUser', id: site.person('supervisor').id }
    expect((await publish(other, session('artist'))).text).toContain('not editable for this user')
  })

  test('that is no form, or lacks its file, is refused', async () => {
    const send = (body: string, type: string) =>
      fetch(`${site.url}/upload/upload_file`, { method: 'POST', body, headers: { 'content-type': type } })
    const broken = await send('nonsense', 'multipart/form-data; boundary=b2c7d1de-6a0f-4f4c-8f0e-3a1d5c9e7b42')
    expect([broken.status, await broken.text()]).toEqual([200, expect.stringMatching(/^0\nthe body is not the form/)])
    const bare = new URLSearchParams({ ...script, entity_type: 'Project', entity_id: '101' })
    const without = await send(bare.toString(), 'application/x-www-form-urlencoded')
    expect(await without.text()).toBe('0\nthe file "file" is missing\n')
  })
})

describe('serving files', () => {
  test('needs no cookie, but one that is sent must be good', async () => {
    const version = await firstVersion()
    const thumbnail = `${site.url}/file_serve/thumbnail/${idIn(await publish(version))}`
    const attachment = `${site.url}/file_serve/attachment/${idIn(await upload(version))}`
    const good = site.mintSession('artist')
    for (const url of [thumbnail, attachment]) {
      const as = async (token: string) => (await fetched(url, { headers: { cookie: `_session_id=${token}` } })).status
      expect([(await fetched(url)).status, await as(good), await as('stolen')]).toEqual([200, 200, 401])
    }
  })

  test('shows somebody with a cookie only what they may see', async () => {
    const [hidden] = await find(site.url, script, 'Shot', [['project.Project.name', 'is', 'Heron Lake']])
    if (!hidden) throw new Error('there is no Shot')
    const url = `${site.url}/file_serve/attachment/${idIn(await upload(hidden))}`
    const headers = { cookie: `_session_id=${site.mintSession('artist')}` }
    expect((await fetched(url, { headers })).status).toBe(400)
  })

  test('answers 400 for an Attachment without a file and 404 for a thumbnail nobody made', async () => {
    const attachment = await create('Attachment', { project })
    for (const id of [attachment.id, 99_999_999, 'x']) {
      expect((await fetched(`${site.url}/file_serve/attachment/${id}`)).status).toBe(400)
    }
    expect((await fetched(`${site.url}/file_serve/thumbnail/1`)).status).toBe(404)
  })

  test('ends when the site is reset', async () => {
    const id = idIn(await publish(await firstVersion()))
    await fetch(`${site.url}/sandbox/reset`, { method: 'POST' })
    expect((await fetched(`${site.url}/file_serve/thumbnail/${id}`)).status).toBe(404)
  })
})

describe('a url field', () => {
  const url = 'https://files.studio.example/plate.mov'
  const write = (value: unknown) => create('Version', { project, sg_uploaded_movie: value })

  test('that is given an address reads back with what kind it is, and an Attachment behind it', async () => {
    const version = await write({ url, name: 'plate.mov' })
    const row = await read(version, 'sg_uploaded_movie')
    const id = expect.any(Number)
    const shown = { url, name: 'plate.mov', content_type: null, link_type: 'web', type: 'Attachment', id }
    expect(row?.['sg_uploaded_movie']).toEqual(shown)
    const attachments = await find(site.url, script, 'Attachment', [], ['display_name', 'this_file'])
    expect(attachments).toEqual([expect.objectContaining({ display_name: 'plate.mov', this_file: shown })])
    const fields = [{ field_name: 'sg_uploaded_movie', value: null }]
    await callRpc(site.url, script, 'update', { type: 'Version', id: version.id, fields })
    expect(await read(version, 'sg_uploaded_movie')).toMatchObject({ sg_uploaded_movie: null })
  })

  test('of an Attachment is the Attachment itself, set once', async () => {
    const made = await create('Attachment', { project, this_file: { url, name: 'plate.mov' } })
    expect(await read(made, 'this_file', 'display_name')).toMatchObject({
      this_file: { link_type: 'web', id: made.id },
      display_name: 'plate.mov',
    })
    const fields = [{ field_name: 'this_file', value: { url } }]
    const change = callRpc(site.url, script, 'update', { type: 'Attachment', id: made.id, fields })
    await expect(change).rejects.toThrow('Attachment.this_file is editable on create only.')
  })

  test.each<[unknown, string]>([
    [url, 'API create() Version.sg_uploaded_movie expected [Hash, '],
    [{}, "API create() invalid/missing url hash string 'url': {}"],
    [{ type: 'Attachment', id: 1 }, 'API create() invalid/missing url hash string \'url\': {"type" => "Attachment"'],
    [{ relative_path: 'a/b' }, 'API create() invalid/missing url hash string \'url\': {"relative_path" => "a/b"}'],
    [{ local_path: '/nowhere/a' }, "Path /nowhere/a doesn't match any defined Local Storage."],
  ])('refuses %j', async (value, message) => {
    await expect(write(value)).rejects.toThrow(message)
    expect(await find(site.url, script, 'Attachment', [])).toEqual([])
  })
})
