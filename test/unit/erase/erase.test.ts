import { describe, expect, test } from 'vitest'
import { judgeSearch } from '../../../src/erase/clear-keychain.ts'
import { judgePasswd } from '../../../src/erase/every-user.ts'
import { isAuditName, keptPlaces } from '../../../src/erase/kept-places.ts'
import { standardPaths } from '../../../src/system/paths.ts'

const paths = standardPaths({ platform: 'linux', env: {}, home: '/home/artist', uid: 1001 })
const state = '/home/artist/.local/state/sg-session'

function isOurs(path: string, rules: Partial<Parameters<typeof keptPlaces>[1]> = {}): boolean {
  const cut = path.lastIndexOf('/')
  const [folder, name] = [path.slice(0, cut), path.slice(cut + 1)]
  const { folders } = keptPlaces(paths, { keepAudit: false, ...rules })
  return folders.some((one) => one.folder === folder && one.isOurs(name))
}

describe('what sg-session keeps', () => {
  const kept = [
    '/home/artist/.config/sg-session/settings.json',
    '/home/artist/.config/sg-session/settings.json.3180713592',
    '/home/artist/.config/autostart/sg-session.desktop',
    `${state}/state/tools.json`,
    `${state}/state/tools.json.previous`,
    `${state}/state/tools.json.damaged-2026-11-21T09-00-00.000Z`,
    `${state}/state/updates.json`,
    `${state}/state/updates.json.previous`,
    `${state}/state/audit.jsonl`,
    `${state}/state/audit.2026-11-21.jsonl`,
    `${state}/state/audit.2026-11-21.2.jsonl`,
    `${state}/sg-session.log`,
    `${state}/sg-session.log.4`,
    '/run/user/1001/sg-session/endpoint.json',
    '/run/user/1001/sg-session/starting',
    '/tmp/sg-session-1001/endpoint.json',
  ]
  for (const path of kept) test(`is ${path}`, () => expect(isOurs(path)).toBe(true))

  const others = [
    '/home/artist/.config/sg-session/settings.json.bak',
    '/home/artist/.config/sg-session/notes.txt',
    '/home/artist/.config/autostart/other.desktop',
    '/home/artist/.config/settings.json',
    `${state}/state/audit.txt`,
    `${state}/state/tools.json.mine`,
    `${state}/state/updates.json.mine`,
    `${state}/state/updates`,
    `${state}/sg-session.logbook`,
    '/run/user/1001/endpoint.json',
  ]
  for (const path of others) test(`is not ${path}`, () => expect(isOurs(path)).toBe(false))

  test('is the audit unless it is to stay, also where the configuration has put it', () => {
    expect(isOurs(`${state}/state/audit.jsonl`, { keepAudit: true })).toBe(false)
    expect(isOurs('/data/logs/calls.jsonl', { auditFile: '/data/logs/calls.jsonl' })).toBe(true)
    expect(isOurs('/data/logs/calls.2026-11-21.jsonl', { auditFile: '/data/logs/calls.jsonl' })).toBe(true)
    expect(isOurs('/data/logs/calls.old.jsonl', { auditFile: '/data/logs/calls.jsonl' })).toBe(false)
    expect(isOurs('/data/logs/calls.jsonl', { auditFile: '/data/logs/calls.jsonl', keepAudit: true })).toBe(false)
    expect(isAuditName('audit.jsonl.gz')).toBe(false)
  })

  test('only folders of our name go themselves', () => {
    const going = keptPlaces(paths, { keepAudit: false, auditFile: '/data/logs/calls.jsonl' }).folders.flatMap((one) =>
      one.goes ? [one.folder] : [],
    )
    expect(going).toEqual([
      `${state}/state`,
      state,
      '/run/user/1001/sg-session',
      '/tmp/sg-session-1001',
      '/home/artist/.config/sg-session',
    ])
    const named = standardPaths({ platform: 'linux', env: { SG_SESSION_ENDPOINT: '/x/e.json' }, home: '/h', uid: 7 })
    const folders = keptPlaces(named, { keepAudit: false }).folders
    expect(folders.find(({ folder }) => folder === '/x')?.goes).toBe(false)
    expect(named.electronFolders).toEqual(['/h/.config/sg-session/app'])
  })
})

describe('what gdbus prints', () => {
  test('is taken apart into what is unlocked and what is locked', () => {
    expect(judgeSearch('(@ao [], @ao [])\n')).toEqual({ unlocked: [], locked: [] })
    expect(judgeSearch("([objectpath '/org/freedesktop/secrets/collection/login/3', '/a/b_1'], @ao [])\n")).toEqual({
      unlocked: ['/org/freedesktop/secrets/collection/login/3', '/a/b_1'],
      locked: [],
    })
    expect(judgeSearch("(@ao [], [objectpath '/a/2'])")).toEqual({ unlocked: [], locked: ['/a/2'] })
  })
  for (const other of [undefined, '', 'Error: no bus', '([objectpath', "('/a')"])
    test(`is not believed when it is ${JSON.stringify(other)}`, () => expect(judgeSearch(other)).toBeUndefined())
})

test('of /etc/passwd people and root count, services and what is no line of it do not', () => {
  const text = [
    'root:x:0:0:root:/root:/bin/bash',
    'daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin',
    'sg-broker:x:998:998::/var/lib/sg-broker:/usr/sbin/nologin',
    'artist:x:1000:1000:An Artist,,,:/home/artist:/bin/bash',
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
    'broken:x:ten:10::/home/broken:/bin/sh',
    'relative:x:1002:1002::home/relative:/bin/sh',
    '+::::::',
    '',
  ]
  expect(judgePasswd(text.join('\n'), 1_000)).toEqual([
    { name: 'root', uid: 0, gid: 0, home: '/root' },
    { name: 'artist', uid: 1000, gid: 1000, home: '/home/artist' },
  ])
})
