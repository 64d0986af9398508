import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as wire from '../sandbox/site/shotgun-api3-wire.ts'
import { callRpc, find, type PythonFilter, type WireEntity } from '../sandbox/site/shotgun-api3-wire.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

/** What Toolkit asks a site for: how it finds its configuration, its storages, its folders and its publishes. */

const script = { script_name: 'identity-broker', script_key: 'script-key-with-sudo' }
const project = { type: 'Project', id: 101 }

let site: Site
let artist: Record<string, unknown>
beforeEach(async () => {
  site = await startSite()
  artist = { session_token: site.mintSession('artist'), reject_if_expired: true }
})
afterEach(() => site.close())

const create = (auth: Record<string, unknown>, type: string, fields: Record<string, unknown>, ...asked: string[]) =>
  wire.create(site.url, auth, type, fields, ...asked)

describe('bootstrap', () => {
  const fields = [
    ...['code', 'project', 'users', 'plugin_ids', 'sg_plugin_ids', 'windows_path', 'linux_path', 'mac_path'],
    ...['sg_descriptor', 'descriptor', 'uploaded_config', 'sg_uploaded_config'],
  ]
  const configurations = (auth = artist) => {
    const filters: PythonFilter[] = [
      {
        filter_operator: 'any',
        filters: [
          ['project', 'is', project],
          ['project', 'is', null],
        ],
      },
      {
        filter_operator: 'any',
        filters: [
          ['users.HumanUser.login', 'is', 'artist@studio.example'],
          ['users', 'is', null],
        ],
      },
    ]
    const sorts = [{ field_name: 'id', direction: 'asc' }]
    return find(site.url, auth, 'PipelineConfiguration', filters, fields, { sorts })
  }

  test('finds no configuration on a new site', async () => {
    expect(await configurations()).toEqual([])
  })

  test('finds the site’s own, the project’s, and the one for this person, with every field it names', async () => {
    const me = { type: 'HumanUser', id: site.person('artist').id }
    const other = { type: 'HumanUser', id: site.person('supervisor').id }
    await create(script, 'PipelineConfiguration', { code: 'Primary', plugin_ids: 'basic.*', descriptor: 'sgtk:x' })
    await create(script, 'PipelineConfiguration', { project, code: 'Primary' })
    await create(script, 'PipelineConfiguration', { project, code: 'Mine', users: [me] })
    await create(script, 'PipelineConfiguration', { project, code: 'Theirs', users: [other] })
    await create(script, 'PipelineConfiguration', { project: { type: 'Project', id: 102 }, code: 'Elsewhere' })
    const found = await configurations()
    expect(found.map((row) => row['code'])).toEqual(['Primary', 'Primary', 'Mine'])
    expect(found[0]).toEqual({
      ...{ type: 'PipelineConfiguration', id: expect.any(Number), code: 'Primary', project: null, users: [] },
      ...{ plugin_ids: 'basic.*', sg_plugin_ids: null, windows_path: null, linux_path: null, mac_path: null },
      ...{ sg_descriptor: null, descriptor: 'sgtk:x', uploaded_config: null, sg_uploaded_config: null },
    })
    expect(found[1]).toMatchObject({ project: { ...project, name: 'Amber Coast' } })
  })

  test('an artist makes and changes a project’s configuration, and the site’s only scripts and managers', async () => {
    const siteWide = await create(script, 'PipelineConfiguration', { code: 'Primary' })
    await expect(create(artist, 'PipelineConfiguration', { code: 'Mine' })).rejects.toMatchObject({ code: 104 })
    const change = { type: 'PipelineConfiguration', id: siteWide.id, fields: [{ field_name: 'code', value: 'x' }] }
    await expect(callRpc(site.url, artist, 'update', change)).rejects.toMatchObject({ code: 104 })
    await expect(callRpc(site.url, artist, 'delete', siteWide)).rejects.toMatchObject({ code: 104 })
    await expect(create(artist, 'PipelineConfiguration', { project, code: 'Mine' })).resolves.toBeTypeOf('object')
  })

  test('asks what software there is for this project and person', async () => {
    const user = { type: 'HumanUser', id: site.person('artist').id }
    await create(script, 'Software', { code: 'Maya', engine: 'tk-maya', version_names: '2026' })
    await create(script, 'Software', { code: 'Off', sg_status_list: 'dis' })
    await create(script, 'Software', { code: 'Elsewhere', projects: [{ type: 'Project', id: 102 }] })
    const [group] = await find(site.url, script, 'Group', [])
    await create(script, 'Software', { code: 'Supervising', group_restrictions: [group] })
    const filters: PythonFilter[] = [
      ['sg_status_list', 'is', 'act'],
      {
        filter_operator: 'any',
        filters: [
          ['projects', 'is', null],
          ['projects', 'in', project],
        ],
      },
      {
        filter_operator: 'any',
        filters: [
          {
            filter_operator: 'all',
            filters: [
              ['user_restrictions', 'is', null],
              ['group_restrictions', 'is', null],
            ],
          },
          ['user_restrictions', 'in', user],
          ['group_restrictions.Group.users', 'in', user],
        ],
      },
    ]
    const found = await find(site.url, artist, 'Software', filters, ['code', 'engine', 'version_names', 'linux_path'])
    expect(found).toEqual([
      {
        type: 'Software',
        id: expect.any(Number),
        code: 'Maya',
        engine: 'tk-maya',
        version_names: '2026',
        linux_path: null,
      },
    ])
  })
})

