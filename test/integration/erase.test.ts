import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { clearKeychain } from '../../src/erase/clear-keychain.ts'
import { demandOwnHome } from '../../src/erase/demand-own-home.ts'
import { erase } from '../../src/erase/erase.ts'
import { homeOwners, peoplesPlace, runAsUser } from '../../src/erase/every-user.ts'
import type { Removal } from '../../src/erase/remove-own.ts'
import { type Paths, standardPaths } from '../../src/system/paths.ts'
import { startKeyring } from '../sandbox/desktop/keyring.ts'
import { startSessionBus } from '../sandbox/desktop/message-bus.ts'
import { commandLineProgram } from '../sandbox/processes.ts'
import { addOtherUser, otherUserMissing, runAsOtherUser } from './other-user.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
/** Nobody has this number: what else runs on this machine is not found by it. */
const uid = 4_000_017

let home: string
let paths: Paths
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sg-session-erase-'))
  const env = { XDG_RUNTIME_DIR: join(home, 'run') }
  paths = standardPaths({ platform: 'linux', env, home, uid })
})
afterEach(() => rm(home, { recursive: true, force: true }))

async function put(file: string, text = 'x'): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(file, text, { mode: 0o600 })
  return file
}

/** All that an agent and the app have left behind. */
async function lived(): Promise<void> {
  const [app] = paths.electronFolders
  await Promise.all([
    put(paths.settingsFile, '{}'),
    put(join(paths.stateFolder, 'tools.json')),
    put(join(paths.stateFolder, 'tools.json.previous')),
    put(join(paths.stateFolder, 'updates.json')),
    put(join(paths.stateFolder, 'update', 'pending', 'sg-session.AppImage')),
    put(join(paths.stateFolder, 'audit.jsonl')),
    put(join(paths.stateFolder, 'audit.2026-11-21.jsonl')),
    put(join(paths.logFolder, 'sg-session.log')),
    put(paths.autostartFile ?? ''),
    put(paths.endpointFiles[0] ?? ''),
    put(join(app, 'Local Storage', 'leveldb', 'CURRENT')),
  ])
  await symlink('elsewhere-4711', join(app, 'SingletonLock'))
}

