import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { postgresMissing } from '../sandbox/postgres.ts'
import { otherUserMissing } from './other-user.ts'

/** A machine of Debian's kind: the programs in one folder, and an apt-get that brings what it knows. */
let machine: string
beforeEach(async (context) => {
  if (process.platform !== 'linux') return context.skip('Debian packages are a matter of Linux')
  machine = await mkdtemp('/tmp/sg-session-machine-')
  await mkdir(join(machine, 'bin'), { mode: 0o755 })
  for (const program of ['env', 'sh', 'touch', 'grep'])
    await symlink(`/usr/bin/${program}`, join(machine, 'bin', program))
  await writeFile(
    join(machine, 'bin', 'apt-get'),
    `#!/bin/sh
     echo "$@" >> ${machine}/log
     case "$*" in
       update*) touch ${machine}/lists ;;
       *chromium*) test -e ${machine}/lists && touch ${machine}/bin/chromium ;;
     esac`,
    { mode: 0o755 },
  )
  spawnSync('chmod', ['755', machine])
})
afterEach(() => rm(machine, { recursive: true, force: true }))

test('root installs what is missing without a question, with fresh package lists when the old know nothing', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('only root can show what is done for root')
  const { stdout, stderr } = installing(['chromium', 'env'])
  expect(stdout).toBe('missing: ')
  expect(stderr).toContain(
    'Installing Debian packages: apt-get satisfy -y --no-install-recommends "chromium | chromium-browser"',
  )
  const line = 'satisfy -y --no-install-recommends chromium | chromium-browser -qq'
  expect(await readFile(join(machine, 'log'), 'utf8')).toBe(`${line}\nupdate -qq\n${line}\n`)
})

test('what this system does not have keeps nothing else away', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('only root can show what is done for root')
  await writeFile(
    join(machine, 'bin', 'apt-get'),
    `#!/bin/sh
     case "$*" in
       *chromium*) exit 100 ;;
       *xvfb*) touch ${machine}/bin/Xvfb ;;
     esac`,
  )
  expect(installing(['chromium', 'Xvfb']).stdout).toBe('missing: chromium')
})

test('a server that was installed for the tests is switched off, one that was there is left alone', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('only root can show what is done for root')
  const log = (name: string) => `#!/bin/sh\necho ${name} "$@" >> ${machine}/log`
  for (const name of ['service', 'update-rc.d']) await writeFile(join(machine, 'bin', name), log(name), { mode: 0o755 })
  await writeFile(join(machine, 'bin', 'apt-get'), `#!/bin/sh\ntouch ${machine}/bin/redis-server`)
  expect(installing(['redis-server']).stdout).toBe('missing: ')
  expect(await readFile(join(machine, 'log'), 'utf8')).toBe(
    'service redis-server stop\nupdate-rc.d redis-server disable\n',
  )
  await rm(join(machine, 'log'))
  expect(installing(['redis-server']).stdout).toBe('missing: ')
  expect(existsSync(join(machine, 'log'))).toBe(false)
})

test('a program of the administrators is found, off the PATH', () => {
  expect(installing(['ldconfig']).stdout).toBe('missing: ')
})

test('PostgreSQL is found where Debian keeps it, off the PATH', (context) => {
  if (postgresMissing) return context.skip(postgresMissing)
  expect(installing(['postgres']).stdout).toBe('missing: ')
})

test('somebody who may not install is told the line to run', (context) => {
  if (otherUserMissing) return context.skip(otherUserMissing)
  const { stdout, stderr } = installing(['chromium', 'gnome-keyring-daemon'], { uid: 65_534, gid: 65_534 })
  expect(stdout).toBe('missing: chromium, gnome-keyring-daemon')
  expect(stderr).toContain(
    'Please run: sudo apt-get satisfy -y --no-install-recommends "chromium | chromium-browser, gnome-keyring"',
  )
})

test.for([
  ['on a CI machine, sudo that asks for nothing installs', { CI: 'true' }, 0, 'missing: '],
  ['on a CI machine, sudo that wants a password is not waited for', { CI: 'true' }, 1, 'missing: chromium'],
  ['anywhere else, sudo is not used without asking', {}, 0, 'missing: chromium'],
] as const)('%s', async ([, more, status, said], context) => {
  if (otherUserMissing) return context.skip(otherUserMissing)
  spawnSync('chmod', ['777', machine, join(machine, 'bin')])
  await writeFile(join(machine, 'lists'), '')
  const sudo = `#!/bin/sh\n[ "$1" = -n ] && exit ${status}\n[ "$1" = -v ] && exit 0\nexec "$@"`
  await writeFile(join(machine, 'bin', 'sudo'), sudo, { mode: 0o755 })
  expect(installing(['chromium'], { uid: 65_534, gid: 65_534 }, more).stdout).toBe(said)
})

test('whatever is needed is in a package that is known', async () => {
  const { debianPackages, needs } = await import('../../build/bootstrap.mjs')
  const names = Object.values(needs).flat()
  expect(names.filter((name) => !Object.hasOwn(debianPackages, name))).toEqual([])
})

test('libraries and headers are looked for where the system keeps them', () => {
  expect(installing(['libc.so.6']).stdout).toBe('missing: ')
})

test('keytar is compiled where its header is', (context) => {
  if (!existsSync('/usr/include/libsecret-1/libsecret/secret.h'))
    return context.skip('libsecret-1-dev is not installed')
  expect(createRequire(import.meta.url)('keytar')).toHaveProperty('setPassword')
})

function installing(names: string[], user: { uid?: number; gid?: number } = {}, more: Record<string, string> = {}) {
  const script = `
    const missing = await bootstrap.installFromSystem(${JSON.stringify(names)})
    process.stdout.write('missing: ' + missing.join(', '))`
  return evaluating(script, user, more)
}

function evaluating(
  script: string,
  user: { uid?: number; gid?: number } = {},
  more: Readonly<Record<string, string>> = {},
) {
  const whole = `import * as bootstrap from './build/bootstrap.mjs'\n${script}`
  return spawnSync(process.execPath, ['--input-type=module', '-e', whole], {
    ...user,
    encoding: 'utf8',
    env: { PATH: join(machine, 'bin'), ...more },
  })
}
