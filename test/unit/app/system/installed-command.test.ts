import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
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

test('the command on the PATH is ours, under either of its names, if Node runs it', async () => {
  const own = await installedCommand(`relative:${folder}/nothing:${folder}/bin`)
  const link = join(folder, 'bin', 'sg-session')
  const script = join(folder, 'sg-session.js')
  expect(await isOwnCommand({ executable: '/usr/bin/node', script: link }, own)).toBe(true)
  expect(await isOwnCommand({ executable: '/usr/bin/node', script }, own)).toBe(true)
  expect(await isOwnCommand({ executable: '/usr/bin/python3', script }, own)).toBe(false)
  expect(await isOwnCommand({ executable: '/usr/bin/node' }, own)).toBe(false)
  expect(await isOwnCommand({ executable: '/usr/bin/node', script: '/tmp/other.js' }, own)).toBe(false)
  expect(await isOwnCommand({ executable: '/usr/bin/node', script }, undefined)).toBe(false)
})

test('so is the one of the sources that the app runs from', async () => {
  const own = await installedCommand('')
  expect(await isOwnCommand({ executable: '/usr/bin/node', script: resolve('src/cli/sg-session.ts') }, own)).toBe(true)
})