describe('storages', () => {
  const storageFields = ['id', 'code', 'windows_path', 'mac_path', 'linux_path']
  const storages = () => find(site.url, artist, 'LocalStorage', [], storageFields)
  const roots = { windows_path: 'Z:\\projects', mac_path: '/Volumes/projects', linux_path: '/mnt/projects' }

  test('there are none on a new site, and only scripts and admins make one', async () => {
    expect(await storages()).toEqual([])
    await expect(create(artist, 'LocalStorage', { code: 'primary' })).rejects.toMatchObject({ code: 104 })
    const supervisor = { session_token: site.mintSession('supervisor') }
    await expect(create(supervisor, 'LocalStorage', { code: 'primary' })).rejects.toMatchObject({ code: 104 })
    const made = await create(script, 'LocalStorage', { code: 'primary', ...roots }, 'uuid')
    expect(made['uuid']).toMatch(/^[0-9a-f-]{36}$/)
    expect(await find(site.url, artist, 'LocalStorage', [['uuid', 'in', [made['uuid']]]])).toHaveLength(1)
    expect(await storages()).toEqual([{ type: 'LocalStorage', id: made.id, code: 'primary', ...roots }])
  })

  test('resolve a local path of any platform to all of them', async () => {
    const primary = await create(script, 'LocalStorage', { code: 'primary', ...roots })
    const resolved = {
      link_type: 'local',
      name: 'plate.v001.exr',
      local_storage: { type: 'LocalStorage', id: primary.id, name: 'primary' },
      relative_path: 'show/plate.v001.exr',
      local_path_linux: '/mnt/projects/show/plate.v001.exr',
      local_path_mac: '/Volumes/projects/show/plate.v001.exr',
      local_path_windows: 'Z:\\projects\\show\\plate.v001.exr',
      type: 'Attachment',
      id: expect.any(Number),
      content_type: null,
    }
    const paths = [
      ...Object.values(roots).map((root) => ({ local_path: `${root.replaceAll('\\', '/')}/show/plate.v001.exr` })),
      { relative_path: 'show/plate.v001.exr', local_storage: { type: 'LocalStorage', id: primary.id } },
    ]
    for (const path of paths) {
      const file = await create(artist, 'PublishedFile', { project, path }, 'path_cache_storage', 'path_cache')
      expect(file['path']).toEqual(resolved)
      expect(file).toMatchObject({ path_cache_storage: { id: primary.id, name: 'primary' }, path_cache: null })
    }
  })

  test('with roots inside each other: the deepest wins, and of two alike the newer', async () => {
    const storage = (code: string, linux_path: string) => create(script, 'LocalStorage', { code, linux_path })
    const [inner, outer] = [await storage('inner', '/mnt/a/b'), await storage('outer', '/mnt/a')]
    const storageOf = async (local_path: string) => {
      const { path } = await create(artist, 'PublishedFile', { project, path: { local_path } })
      return (path as { local_storage: { id: number } }).local_storage.id
    }
    expect(await storageOf('/mnt/a/b/c')).toBe(inner.id)
    expect(await storageOf('/mnt/a/c')).toBe(outer.id)
    const twin = await storage('twin', '/mnt/a')
    expect(await storageOf('/mnt/a/c')).toBe(twin.id)
  })

  test('refuse a path outside every root, and a backslash in a relative one', async () => {
    const { id } = await create(script, 'LocalStorage', { code: 'primary', ...roots })
    const publish = (path: unknown) => create(artist, 'PublishedFile', { project, path })
    await expect(publish({ local_path: '/mnt/projects-else/x' })).rejects.toMatchObject({
      code: 104,
      message: expect.stringContaining("Path /mnt/projects-else/x doesn't match any defined Local Storage."),
    })
    const local_storage = { type: 'LocalStorage', id }
    await expect(publish({ relative_path: 'a\\b', local_storage })).rejects.toMatchObject({
      code: 103,
      message: expect.stringContaining("invalid/missing relative_path hash string 'relative_path'"),
    })
  })
})

