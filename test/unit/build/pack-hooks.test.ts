import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { judgeFuses, readFuses, setFuses, wishes } from '../../../build/pack-hooks.mjs'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-fuses-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** As in every Electron: a mark, version 1, how many fuses, and each as 0, 1 or r (taken out). */
async function program(states: string): Promise<string> {
  const file = join(folder, `electron-${states}`)
  const mark = Buffer.from('dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX')
  const wire = Buffer.concat([mark, Buffer.from([1, states.length]), Buffer.from(states)])
  await writeFile(file, Buffer.concat([Buffer.alloc(4096, 7), wire, Buffer.alloc(4096, 9)]))
  return file
}

const asWished = Object.fromEntries(Object.entries(wishes).map(([name, on]) => [name, on ? 'on' : 'off']))

describe('the fuses of Electron', () => {
  test('are set as wished and read back, in one of nine and in one of eight', async () => {
    for (const states of ['101100010', '10110001']) {
      const file = await program(states)
      await setFuses(file)
      const { WasmTrapHandlers, ...eight } = asWished
      expect(await readFuses(file)).toEqual(states.length === 9 ? { ...eight, WasmTrapHandlers } : eight)
    }
  })

  test('are those that the security requirements name', () => {
    expect(asWished).toMatchObject({
      RunAsNode: 'off',
      EnableNodeOptionsEnvironmentVariable: 'off',
      EnableNodeCliInspectArguments: 'off',
      EnableEmbeddedAsarIntegrityValidation: 'on',
      OnlyLoadAppFromAsar: 'on',
      GrantFileProtocolExtraPrivileges: 'off',
      EnableCookieEncryption: 'on',
      LoadBrowserProcessSpecificV8Snapshot: 'off',
    })
  })

  test.for([
    ['one that cannot be set because it was taken out', 'r01100010', /RunAsNode is missing/],
    ['one that is not there', '101100', /LoadBrowserProcessSpecificV8Snapshot is missing/],
    ['one that nobody has decided about', '1011000101', /nobody has decided about 9/],
  ] as const)('%s fails the build', async ([, states, said]) => {
    await expect(setFuses(await program(states))).rejects.toThrow(said)
  })

  test('a wish that differs from what is there is told by name', async () => {
    const file = await program('101100010')
    expect(judgeFuses(await readFuses(file))).toContain('RunAsNode is on, not off')
    await setFuses(file)
    expect(judgeFuses(await readFuses(file))).toEqual([])
    expect(judgeFuses(await readFuses(file), { ...wishes, RunAsNode: true })).toEqual(['RunAsNode is off, not on'])
  })

  test('a program without fuses fails the build', async () => {
    const file = join(folder, 'none')
    await writeFile(file, 'no Electron')
    await expect(setFuses(file)).rejects.toThrow(/fuse|sentinel/i)
  })
})
