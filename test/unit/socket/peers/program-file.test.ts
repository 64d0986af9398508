import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageInSearch, packageOf, sha256Of } from '../../../../src/socket/peers/program-file.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-program-file-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the hash of a program', () => {
  const hashOf = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex')

  test('is of its bytes, and of the new ones after they changed, also with the time of the old ones', async () => {
    const file = join(folder, 'hashed')
    await writeFile(file, 'one')
    const then = new Date(1_700_000_000_000)
    await utimes(file, then, then)
    expect(await sha256Of(file)).toBe(hashOf('one'))
    await writeFile(file, 'two')
    await utimes(file, then, then)
    expect(await sha256Of(file)).toBe(hashOf('two'))
    const other = join(folder, 'other')
    await writeFile(other, 'three')
    await rename(other, file)
    expect(await sha256Of(file)).toBe(hashOf('three'))
  })

  test('is the same by every name of the file', async () => {
    const file = join(folder, 'named')
    await writeFile(file, 'named')
    await link(file, join(folder, 'named-too'))
    await symlink(file, join(folder, 'linked'))
    for (const name of ['named', 'named-too', 'linked'])
      expect(await sha256Of(join(folder, name))).toBe(hashOf('named'))
  })

  test('is of a program of many pieces too, asked for by several at once', async () => {
    const file = join(folder, 'large')
    const bytes = randomBytes(3 * 1024 * 1024 + 1)
    await writeFile(file, bytes)
    expect(await Promise.all([sha256Of(file), sha256Of(file)])).toEqual([hashOf(bytes), hashOf(bytes)])
  })

  test('is not there for a folder, a device or nothing', async () => {
    await mkdir(join(folder, 'folder'))
    for (const path of [join(folder, 'folder'), join(folder, 'nothing'), '/dev/zero'])
      expect(await sha256Of(path)).toBeUndefined()
  })
})

describe('the package of a program', () => {
  test.each([
    ['python3.11-minimal: /usr/bin/python3.11', 'python3.11-minimal'],
    ['libc6:amd64: /usr/bin/python3.11', 'libc6'],
    ['one:amd64, two: /usr/bin/python3.11', 'one'],
    ['diversion by one from: /usr/bin/python3.11\none: /usr/bin/python3.11', 'one'],
    ['diversion by one to: /usr/bin/python3.11', undefined],
    ['python3.11-minimal: /usr/bin/python3.11-config', undefined],
    ['', undefined],
  ])('is read from what dpkg-query says: %j', (lines, expected) => {
    expect(packageInSearch(lines, '/usr/bin/python3.11')).toBe(expected)
  })

  test.runIf(existsSync('/usr/bin/dpkg-query'))(
    'is what the system says, by the old name of a folder too',
    async () => {
      expect(await packageOf('/usr/bin/dpkg-query')).toBe('dpkg')
      expect(await packageOf('/bin/bash')).toBe('bash')
    },
  )

  test.runIf(process.platform === 'linux')('is nothing for a file that no package brought', async () => {
    const file = join(folder, 'own [tool]*')
    await writeFile(file, '')
    expect(await packageOf(file)).toBeUndefined()
    expect(await packageOf(join(folder, 'nothing'))).toBeUndefined()
  })
})