async function filesLeft(): Promise<string[]> {
  const entries = await readdir(home, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

const rules = { keepAudit: false, env: {} }

describe('erasing', () => {
  test('leaves nothing of ours in the home, and says what was removed', async () => {
    await lived()
    const done = await erase(paths, rules)
    expect(done.left).toEqual([])
    expect(await filesLeft()).toEqual([])
    const { stateFolder, logFolder, settingsFile, autostartFile, electronFolders } = paths
    for (const path of [stateFolder, logFolder, settingsFile, autostartFile, electronFolders[0]])
      expect(done.removed).toContain(path)
    expect(await readdir(join(home, '.config'))).toEqual(['autostart'])
  })

  test('and a second time finds nothing to do', async () => {
    await lived()
    await erase(paths, rules)
    expect(await erase(paths, rules)).toMatchObject({ ended: [], removed: [], left: [] })
  })

  test('keeps the audit where that is wished, and says so', async () => {
    await lived()
    const done = await erase(paths, { ...rules, keepAudit: true })
    const audit = ['audit.2026-11-21.jsonl', 'audit.jsonl'].map((name) => join(paths.stateFolder, name))
    expect(await filesLeft()).toEqual(audit)
    expect(done.left).toEqual([])
    for (const file of audit) expect(done.remarks).toContain(`stays: ${file} (the audit)`)
  })

  test('removes the audit where the configuration has put it, and nothing beside it', async () => {
    const [file, beside] = [await put(join(home, 'logs', 'calls.jsonl')), await put(join(home, 'logs', 'other.jsonl'))]
    const done = await erase(paths, { ...rules, auditFile: file })
    expect(done).toMatchObject({ removed: [file], left: [] })
    expect(await filesLeft()).toEqual([beside])
  })

  test('leaves what somebody else has put into our folders, and the folder', async () => {
    await lived()
    const notes = await put(join(dirname(paths.settingsFile), 'notes.txt'))
    const done = await erase(paths, rules)
    expect(await filesLeft()).toEqual([notes])
    expect(done).toMatchObject({
      left: [],
      remarks: expect.arrayContaining([`stays: ${notes} (sg-session did not write it)`]),
    })
  })

  test('follows no link in the place of a folder, and leaves the link', async () => {
    const theirs = await put(join(home, 'theirs', 'tools.json'))
    await mkdir(dirname(paths.stateFolder), { recursive: true })
    await symlink(dirname(theirs), paths.stateFolder)
    const done = await erase(paths, rules)
    expect(done.left).toEqual([{ what: paths.stateFolder, why: 'is a link, which sg-session never makes' }])
    expect(await readFile(theirs, 'utf8')).toBe('x')
  })

  test('nor in the place of a file', async () => {
    const theirs = await put(join(home, 'theirs', 'dotfile'))
    await mkdir(dirname(paths.settingsFile), { recursive: true })
    await symlink(theirs, paths.settingsFile)
    const { left } = await erase(paths, rules)
    expect(left).toEqual([{ what: paths.settingsFile, why: 'is a link, which sg-session never makes' }])
    expect(await readFile(theirs, 'utf8')).toBe('x')
  })

  test('of links inside Electron’s folder the links go, and what they lead to stays', async () => {
    const theirs = await put(join(home, 'theirs', 'film.mov'))
    const [app] = paths.electronFolders
    await mkdir(app, { recursive: true })
    await symlink(dirname(theirs), join(app, 'Cache'))
    expect((await erase(paths, rules)).removed).toContain(app)
    expect(await filesLeft()).toEqual([theirs])
  })

  test('a folder that is only called like the lock beside the endpoint file is left, with what is in it', async () => {
    const [endpoint = ''] = paths.endpointFiles
    const work = await put(join(dirname(endpoint), 'starting', 'shot010.ma'))
    await put(endpoint)
    const { left } = await erase(paths, rules)
    expect(left).toEqual([{ what: dirname(work), why: 'cannot be removed (ENOTEMPTY)' }])
    expect(await filesLeft()).toEqual([work])
  })

  test('a file where Electron’s folder should be is left', async () => {
    const file = await put(paths.electronFolders[0])
    expect((await erase(paths, rules)).left).toEqual([{ what: file, why: 'is no folder' }])
  })

  test.runIf(isRoot)('what belongs to another user is left, be it a folder, a file or deep inside', async () => {
    await lived()
    const [app] = paths.electronFolders
    const deep = join(app, 'Local Storage', 'leveldb')
    for (const path of [paths.stateFolder, paths.settingsFile, deep]) await chown(path, 65_534, 65_534)
    const { left } = await erase(paths, rules)
    expect(left).toEqual(
      expect.arrayContaining(
        [paths.stateFolder, paths.settingsFile, deep].map((what) => ({ what, why: 'belongs to another user' })),
      ),
    )
    expect(left).toHaveLength(3)
    expect(await filesLeft()).toContain(join(deep, 'CURRENT'))
  })

  test('what the system does not let go is left, with the reason', async (context) => {
    if (otherUserMissing) context.skip(otherUserMissing)
    const user = addOtherUser()
    try {
      await lived()
      await run('chown', ['-R', `${user.uid}:${user.gid}`, home])
      // Root's folder now, in which the user may look and nothing else.
      const folder = dirname(paths.settingsFile)
      await chown(folder, 0, 0)
      await chmod(folder, 0o755)
      await chmod(paths.logFolder, 0o500)
      const script = `
        const { erase } = await import(${JSON.stringify(resolve('src/erase/erase.ts'))})
        console.log(JSON.stringify(await erase(${JSON.stringify(paths)}, ${JSON.stringify(rules)})))`
      const { left } = JSON.parse(await runAsOtherUser(script, user)) as { left: object[] }
      expect(left).toEqual([
        { what: join(paths.logFolder, 'state'), why: 'cannot be removed (EACCES)' },
        { what: join(paths.logFolder, 'sg-session.log'), why: 'cannot be removed (EACCES)' },
        { what: folder, why: 'belongs to another user' },
      ])
    } finally {
      user.remove()
    }
  })
})

describe('the keychain', () => {
  test('gives up what it remembers for sg-session, and nothing else', async (context) => {
    if (process.platform !== 'linux') context.skip('this is the Secret Service, of Linux')
    const bus = await startSessionBus({ folder: home })
    const keyring = await startKeyring({ busAddress: bus.address, folder: home })
    try {
      const env = { PATH: process.env['PATH'], DBUS_SESSION_BUS_ADDRESS: bus.address }
      const secretTool = (...args: string[]) => run('secret-tool', args, { env })
      const store = async (service: string): Promise<void> => {
        const storing = secretTool('store', '--label', 'x', 'service', service, 'account', 'https://studio.example')
        storing.child.stdin?.end('a secret')
        await storing
      }
      await store('sg-session')
      await store('other')
      const into: Removal = { removed: [], left: [] }
      expect(await clearKeychain(env, into)).toBeUndefined()
      expect(into).toEqual({ removed: [expect.stringMatching(/^keychain: \/org\/freedesktop\/secrets\//)], left: [] })
      await expect(secretTool('lookup', 'service', 'sg-session')).rejects.toMatchObject({ code: 1 })
      expect((await secretTool('lookup', 'service', 'other')).stdout).toBe('a secret')

      await store('sg-session')
      const collection = /\/org\/freedesktop\/secrets\/collection\/\w+/.exec(into.removed[0] ?? '')?.[0]
      const secrets = ['--dest', 'org.freedesktop.secrets', '--object-path', '/org/freedesktop/secrets']
      const lock = ['--method', 'org.freedesktop.Secret.Service.Lock', `['${collection}']`]
      await run('gdbus', ['call', '--session', ...secrets, ...lock], { env })
      const locked: Removal = { removed: [], left: [] }
      await clearKeychain(env, locked)
      expect(locked.left).toEqual([{ what: expect.stringMatching(/^keychain: \//), why: 'the keychain is locked' }])
    } finally {
      await keyring.stop()
      await bus.stop()
    }
  })

  test('that nobody can ask is a remark with what to do, and no failure', async () => {
    const into: Removal = { removed: [], left: [] }
    expect(await clearKeychain({}, into)).toContain('there is no session bus here')
    const env = { PATH: process.env['PATH'], DBUS_SESSION_BUS_ADDRESS: `unix:path=${join(home, 'none')}` }
    expect(await clearKeychain(env, into)).toContain('secret-tool clear service sg-session')
    expect(into).toEqual({ removed: [], left: [] })
  })
})

describe('as root', () => {
  test.runIf(isRoot)(
    'a home, or a folder named in the environment, that somebody else can write to is refused',
    async () => {
      const system = { platform: 'linux' as const, env: {}, home, uid: 0 }
      const artist = join(home, 'artist')
      await mkdir(artist, { mode: 0o700 })
      await demandOwnHome({ ...system, env: { XDG_CONFIG_HOME: artist, XDG_STATE_HOME: join(home, 'missing') } })
      await symlink(artist, join(home, 'link'))
      const refusals = async (): Promise<void> => {
        for (const folder of [artist, join(home, 'link')]) {
          const refused = { code: 'invalid_request', message: `"${folder}" is not root’s alone, and this runs as root` }
          await expect(demandOwnHome({ ...system, home: folder })).rejects.toMatchObject(refused)
          for (const name of ['XDG_CONFIG_HOME', 'XDG_STATE_HOME', 'XDG_RUNTIME_DIR'])
            await expect(demandOwnHome({ ...system, env: { [name]: folder } })).rejects.toMatchObject(refused)
        }
      }
      await chown(artist, 65_534, 65_534)
      await refusals()
      await chown(artist, 0, 0)
      await chmod(artist, 0o777)
      await refusals()
      // A user's own rights are no more than theirs.
      await demandOwnHome({ ...system, home: artist, uid: 1_000 })
    },
  )

  test.runIf(isRoot)('the command in an artist’s home is refused, whatever their settings call the audit', async () => {
    const theirs = await put(join(home, 'root', 'precious'))
    const file = await put(
      join(home, 'artist', '.config', 'sg-session', 'settings.json'),
      JSON.stringify({ audit: { file: theirs } }),
    )
    await chown(join(home, 'artist'), 65_534, 65_534)
    const { PATH } = process.env
    const env = { PATH, HOME: join(home, 'artist'), SG_SESSION_ENDPOINT: join(home, 'none', 'endpoint.json') }
    const command = run(process.execPath, [commandLineProgram, 'erase', '--yes'], { env })
    await expect(command).rejects.toMatchObject({ stderr: expect.stringContaining('is not root’s alone') })
    expect(await filesLeft()).toEqual([file, theirs])
  })
})

describe('for every user', () => {
  test('whoever has a folder in /home counts once, by whose it is; links and folders that are not there do not', async (context) => {
    if (!isRoot) context.skip('only root can give folders away')
    const homes = join(home, 'home')
    for (const name of ['listed', 'directory', 'made-by-root', 'service'])
      await mkdir(join(homes, name), { recursive: true })
    await chown(join(homes, 'listed'), 1_500, 1_500)
    await chown(join(homes, 'directory'), 70_001, 70_002)
    await chown(join(homes, 'made-by-root'), 70_003, 0)
    await chown(join(homes, 'service'), 120, 120)
    await symlink('/etc', join(homes, 'link'))
    const passwd = await put(
      join(home, 'passwd'),
      `listed:x:1500:1500::${homes}/listed:/bin/sh\ngone:x:1501:1501::${homes}/gone:/bin/sh\n`,
    )
    expect(await homeOwners(passwd, { ...peoplesPlace('linux'), homes })).toEqual([
      { name: 'listed', uid: 1_500, gid: 1_500, home: join(homes, 'listed') },
      { name: 'directory', uid: 70_001, gid: 70_002, home: join(homes, 'directory') },
      // Not with root's group, which is only its home's.
      { name: 'made-by-root', uid: 70_003, gid: 65_534, home: join(homes, 'made-by-root') },
    ])
  })

  test('of a Mac, people begin at 501, and only their folders tell of them', async (context) => {
    if (!isRoot) context.skip('only root can give folders away')
    const homes = join(home, 'Users')
    for (const [name, owner] of [
      ['artist', 501],
      ['Shared', 0],
      ['Guest', 201],
    ] as const) {
      await mkdir(join(homes, name), { recursive: true })
      await chown(join(homes, name), owner, 20)
    }
    const passwd = await put(join(home, 'passwd'), `##\nroot:*:0:0:System Administrator:${home}:/bin/sh\n`)
    expect(peoplesPlace('darwin').homes).toBe('/Users')
    expect(await homeOwners(passwd, { ...peoplesPlace('darwin'), homes })).toEqual([
      { name: 'root', uid: 0, gid: 0, home },
      { name: 'artist', uid: 501, gid: 20, home: join(homes, 'artist') },
    ])
  })

  test('root becomes the user first, with no group, variable or folder of its own', async (context) => {
    if (otherUserMissing) context.skip(otherUserMissing)
    const owner = { name: 'somebody', uid: 70_001, gid: 70_002, home: '/home/somebody' }
    const { stdout } = await runAsUser(owner, ['sh', '-c', 'id -u; id -G; pwd; env | sort'], 20_000)
    expect(stdout.split('\n').filter((line) => !/^(PWD|SHLVL|_|OLDPWD)=/.test(line))).toEqual([
      '70001',
      '70002',
      '/',
      'DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/70001/bus',
      'HOME=/home/somebody',
      'LANG=C.UTF-8',
      'LOGNAME=somebody',
      'PATH=/usr/local/bin:/usr/bin:/bin',
      'USER=somebody',
      'XDG_RUNTIME_DIR=/run/user/70001',
      '',
    ])
  })

  test('whoever does not end is ended, with what it started', async (context) => {
    if (otherUserMissing) context.skip(otherUserMissing)
    const owner = { name: 'somebody', uid: 70_001, gid: 70_002, home: '/' }
    expect(await runAsUser(owner, ['sh', '-c', 'echo begun; sleep 1000 & sleep 1000'], 500)).toEqual({
      status: undefined,
      stdout: 'begun\n',
    })
  })
})
