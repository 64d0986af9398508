import { chmod, chown, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config-files.ts'
import { standardPaths } from '../../src/paths.ts'

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
    expect(config.session).toEqual({ maxAgeHours: 8, remindBeforeMinutes: 60 })
    expect(sources.get('session.maxAgeHours')).toEqual({ source: 'locked', file: policyFile })
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

  test('not with keys of another form', async () => {
    await writeFile(policyFile, JSON.stringify({ session: { maxAgeHours: 8 } }))
    await refused(/a policy has the keys "locked" and "defaults"/)
  })
})
