import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  chown,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readConfig, writeSettings } from '../../src/config/config-files.ts'
import { standardPaths } from '../../src/system/paths.ts'
import { otherUserMissing, runAsOtherUser } from './other-user.ts'

const isRoot = process.getuid?.() === 0
const rules = { insecureLoopback: false }
let root: string
let folder: string
let policyFile: string
let settingsFile: string
beforeEach(async () => {
  // Root's home: every folder above it is root's alone, unlike the system's temporary folder.
  root = await mkdtemp(join(isRoot ? homedir() : tmpdir(), '.sg-session-policy-'))
  folder = join(root, 'sg-session')
  await mkdir(folder, { mode: 0o755 })
  policyFile = join(folder, 'policy.json')
  settingsFile = join(root, 'settings.json')
})
afterEach(() => rm(root, { recursive: true, force: true }))

const read = (file = policyFile) => readConfig({ ...standardPaths(), policyFile: file, settingsFile }, rules)
const refused = (message: RegExp, file?: string) =>
  expect(read(file)).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringMatching(message) })

describe('the files of the configuration', () => {
  test('may be missing, both', async () => {
    expect((await read()).config.session.maxAgeHours).toBe(12)
  })

  test('are named when they are no JSON or have an unknown key', async () => {
    await writeFile(settingsFile, '{ "session": ')
    await refused(/settings\.json: is not JSON/)
    await writeFile(settingsFile, '{ "sesion": {} }')
    await refused(/settings\.json: "sesion" is not a key/)
  })

  test.each([
    [
      '{\n  "network": { "proxy": "http://artist:hunter2@proxy:3128" },\n  ,\n}',
      /settings\.json: is not JSON: see line 3$/,
    ],
    ['{ "network": { "proxy": "http://artist:hunter2@proxy:3128" nul', /settings\.json: is not JSON/],
    ['{ "network": { "proxy": http://artist:hunter2@p } }', /settings\.json: is not JSON$/],
  ])('are not quoted where they are no JSON, for a password may stand there: %j', async (text, message) => {
    await writeFile(settingsFile, text)
    await refused(message)
    expect(inspect(await read().catch((error: unknown) => error))).not.toContain('hunter2')
  })

  test('that cannot be read are an error, not ignored', async () => {
    await mkdir(settingsFile)
    await refused(/settings\.json: cannot be read/)
  })

  test.runIf(isRoot)('join: locked over settings over defaults', async () => {
    await writeFile(
      policyFile,
      JSON.stringify({ locked: { session: { maxAgeHours: 8 } }, defaults: { session: { remindBeforeMinutes: 60 } } }),
    )
    await writeFile(settingsFile, JSON.stringify({ session: { maxAgeHours: 24 } }))
    const { config, sources } = await read()
    expect(config.session).toMatchObject({ maxAgeHours: 8, remindBeforeMinutes: 60 })
    expect(sources.get('session.maxAgeHours')).toEqual({ source: 'locked', file: policyFile })
  })
})

