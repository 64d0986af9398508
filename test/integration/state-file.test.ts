import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { StateFile } from '../../src/system/state-file.ts'
import { silentLog } from './world.ts'

const isRoot = process.getuid?.() === 0
let root: string
let file: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sg-session-state-'))
  file = join(root, 'state', 'things.json')
})
afterEach(() => rm(root, { recursive: true, force: true }))

const open = (format = 1): StateFile<string[]> =>
  new StateFile({ file, format, schema: z.array(z.string()), empty: [], log: silentLog })
const names = async (): Promise<string[]> => (await readdir(join(root, 'state'))).sort()

describe('what is kept between two runs', () => {
  test('is nothing at first, and no problem', async () => {
    const state = open()
    expect(await state.read()).toEqual([])
    expect(state.problem).toBeUndefined()
  })

  test('comes back, from a file and folder that nobody else may read', async () => {
    expect(await open().write(['one'])).toBe(true)
    expect(await open().read()).toEqual(['one'])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(root, 'state'))).mode & 0o777).toBe(0o700)
  })

  test('is written one after the other, the last wins, and the copy before it is kept', async () => {
    const state = open()
    await Promise.all(['a', 'b', 'c'].map((letter) => state.write([letter])))
    expect(await open().read()).toEqual(['c'])
    expect(await names()).toEqual(['things.json', 'things.json.previous'])
    expect(await readFile(`${file}.previous`, 'utf8')).toContain('"b"')
  })

  test('is forgotten in the kept copy too where it must not come back', async () => {
    const state = open()
    await state.write(['keep', 'forget'])
    await state.write(['keep', 'forget'])
    await state.write(['keep'], { forgetsBefore: true })
    await writeFile(file, '{')
    expect(await open().read()).toEqual(['keep'])
  })
})

describe('a damaged file', () => {
  test.each([
    ['is cut off', '{"format":1,"content":["'],
    ['is empty', ''],
    ['is something else', '"text"'],
    ['holds what it should not', '{"format":1,"content":[7]}'],
    ['has no format', '{"content":["x"]}'],
    ['is binary', '\0\u0001\uffff'],
    ['is too large', `{"format":1,"content":["${'x'.repeat(5 * 1024 * 1024)}"]}`],
  ])('that %s is set aside, the copy before it is used, and the problem is said', async (_name, text) => {
    const before = open()
    await before.write(['one'])
    await before.write(['one', 'two'])
    await writeFile(file, text, { mode: 0o600 })
    const state = open()
    expect(await state.read()).toEqual(['one'])
    expect(state.problem).toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining('the copy before it is used'),
    })
    expect(state.problem?.message).toContain(file)
    expect(await names()).toEqual([expect.stringMatching(/^things\.json\.damaged-20\S+Z$/), 'things.json.previous'])
    expect(await state.write(['three'])).toBe(true)
    expect(await open().read()).toEqual(['three'])
  })

  test('without a good copy is a new beginning', async () => {
    await open().write(['one'])
    await writeFile(file, '{')
    const state = open()
    expect(await state.read()).toEqual([])
    expect(state.problem?.message).toContain('it begins anew')
  })

  test('leaves three of its kind at most', async () => {
    await mkdir(join(root, 'state'))
    for (let round = 0; round < 5; round += 1) {
      await writeFile(file, `{ ${round}`, { mode: 0o600 })
      await open().read()
    }
    const aside = (await names()).filter((name) => name.includes('damaged'))
    expect(aside.length).toBeGreaterThan(0)
    expect(aside.length).toBeLessThanOrEqual(3)
  })

  test('that others could have written is one too', async () => {
    await open().write(['one'])
    await chmod(file, 0o666)
    const state = open()
    expect(await state.read()).toEqual([])
    expect(state.problem).toMatchObject({ kind: 'corrupt', message: expect.stringContaining('somebody else') })
  })

  test.runIf(isRoot)('that is somebody else’s is one too', async () => {
    await open().write(['one'])
    await chown(file, 65_534, 65_534)
    expect(await open().read()).toEqual([])
  })
})

describe('what cannot be used now is left alone', () => {
  test('a file of a newer version: it is neither read nor written over', async () => {
    const text = '{"format":2,"content":{"new":true}}'
    await open().write([])
    await writeFile(file, text)
    const state = open()
    expect(await state.read()).toEqual([])
    expect(state.problem).toMatchObject({
      kind: 'newer',
      message: expect.stringMatching(/newer sg-session .*format 2.*nothing is kept until sg-session is as new/),
    })
    expect(await state.write(['one'])).toBe(false)
    expect(await readFile(file, 'utf8')).toBe(text)
    expect(state.problem?.kind).toBe('newer')
  })

  test('a folder where the file should be', async () => {
    await mkdir(file, { recursive: true })
    const state = open()
    expect(await state.read()).toEqual([])
    expect(state.problem?.kind).toBe('corrupt')
    expect(await state.write(['one'])).toBe(true)
  })

  test('a place that cannot be a folder: what is to be kept is not, and it is said', async () => {
    await writeFile(join(root, 'state'), '')
    const state = open()
    expect(await state.read()).toEqual([])
    expect(await state.write(['one'])).toBe(false)
    expect(state.problem).toMatchObject({
      kind: 'unwritable',
      message: expect.stringContaining('what it said before stays'),
    })
    await rm(join(root, 'state'))
    expect(await state.write(['one'])).toBe(true)
    expect(state.problem).toBeUndefined()
  })

  test.runIf(isRoot)(
    'a full disk: the old state stays whole, and the next write works when there is room',
    async (context) => {
      const folder = join(root, 'state')
      await mkdir(folder, { mode: 0o700 })
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'tmpfs', folder], { stdio: 'ignore' })
      } catch {
        return context.skip('no file system may be mounted here')
      }
      try {
        const state = open()
        await state.write(['one'])
        const filling = join(folder, 'filling')
        await writeFile(filling, Buffer.alloc(1024 * 1024)).catch(() => undefined)
        expect(await state.write(Array.from({ length: 5_000 }, (_, index) => `two ${index}`))).toBe(false)
        expect(state.problem).toMatchObject({ kind: 'unwritable', message: expect.stringContaining('ENOSPC') })
        expect(await open().read()).toEqual(['one'])
        await rm(filling)
        expect(await state.write(['three'])).toBe(true)
        expect(await open().read()).toEqual(['three'])
      } finally {
        execFileSync('umount', [folder])
      }
    },
  )
})