test('folders are registered with where they are, and an event says so, which others read back', async () => {
  await create(script, 'LocalStorage', { code: 'primary', linux_path: '/mnt/projects' })
  const configuration = await create(script, 'PipelineConfiguration', { project, code: 'Primary' })
  const user = { type: 'HumanUser', id: site.person('artist').id }
  const [shot] = await find(site.url, artist, 'Shot', [['project', 'is', project]], ['code'])
  const fields = {
    project,
    created_by: user,
    entity: { type: 'Shot', id: shot?.id },
    is_primary: true,
    pipeline_configuration: configuration,
    configuration_metadata: '{"type": "shotgun_entity"}',
    linked_entity_type: 'Shot',
    linked_entity_id: shot?.id,
    code: shot?.['code'],
    path: { local_path: '/mnt/projects/amber_coast/sq10/sq10_sh010' },
  }
  const requests = [
    { request_type: 'create', type: 'FilesystemLocation', fields: wire.listed(fields), return_fields: ['id'] },
  ]
  const [folder] = (await callRpc(site.url, artist, 'batch', requests)) as WireEntity[]
  const meta = { core_api_version: 'v0.24.0', engine: null, sg_folder_ids: [folder?.id] }
  const description = 'Created folders on disk for Shots with id: 1'
  const event = { event_type: 'Toolkit_Folders_Create', description, project, entity: configuration, meta, user }
  const made = await create(artist, 'EventLogEntry', { ...event, attribute_name: null })
  const filters: PythonFilter[] = [
    ['event_type', 'in', ['Toolkit_Folders_Create', 'Toolkit_Folders_Delete']],
    ['project', 'is', project],
    ['id', 'greater_than', made.id - 1],
  ]
  const [read] = await find(site.url, artist, 'EventLogEntry', filters, ['meta', 'user', 'entity', 'description'])
  expect(read).toMatchObject({
    id: made.id,
    meta,
    user,
    entity: { id: configuration.id, name: 'Primary' },
    description,
  })
  const [location] = await find(
    site.url,
    artist,
    'FilesystemLocation',
    [['id', 'in', [folder?.id]]],
    ['path', 'is_primary', 'linked_entity_type', 'linked_entity_id', 'code'],
  )
  expect(location).toMatchObject({
    ...{ is_primary: true, linked_entity_type: 'Shot', linked_entity_id: shot?.id, code: shot?.['code'] },
    path: { local_path_linux: '/mnt/projects/amber_coast/sq10/sq10_sh010', local_path_windows: null },
  })
  const change = { type: 'EventLogEntry', id: made.id, fields: [{ field_name: 'meta', value: {} }] }
  await expect(callRpc(site.url, artist, 'update', change)).rejects.toThrow('PermissionRule 306')
})

test('an event without words of its own is called "New Event", and wants a project', async () => {
  expect(await create(script, 'EventLogEntry', { project }, 'description', 'event_type', 'user')).toMatchObject({
    ...{ description: 'New Event', event_type: null, user: null },
  })
  await expect(create(script, 'EventLogEntry', {})).rejects.toThrow("API create() missing 'project' attribute: {}")
  await expect(create(script, 'EventLogEntry', { project, session_uuid: 'x' })).rejects.toThrow(
    'session_uuid is read only',
  )
  await expect(create(script, 'EventLogEntry', { project, meta: 'text' })).rejects.toThrow('but got String: "text"')
})

test('a publish makes its type, its thumbnail’s row and what it depends on, as the artist', async () => {
  const type = await create(artist, 'PublishedFileType', { code: 'Maya Scene' })
  const [version] = await find(site.url, artist, 'Version', [['project', 'is', project]])
  const publish = (code: string) =>
    create(artist, 'PublishedFile', {
      ...{ project, code, name: 'scene.ma', version_number: 1, published_file_type: type, version },
      path: { url: 'file:///tmp/scene.ma', name: code },
    })
  const [file, source] = [await publish('scene.v001.ma'), await publish('source.v001.ma')]
  expect(file).toMatchObject({ path: { url: 'file:///tmp/scene.ma', name: 'scene.v001.ma', link_type: 'web' } })
  await create(artist, 'PublishedFileDependency', { published_file: file, dependent_published_file: source })
  const [dependency] = await find(
    site.url,
    artist,
    'PublishedFileDependency',
    [['published_file', 'is', file]],
    ['dependent_published_file.PublishedFile.code'],
  )
  expect(dependency).toMatchObject({ 'dependent_published_file.PublishedFile.code': 'source.v001.ma' })
  const [seen] = await find(site.url, artist, 'Version', [['id', 'is', version?.id]], ['published_files'])
  expect(seen).toMatchObject({ published_files: [{ id: file.id }, { id: source.id }] })
  await expect(create(artist, 'PublishedFileType', { code: 'Maya Scene' })).rejects.toThrow('required to be unique')
})

test.each([
  ...['Department', 'FilesystemLocation', 'LocalStorage', 'Page', 'PipelineConfiguration', 'Playlist'],
  ...['PublishedFile', 'PublishedFileDependency', 'PublishedFileType', 'Reply', 'Software', 'Status', 'Tag'],
  ...['TaskTemplate', 'Ticket', 'Attachment'],
])('there is no %s on a new site, and the schema knows the type', async (type) => {
  expect(await find(site.url, artist, type, [], ['created_at', 'cached_display_name'])).toEqual([])
  const schema = (await callRpc(site.url, artist, 'schema_field_read', { type })) as Record<string, unknown>
  expect(schema).toMatchObject({ id: { data_type: { value: 'number' } } })
  const listed = (await callRpc(site.url, artist, 'schema_entity_read')) as Record<string, unknown>
  expect(listed).toHaveProperty(type)
})
