import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { deb, packageFile } from './stage.ts'

// What a desktop reads, as it lies in the package, judged by the desktops' own checkers.

const run = promisify(execFile)
let folder = ''
afterAll(() => rm(folder, { recursive: true, force: true }))

async function unpacked(context: TestContext): Promise<string> {
  const file = await packageFile(context, 'newer', deb)
  if (folder === '') {
    folder = await mkdtemp(join(tmpdir(), 'sg-session-desktop-'))
    await run('dpkg-deb', ['-x', file, folder])
  }
  return folder
}

/** Skips where the checker is not installed; throws what it says. */
async function judge(context: TestContext, program: string, ...args: string[]): Promise<void> {
  await run(program, args).catch((error: NodeJS.ErrnoException & { stdout?: string }) => {
    if (error.code === 'ENOENT') context.skip(`${program} is not installed here`)
    throw new Error(`${error.message}\n${error.stdout ?? ''}`)
  })
}

test('the desktop entry has its two actions, in French too, and desktops accept it', async (context) => {
  const file = join(await unpacked(context), 'usr', 'share', 'applications', 'sg-session.desktop')
  const entry = await readFile(file, 'utf8')
  expect(entry).toContain('\nActions=SignIn;Status;\n')
  for (const [action, name, french] of [
    ['sign-in', 'Sign In', 'Se connecter'],
    ['status', 'Status', 'État'],
  ])
    expect(entry).toContain(`Name=${name}\nName[fr]=${french}\nExec=/opt/sg-session/sg-session-app --${action}\n`)
  await judge(context, 'desktop-file-validate', file)
})

test('the autostart entry is accepted', async (context) => {
  await judge(context, 'desktop-file-validate', join(await unpacked(context), 'etc/xdg/autostart/sg-session.desktop'))
})

test('software centres accept what the package says of itself', async (context) => {
  const root = await unpacked(context)
  await judge(context, 'appstreamcli', 'validate-tree', '--no-net', root)
})

test('the icon is there in every size, and as a drawing', async (context) => {
  const icons = join(await unpacked(context), 'usr', 'share', 'icons', 'hicolor')
  const sizes = await readdir(icons)
  expect(sizes).toHaveLength(11)
  for (const size of sizes) {
    const [name = ''] = await readdir(join(icons, size, 'apps'))
    expect(name).toBe(size === 'scalable' ? 'sg-session-app.svg' : 'sg-session-app.png')
    // PNG: width and height stand behind the first chunk's name.
    const content = await readFile(join(icons, size, 'apps', name))
    if (size !== 'scalable') expect(`${content.readUInt32BE(16)}x${content.readUInt32BE(20)}`).toBe(size)
  }
})

test('the manual pages are there, and are read without a complaint', async (context) => {
  const manual = join(await unpacked(context), 'usr', 'share', 'man')
  const pages = (await readdir(manual, { recursive: true })).filter((name) => name.endsWith('.gz')).sort()
  expect(pages).toEqual(['man1/sg-session.1.gz', 'man5/sg-session-policy.5.gz'])
  for (const page of pages) await judge(context, 'mandoc', '-T', 'lint', '-W', 'warning', join(manual, page))
})
