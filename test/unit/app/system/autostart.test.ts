import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Autostart } from '../../../../app/system/autostart.ts'

const program = '/opt/sg-session/sg-session-app'
const ofPackage = await readFile(join('build', 'linux', 'autostart.desktop'), 'utf8')
const hidden = '[Desktop Entry]\nType=Application\nName=sg-session\nHidden=true\n'
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-autostart-'))
})
afterEach(() => rm(folder, { recursive: true }))

const own = (): string => join(folder, 'config', 'autostart', 'sg-session.desktop')
const ofMachine = (): string => join(folder, 'xdg', 'autostart', 'sg-session.desktop')
const autostart = (): Autostart =>
  new Autostart([program], { XDG_CONFIG_HOME: join(folder, 'config'), XDG_CONFIG_DIRS: join(folder, 'xdg') }, folder)

async function put(file: string, entry: string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, entry)
}

describe('where the package has an entry for everybody', () => {
  beforeEach(() => put(ofMachine(), ofPackage))

  test('the setting alone decides, and the user gets no entry', async () => {
    expect([await autostart().isOn(true), await autostart().isOn(false)]).toEqual([true, false])
    await autostart().set(true)
    await expect(readFile(own())).rejects.toThrow('ENOENT')
    await autostart().set(false)
    await expect(readFile(own())).rejects.toThrow('ENOENT')
  })

  test('an entry by which the user hid it goes when it is switched on', async () => {
    await put(own(), hidden)
    expect(await autostart().isOn(true)).toBe(false)
    await autostart().set(true)
    expect(await autostart().isOn(true)).toBe(true)
  })

  test('an entry that the machine has switched off, or that starts another program, is none', async () => {
    for (const entry of [`${ofPackage}Hidden=true\n`, ofPackage.replace(program, '/opt/other/app')]) {
      await put(ofMachine(), entry)
      expect(await autostart().isOn(true), entry).toBe(false)
      await autostart().set(true)
      expect(await autostart().isOn(true)).toBe(true)
      await rm(own())
    }
  })
})

describe('where there is none', () => {
  test('the user’s own entry is the switch, whatever the setting says', async () => {
    expect(await autostart().isOn(true)).toBe(false)
    await autostart().set(true)
    expect(await readFile(own(), 'utf8')).toContain(`Exec="${program}" "--autostart"`)
    expect([await autostart().isOn(false), await autostart().isOwnWish()]).toEqual([true, true])
    await autostart().set(false)
    expect([await autostart().isOn(true), await autostart().isOwnWish()]).toEqual([false, false])
  })

  test('an entry that a desktop’s settings have switched off is off', async () => {
    await autostart().set(true)
    await put(own(), (await readFile(own(), 'utf8')).replace('enabled=true', 'enabled=false'))
    expect([await autostart().isOn(true), await autostart().isOwnWish()]).toEqual([false, false])
  })
})
