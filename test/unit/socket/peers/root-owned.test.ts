import { chmod, chown, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isRootOwned, isRootsToTheEnd } from '../../../../src/socket/peers/root-owned.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-root-owned-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const isPosix = process.platform !== 'win32'
const isRoot = process.getuid?.() === 0

describe.runIf(isPosix)('only root can change', () => {
  test('a program of the system, also through the links that lead to it', async () => {
    expect(await isRootOwned('/bin/sh')).toBe(true)
    expect(await isRootOwned('/usr/../bin/./sh')).toBe(true)
  })

  test('asked by many at once it is looked up once', async () => {
    const asked = Array.from({ length: 100 }, () => isRootOwned('/bin/../bin/sh'))
    expect(new Set(asked).size).toBe(1)
    expect(await asked[0]).toBe(true)
  })

  test('not a program below a folder that everybody may write to', async () => {
    const file = join(folder, 'tool')
    await copyFile('/bin/sh', file)
    expect(await isRootOwned(file)).toBe(false)
  })

  test.each(['/nowhere/at/all', 'bin/sh', '', '/', '/bin', '/bin/sh/below', '/dev/null'])('not "%s"', async (path) => {
    expect(await isRootOwned(path)).toBe(false)
  })

  test('not what a link in somebody’s folder leads to', async () => {
    const way = join(folder, 'sh')
    await symlink('/bin/sh', way)
    expect(await isRootOwned(way)).toBe(false)
  })

  describe.skipIf(!isRoot)('as root sees it', () => {
    let own: string
    beforeAll(async () => {
      own = await mkdtemp('/root-owned-')
      await chmod(own, 0o755)
    })
    afterAll(() => rm(own, { recursive: true, force: true }))

    test('a file of root in folders of root, until file or folder is opened to others', async () => {
      const file = join(own, 'tool')
      await writeFile(file, '', { mode: 0o755 })
      expect(await isRootsToTheEnd(file)).toBe(true)
      for (const [path, mode, back] of [
        [file, 0o775, 0o755],
        [file, 0o757, 0o755],
        [own, 0o777, 0o755],
        [own, 0o1777, 0o755],
      ] as const) {
        await chmod(path, mode)
        expect(await isRootsToTheEnd(file), `${path} ${mode.toString(8)}`).toBe(false)
        await chmod(path, back)
      }
      expect(await isRootsToTheEnd(file)).toBe(true)
    })

    test('not what a link of root leads to outside, and no circle of links', async () => {
      const outside = join(folder, 'outside')
      await writeFile(outside, '')
      await symlink(outside, join(own, 'outside'))
      await symlink(join(own, 'circle'), join(own, 'circle'))
      expect(await isRootOwned(join(own, 'outside'))).toBe(false)
      expect(await isRootOwned(join(own, 'circle'))).toBe(false)
    })

    describe('that is looked at again and again', () => {
      let file: string
      beforeEach(async () => {
        file = join(own, 'again')
        await rm(file, { recursive: true, force: true })
        await writeFile(file, '', { mode: 0o755 })
        expect([await isRootOwned(file), await isRootOwned(file)]).toEqual([true, true])
      })

      /** A yes stands for a second. */
      const soonNo = (): Promise<void> => expect.poll(() => isRootOwned(file), { timeout: 10_000 }).toBe(false)

      test('until it belongs to somebody else', async () => {
        await chown(file, 65_534, 65_534)
        await soonNo()
      })

      test('until a link to somebody’s file lies in its place', async () => {
        const outside = join(folder, 'somebody’s')
        await writeFile(outside, '')
        await rm(file)
        await symlink(outside, file)
        await soonNo()
      })

      test('until it is gone, or a folder', async () => {
        await rm(file)
        await soonNo()
        await mkdir(file)
        expect(await isRootOwned(file)).toBe(false)
      })
    })
  })
})