describe('what the artist changes in the tray app is written to their settings', () => {
  const write = (change: Parameters<typeof writeSettings>[1]) =>
    writeSettings({ ...standardPaths(), policyFile, settingsFile }, change)
  const written = async (): Promise<unknown> => JSON.parse(await readFile(settingsFile, 'utf8'))
  const refusedWrite = (change: Parameters<typeof writeSettings>[1], message: RegExp) =>
    expect(write(change)).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringMatching(message) })

  test('in a file and folder of their own, for nobody else to read', async () => {
    settingsFile = join(root, 'home', 'sg-session', 'settings.json')
    const { config, sources } = await write({ app: { language: 'fr' } })
    expect(config.app.language).toBe('fr')
    expect(sources.get('app.language')).toEqual({ source: 'settings', file: settingsFile })
    expect(await written()).toEqual({ app: { language: 'fr' } })
    if (process.platform !== 'win32') {
      expect((await stat(settingsFile)).mode & 0o777).toBe(0o600)
      expect((await stat(dirname(settingsFile))).mode & 0o777).toBe(0o700)
    }
    expect(await readdir(dirname(settingsFile))).toEqual(['settings.json'])
  })

  test('beside whatever stands there already', async () => {
    const before = { sites: [{ url: 'https://studio.example' }], session: { maxAgeHours: 8 } }
    await writeFile(settingsFile, JSON.stringify(before), { mode: 0o644 })
    await write({ session: { rememberSignIn: true }, app: { startAtLogin: true } })
    expect(await written()).toEqual({
      sites: [{ url: 'https://studio.example' }],
      session: { maxAgeHours: 8, rememberSignIn: true },
      app: { startAtLogin: true },
    })
    await write({ sites: [{ url: 'https://other.example' }], session: { maxAgeHours: undefined } })
    expect(await written()).toEqual({
      sites: [{ url: 'https://other.example' }],
      session: { rememberSignIn: true },
      app: { startAtLogin: true },
    })
  })

  test('all of it, when several things change at once', async () => {
    await Promise.all([
      write({ app: { language: 'fr' } }),
      refusedWrite({ session: { maxAgeHours: 99 } }, /maxAgeHours/),
      write({ app: { startAtLogin: true } }),
      write({ session: { rememberSignIn: true } }),
    ])
    expect(await written()).toEqual({
      app: { language: 'fr', startAtLogin: true },
      session: { rememberSignIn: true },
    })
  })

  test('through a link, for those who keep their settings elsewhere', async () => {
    await writeFile(join(root, 'dotfile.json'), '{}')
    await symlink(join(root, 'dotfile.json'), settingsFile)
    await write({ app: { language: 'fr' } })
    expect(JSON.parse(await readFile(join(root, 'dotfile.json'), 'utf8'))).toEqual({ app: { language: 'fr' } })
  })

  test.each([
    ['{ "session": ', /settings\.json: is not JSON/],
    ['[]', /settings\.json: is not an object/],
    ['{ "sesion": {} }', /"sesion" is not a key/],
    ['{ "session": { "maxAgeHours": "long" } }', /"session\.maxAgeHours"/],
  ])('never over a file that is not a configuration: %s', async (text, message) => {
    await writeFile(settingsFile, text)
    await refusedWrite({ app: { language: 'fr' } }, message)
    expect(await readFile(settingsFile, 'utf8')).toBe(text)
  })

  test('never with a value that could not be read back', async () => {
    await refusedWrite({ session: { maxAgeHours: 99 } }, /settings\.json: "session\.maxAgeHours"/)
    await refusedWrite({ sites: [{ url: 'http://studio.example' }] }, /must be an https URL/)
    await refusedWrite({ sites: [{ url: 'https://a.example', broker: 'https://b.example' }] }, /"identity\.clientId"/)
    await expect(stat(settingsFile)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('or said to be impossible', async () => {
    await mkdir(settingsFile)
    await refusedWrite({ app: { language: 'fr' } }, /settings\.json: cannot be read/)
    await rm(settingsFile, { recursive: true })
    await writeFile(join(root, 'file'), '')
    settingsFile = join(root, 'file', 'settings.json')
    await refusedWrite({ app: { language: 'fr' } }, /settings\.json: cannot be written/)
    expect((await readdir(root)).sort()).toEqual(['file', 'sg-session'])
  })

  test.runIf(isRoot)('and together with the policy it is judged: what IT gives need not be repeated', async () => {
    await writeFile(
      policyFile,
      JSON.stringify({ locked: { identity: { clientId: 'studio' }, app: { language: 'de' } } }),
    )
    const { config } = await write({
      sites: [{ url: 'https://a.example', broker: 'https://b.example' }],
      app: { language: 'fr' },
    })
    expect(config.identity.clientId).toBe('studio')
    expect(config.app.language).toBe('de')
  })
})

describe.runIf(isRoot)('a policy counts only if nobody but root can have written it', () => {
  beforeEach(() => writeFile(policyFile, JSON.stringify({ locked: { session: { maxAgeHours: 8 } } }), { mode: 0o644 }))

  test('as it does here', async () => expect((await read()).config.session.maxAgeHours).toBe(8))

  test('not when it is another user’s', async () => {
    await chown(policyFile, 65_534, 65_534)
    await refused(/policy\.json: must be owned by root/)
  })

  test.each([0o664, 0o646, 0o666])('not with mode %o', async (mode) => {
    await chmod(policyFile, mode)
    await refused(/policy\.json: must not be writable/)
  })

  test('not in another user’s folder', async () => {
    await chown(folder, 65_534, 65_534)
    await refused(/sg-session: must be owned by root/)
  })

  test('not in a folder that others may write to', async () => {
    await chmod(folder, 0o777)
    await refused(/sg-session: must not be writable/)
  })

  test('not below a folder that others may write to', async () => {
    await chmod(root, 0o777)
    await refused(/\.sg-session-policy-\w+: must not be writable/)
  })

  test('not through a link to a file', async () => {
    await rename(policyFile, `${policyFile}.real`)
    await symlink(`${policyFile}.real`, policyFile)
    await refused(/must not be reached through a link/)
  })

  test('not through a link to a folder', async () => {
    const linked = join(root, 'linked')
    await symlink(folder, linked)
    await refused(/must not be reached through a link/, join(linked, 'policy.json'))
  })

  test('not through a link to nothing, which is no missing policy', async () => {
    await rm(policyFile)
    await symlink(join(root, 'nothing'), policyFile)
    await refused(/policy\.json: a policy must not be reached through a link/)
  })

  test('not through a folder that is a link to nothing', async () => {
    await symlink(join(root, 'nothing'), join(root, 'linked'))
    await refused(/linked: a policy must not be reached through a link/, join(root, 'linked', 'policy.json'))
  })

  test('not when it is another name of a user’s file', async () => {
    const users = join(root, 'users.json')
    await writeFile(users, JSON.stringify({ locked: { session: { maxAgeHours: 1 } } }))
    await chown(users, 65_534, 65_534)
    await rm(policyFile)
    await link(users, policyFile)
    await refused(/policy\.json: must be owned by root/)
  })

  test('another name of root’s own file is as good as the first', async () => {
    await link(policyFile, join(root, 'elsewhere.json'))
    expect((await read()).config.session.maxAgeHours).toBe(8)
  })

  test('not in a folder where everybody may write, sticky or not', async () => {
    await chmod(folder, 0o1777)
    await refused(/sg-session: must not be writable/)
  })

  test('not in a folder that its group may write to', async () => {
    await chmod(folder, 0o775)
    await refused(/sg-session: must not be writable/)
  })

  test('not when a folder further up is another user’s', async () => {
    await chown(root, 65_534, 65_534)
    await refused(/\.sg-session-policy-\w+: must be owned by root/)
  })

  test('not as a folder', async () => {
    await rm(policyFile)
    await mkdir(policyFile, { mode: 0o755 })
    await refused(/policy\.json: cannot be read: it is no regular file/)
  })

  test('not as a pipe, and nobody waits for one who writes', async () => {
    await rm(policyFile)
    execFileSync('mkfifo', ['-m', '644', policyFile])
    await refused(/policy\.json: cannot be read: it is no regular file/)
  })

  test('not as a device', async (context) => {
    await rm(policyFile)
    // The numbers of /dev/zero, which has no end.
    const { status } = spawnSync('mknod', ['-m', '644', policyFile, 'c', '1', '5'])
    if (status !== 0) return context.skip('no device may be made here')
    await refused(/policy\.json: cannot be read/)
  })

  test('not as a socket', async () => {
    await rm(policyFile)
    const server = createServer()
    await new Promise<void>((done) => server.listen(policyFile, done))
    await chmod(policyFile, 0o644)
    await refused(/policy\.json: cannot be read/)
    await new Promise((done) => server.close(done))
  })

  test('not when it is longer than any policy', async () => {
    await writeFile(policyFile, `{}${' '.repeat(1024 * 1024)}`)
    await refused(/policy\.json: is longer than 1 MiB/)
    await writeFile(policyFile, `{}${' '.repeat(1024 * 1024 - 2)}`)
    expect((await read()).config.session.maxAgeHours).toBe(12)
  })

  test('not with an access list that lets a user write', async (context) => {
    const { status } = spawnSync('setfacl', ['-m', 'u:65534:rw', policyFile])
    if (status !== 0) return context.skip('there is no setfacl here, or no access lists')
    await refused(/policy\.json: must not be writable/)
  })

  test('not when a user’s file is mounted over it; root’s own file system is as good as any', async (context) => {
    const users = join(root, 'users.json')
    await writeFile(users, JSON.stringify({ locked: { session: { maxAgeHours: 1 } } }))
    await chown(users, 65_534, 65_534)
    if (spawnSync('mount', ['--bind', users, policyFile]).status !== 0)
      return context.skip('no file system may be mounted here')
    await refused(/policy\.json: must be owned by root/).finally(() => spawnSync('umount', [policyFile]))
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', folder])
    try {
      await writeFile(policyFile, JSON.stringify({ locked: { session: { maxAgeHours: 7 } } }))
      expect((await read()).config.session.maxAgeHours).toBe(7)
      await chmod(folder, 0o777)
      await refused(/sg-session: must not be writable/)
    } finally {
      spawnSync('umount', [folder])
    }
  })

  test('not what was put in its place while it was looked at', async () => {
    const users = join(folder, 'users.json')
    await writeFile(users, JSON.stringify({ locked: { session: { maxAgeHours: 1 } } }))
    await chown(users, 65_534, 65_534)
    // Root itself plays the user: nobody else could exchange a file here.
    const script = `const { renameSync: rename } = require('node:fs')
      const [policy, users, aside] = process.argv.slice(1)
      process.send('ready')
      for (const end = Date.now() + 20_000; Date.now() < end; ) {
        rename(policy, aside); rename(users, policy); rename(policy, users); rename(aside, policy)
      }`
    const swapping = spawn(process.execPath, ['-e', script, policyFile, users, join(folder, 'aside.json')], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    await once(swapping, 'message')
    const seen = new Set<string>()
    for (let round = 0; round < 150; round += 1) {
      const hours = await read().then(
        ({ config }) => `${config.session.maxAgeHours} h`,
        (error: { code: string }) => error.code,
      )
      seen.add(hours)
    }
    swapping.kill('SIGKILL')
    await once(swapping, 'exit')
    // Never the user's hour: root's eight, none there in that moment (the built-in twelve), or refused.
    expect([...seen].filter((one) => !['8 h', '12 h', 'config_invalid'].includes(one))).toEqual([])
    expect(seen.size).toBeGreaterThan(1)
  })

  test.skipIf(otherUserMissing !== undefined)('that its user cannot read is an error, not ignored', async () => {
    await chmod(policyFile, 0o600)
    await chmod(root, 0o755)
    const script = `
      import { readPolicy } from ${JSON.stringify(resolve('src/config/config-files.ts'))}
      console.log(await readPolicy({ policyFile: ${JSON.stringify(policyFile)} }).then(() => 'read', ({ code, message }) => code + ' ' + message))`
    const said = await runAsOtherUser(script)
    expect(said).toMatch(/^config_invalid .*: cannot be read/)
  })

  test('and where there is none, nobody needs to trust the place', async () => {
    await rm(policyFile)
    await chmod(folder, 0o777)
    expect((await read()).config.session.maxAgeHours).toBe(12)
    await rm(folder, { recursive: true })
    expect((await read()).config.session.maxAgeHours).toBe(12)
  })

  test('not with keys of another form', async () => {
    await writeFile(policyFile, JSON.stringify({ session: { maxAgeHours: 8 } }))
    await refused(/a policy has the keys "locked" and "defaults"/)
  })
})
