import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { folderOf, isWhole, putInPlace, seal } from '../../build/closed-network-electron.mjs'
import { startXvfb } from '../sandbox/chromium.ts'
import { finished, startProcess } from '../sandbox/processes.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-electron-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('the Electron that npm test provides', () => {
  const executable = process.env['SG_SESSION_ELECTRON']

  test('starts the app in the folder it is given, under that app’s name', async (context) => {
    if (!executable) return context.skip('SG_SESSION_ELECTRON names no Electron: npm test sets it where there is one')
    const app = join(folder, 'app')
    await mkdir(app)
    await writeFile(join(app, 'package.json'), '{"name":"trivial","version":"1.2.3","main":"start.js","type":"module"}')
    await writeFile(
      join(app, 'start.js'),
      `import { app } from 'electron'
       app.whenReady().then(() => {
         const { defaultApp, versions, argv } = process
         const path = app.getAppPath()
         const found = { name: app.name, version: app.getVersion(), path, packaged: app.isPackaged, defaultApp }
         process.stdout.write(JSON.stringify({ ...found, electron: versions.electron, last: argv.at(-1) }))
         app.quit()
       })`,
    )
    const screen = await startXvfb()
    try {
      const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
      const args = [...sandbox, `--user-data-dir=${join(folder, 'data')}`, app, 'an argument']
      const { stdout, stderr } = await finished(
        startProcess(executable, args, { PATH: process.env['PATH'] ?? '', HOME: folder, DISPLAY: screen.display }),
      )
      expect(stdout, stderr).not.toBe('')
      expect(JSON.parse(stdout)).toEqual({
        ...{ name: 'trivial', version: '1.2.3', path: app, packaged: false, defaultApp: true },
        electron: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        last: 'an argument',
      })
    } finally {
      screen.stop()
    }
  })
})

describe('a copy of the closed-network Electron', () => {
  test('lies in the user’s cache folder, whose name must be absolute', () => {
    expect(folderOf({ XDG_CACHE_HOME: '/var/tmp/cache' })).toMatch(/^\/var\/tmp\/cache\/sg-session\/electron-[\d.]+$/)
    expect(folderOf({ XDG_CACHE_HOME: 'cache' })).toBe(folderOf({}))
  })

  test('is not whole before it is sealed, nor when a file is gone or cut short, nor under another recipe', async () => {
    const copy = await makeCopy('copy', 'all of it')
    expect(isWhole(copy)).toBe(true)
    await writeFile(join(copy, 'locales', 'en.pak'), 'all')
    expect(isWhole(copy)).toBe(false)
    seal(copy)
    await rm(join(copy, 'electron'))
    expect(isWhole(copy)).toBe(false)
    seal(copy)
    const sealed = await readFile(join(copy, 'sg-session.json'), 'utf8')
    await writeFile(join(copy, 'sg-session.json'), sealed.replace('"recipe":', '"recipe":9'))
    expect(isWhole(copy)).toBe(false)
    await rm(join(copy, 'sg-session.json'))
    expect(isWhole(copy)).toBe(false)
    expect(isWhole(join(folder, 'nowhere'))).toBe(false)
  })

  test('is put in the place of a broken one', async () => {
    const broken = await makeCopy('electron', 'old')
    await rm(join(broken, 'locales'), { recursive: true })
    putInPlace(await makeCopy('made', 'new'), broken, join(folder, 'aside'))
    expect(isWhole(broken)).toBe(true)
    expect(await readFile(join(broken, 'electron'), 'utf8')).toBe('new')
  })

  test('leaves a whole one alone, which another process has made and may be running', async () => {
    const first = await makeCopy('electron', 'first')
    putInPlace(await makeCopy('made', 'second'), first, join(folder, 'aside'))
    expect(await readFile(join(first, 'electron'), 'utf8')).toBe('first')
  })
})

async function makeCopy(name: string, content: string): Promise<string> {
  const copy = join(folder, name)
  await mkdir(join(copy, 'locales'), { recursive: true })
  await writeFile(join(copy, 'electron'), content)
  await writeFile(join(copy, 'locales', 'en.pak'), content)
  seal(copy)
  return copy
}
