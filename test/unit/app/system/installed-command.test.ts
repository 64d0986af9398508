import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installedCommand } from '../../../../app/system/installed-command.ts'
import { isOwnCommand } from '../../../../src/consent/own-command.ts'

let folder: string
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sg-session-installed-')))
  await mkdir(join(folder, 'bin'))
  await writeFile(join(folder, 'sg-session.js'), '')
  await symlink(join(folder, 'sg-session.js'), join(folder, 'bin', 'sg-session'))
})
afterAll(() => rm(folder, { recursive: true }))

const nowhere: string[] = []

test('the script on the PATH is ours, under either of its names, if Node runs it', async () => {
  const own = await installedCommand(`relative:${folder}/nothing:${folder}/bin`, nowhere)
  const link = join(folder, 'bin', 'sg-session')
  const script = join(folder, 'sg-session.js')
  expect(await isOwnCommand({ executable: '/usr/bin/node', script: link }, own)).toBe(true)
  expect(await isOwnCommand({ executable: '/usr/bin/node', script }, own)).toBe(true)
  expect(await isOwnCommand({ executable: '/usr/bin/python3', script }, own)).toBe(false)
  expect(await isOwnCommand({ executable: '/usr/bin/node' }, own)).toBe(false)
  expect(await isOwnCommand({ executable: script }, own)).toBe(false)
  expect(await isOwnCommand({ executable: '/usr/bin/node', script: '/tmp/other.js' }, own)).toBe(false)
  expect(await isOwnCommand({ executable: '/usr/bin/node', script }, undefined)).toBe(false)
})

test('so is the one of the sources that the app runs from', async () => {
  const own = await installedCommand('', nowhere)
  expect(await isOwnCommand({ executable: '/usr/bin/node', script: resolve('src/cli/sg-session.ts') }, own)).toBe(true)
})

/** A program file: where it counts, its bytes do not. */
async function putExecutable(...parts: string[]): Promise<string> {
  const file = join(...parts)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, '\x7fELF', { mode: 0o755 })
  return file
}

const name = process.platform === 'win32' ? 'sg-session.exe' : 'sg-session'

test('the executable that came with the app is ours, and nothing that only has its name or runs it as a script', async () => {
  const executable = await putExecutable(folder, 'app', 'bin', name)
  const own = await installedCommand('', [join(folder, 'app'), join(folder, 'nothing')])
  expect(await isOwnCommand({ executable }, own)).toBe(true)
  expect(await isOwnCommand({ executable: join(folder, 'other', name) }, own)).toBe(false)
  expect(await isOwnCommand({ executable, script: '/tmp/other.py' }, own)).toBe(false)
  expect(await isOwnCommand({ executable: '/usr/bin/node', script: executable }, own)).toBe(false)
  expect(await isOwnCommand({ executable: '/usr/bin/node' }, own)).toBe(false)
})

test('on Windows it is ours however its path is spelt', async () => {
  const own = { scripts: [], executables: ['C:\\Program Files\\sg-session\\bin\\sg-session.exe'] }
  const spelt = 'c:\\program files\\sg-session\\BIN\\sg-session.exe'
  expect(await isOwnCommand({ executable: spelt }, own)).toBe(true)
  expect(
    await isOwnCommand(
      { executable: '/OPT/sg-session/bin/sg-session' },
      { scripts: [], executables: ['/opt/sg-session/bin/sg-session'] },
    ),
  ).toBe(false)
})

test.runIf(process.platform !== 'win32')(
  'an executable on the PATH that others than root could have put there is not',
  async () => {
    const executable = await putExecutable(folder, 'mine', 'sg-session')
    expect((await installedCommand(join(folder, 'mine'), nowhere))?.executables).not.toContain(executable)
  },
)

test.runIf(process.platform === 'linux')('nor is another program that a link of that name leads to', async () => {
  await mkdir(join(folder, 'links'))
  await symlink('/usr/bin/env', join(folder, 'links', 'sg-session'))
  expect((await installedCommand(join(folder, 'links'), nowhere))?.executables).toEqual([])
})

// Only root can put a file where only root can put files.
test.runIf(process.getuid?.() === 0 && process.platform === 'linux')(
  'one that is root’s is, through the link in /usr/bin',
  async () => {
    const roots = await mkdtemp('/opt/sg-session-test-')
    try {
      const executable = await putExecutable(roots, 'bin', 'sg-session')
      await symlink(executable, join(folder, 'sg-session'))
      const own = await installedCommand(folder, nowhere)
      expect(await isOwnCommand({ executable }, own)).toBe(true)
      await chmod(join(roots, 'bin'), 0o775)
      expect((await installedCommand(folder, nowhere))?.executables).toEqual([])
    } finally {
      await rm(roots, { recursive: true })
    }
  },
)
