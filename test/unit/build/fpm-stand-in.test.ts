import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest'
import { judgeArguments } from '../../../build/fpm-stand-in.mjs'

const standIn = join('build', 'fpm-stand-in.mjs')
let folder: string
let common: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-fpm-'))
  const tree = join(folder, 'tree')
  await mkdir(join(tree, 'etc', 'thing'), { recursive: true })
  await mkdir(join(tree, 'opt', 'thing'), { recursive: true })
  await mkdir(join(tree, 'usr', 'bin'), { recursive: true })
  await writeFile(join(tree, 'etc', 'thing', 'thing.conf'), 'a = 1\n')
  await writeFile(join(tree, 'opt', 'thing', 'helper'), 'x'.repeat(3000))
  await chmod(join(tree, 'opt', 'thing', 'helper'), 0o4755)
  await writeFile(join(tree, 'opt', 'thing', 'data'), '100 %{name}\n', { mode: 0o600 })
  await symlink('/opt/thing/helper', join(tree, 'usr', 'bin', 'thing'))
  await writeFile(join(folder, 'one file'), 'renamed\n', { mode: 0o644 })
  await writeFile(join(folder, 'after.sh'), '#!/bin/sh\necho "100 % done"\n')
  common = [
    ...['-s', 'dir', '--force', '--name', 'thing', '--version', '1.2~test', '--architecture', 'amd64'],
    ...[
      '--maintainer',
      'Thing <thing@localhost>',
      '--vendor',
      'Thing',
      '--url',
      'file:///opt/thing',
      '--license',
      'MIT',
    ],
    ...[
      '--description',
      'A thing\n It has a second line.\n\n And a third.',
      `--after-install=${join(folder, 'after.sh')}`,
    ],
    ...[`${tree}/=/`, `${join(folder, 'one file')}=/usr/share/thing/renamed`],
  ]
})
afterAll(() => rm(folder, { recursive: true }))

function make(...args: string[]): { status: number | null; stderr: string } {
  // 2001-09-09T01:46:40Z
  const env = { ...process.env, SOURCE_DATE_EPOCH: '1000000000' }
  const { status, stderr } = spawnSync(process.execPath, [standIn, ...common, ...args], { encoding: 'utf8', env })
  return { status, stderr }
}

function ask(context: TestContext, program: string, ...args: string[]): string {
  const { stdout, stderr, status, error } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
  })
  if (error) context.skip(`${program} is not installed here`)
  expect([status, stderr]).toEqual([0, ''])
  return stdout.trimEnd()
}

describe('a deb', () => {
  test('has its fields, its sums, and root’s files with their modes', (context) => {
    ask(context, 'dpkg-deb', '--version')
    const deb = join(folder, 'thing.deb')
    const depends = ['-d', 'libc6 (>= 2.28)', '-d', 'one | other', '--deb-recommends', 'more']
    expect(make('-t', 'deb', ...depends, '--deb-compression', 'gz', '--package', deb)).toEqual({
      status: 0,
      stderr: '',
    })
    const fields = ask(context, 'dpkg-deb', '-f', deb)
    expect(fields.split('\n')).toEqual([
      'Package: thing',
      'Version: 1.2~test',
      'License: MIT',
      'Vendor: Thing',
      'Architecture: amd64',
      'Maintainer: Thing <thing@localhost>',
      // 3,000 bytes are 3 KiB, three small files 1 each, nine folders 1 each, a link 1.
      expect.stringMatching(/^Installed-Size: \d+$/),
      'Depends: libc6 (>= 2.28), one | other',
      'Recommends: more',
      'Section: default',
      'Priority: optional',
      'Homepage: file:///opt/thing',
      'Description: A thing',
      ' It has a second line.',
      ' .',
      ' And a third.',
    ])
    const files = ask(context, 'dpkg-deb', '-c', deb).split('\n')
    const seen = files.map((line) => line.replace(/ +\d+ (\d{4}-\d{2}-\d{2}) \d{2}:\d{2} /, ' $1 '))
    expect(seen.sort()).toEqual(
      [
        ...['./', './etc/', './etc/thing/', './opt/', './opt/thing/', './usr/', './usr/bin/', './usr/share/'],
        './usr/share/thing/',
      ]
        .map((path) => `drwxr-xr-x root/root 2001-09-09 ${path}`)
        .concat(
          '-rw-r--r-- root/root 2001-09-09 ./etc/thing/thing.conf',
          '-rwsr-xr-x root/root 2001-09-09 ./opt/thing/helper',
          '-rw------- root/root 2001-09-09 ./opt/thing/data',
          'lrwxrwxrwx root/root 2001-09-09 ./usr/bin/thing -> /opt/thing/helper',
          '-rw-r--r-- root/root 2001-09-09 ./usr/share/thing/renamed',
        )
        .sort(),
    )
    const information = (name: string): string => ask(context, 'dpkg-deb', '--info', deb, name)
    expect(information('conffiles')).toBe('/etc/thing/thing.conf')
    // What md5sum says of it.
    expect(information('md5sums')).toContain('ad0d5d7635b5b5f82b336faa3b306288  usr/share/thing/renamed')
    expect(information('md5sums').split('\n')).toHaveLength(4)
    expect(information('postinst')).toBe('#!/bin/sh\necho "100 % done"')
  })

  test('made twice is the same to the byte', async (context) => {
    ask(context, 'dpkg-deb', '--version')
    const made = ['one.deb', 'two.deb'].map((name) => join(folder, name))
    for (const deb of made) expect(make('-t', 'deb', '--deb-compression', 'xz', '--package', deb).status).toBe(0)
    const [one, two] = await Promise.all(made.map((deb) => readFile(deb)))
    expect(one?.equals(two ?? Buffer.alloc(0))).toBe(true)
  })

  test('names no configuration files when it is told so', (context) => {
    ask(context, 'dpkg-deb', '--version')
    const deb = join(folder, 'none.deb')
    expect(make('-t', 'deb', '--deb-no-default-config-files', '--package', deb).status).toBe(0)
    expect(spawnSync('dpkg-deb', ['--info', deb, 'conffiles']).status).not.toBe(0)
  })
})

test('an rpm has its fields, its script and root’s files, and asks for what it is told alone', async (context) => {
  ask(context, 'rpmbuild', '--version')
  const rpms = ['one.rpm', 'two.rpm'].map((name) => join(folder, name))
  const options = [
    '-d',
    'libc6 (>= 2.28)',
    '-d',
    'libgtk-3.so.0()(64bit)',
    '-d',
    '(one or other)',
    '--rpm-compression',
    'gzip',
  ]
  const owned = [
    '--directories',
    '/opt/thing',
    '--config-files',
    '/etc/thing',
    '--rpm-rpmbuild-define',
    '_build_id_links none',
  ]
  for (const rpm of rpms)
    expect(make('-t', 'rpm', ...options, ...owned, '--package', rpm)).toEqual({ status: 0, stderr: '' })
  const [rpm = ''] = rpms
  const query = (...args: string[]): string => ask(context, 'rpm', '-qp', ...args, rpm)
  expect(query('--queryformat', '%{NAME} %{VERSION} %{RELEASE} %{ARCH} %{LICENSE} %{URL}')).toBe(
    'thing 1.2~test 1 x86_64 MIT file:///opt/thing',
  )
  const asked = query('--requires').split('\n')
  expect(asked.filter((one) => !one.startsWith('rpmlib(')).sort()).toEqual(
    ['(one or other)', '/bin/sh', 'libc6 >= 2.28', 'libgtk-3.so.0()(64bit)'].sort(),
  )
  expect(query('--scripts')).toContain('echo "100 % done"')
  expect(query('--configfiles')).toBe('/etc/thing/thing.conf')
  expect(
    query('--queryformat', '[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\n]').trim().split('\n'),
  ).toEqual([
    '-rw-r--r-- root root /etc/thing/thing.conf',
    'drwxr-xr-x root root /opt/thing',
    '-rw------- root root /opt/thing/data',
    '-rwsr-xr-x root root /opt/thing/helper',
    'lrwxrwxrwx root root /usr/bin/thing',
    '-rw-r--r-- root root /usr/share/thing/renamed',
  ])
  const [one, two] = await Promise.all(rpms.map((file) => readFile(file)))
  expect(one?.equals(two ?? Buffer.alloc(0)), 'made twice it is the same to the byte').toBe(true)
})

const refused: Readonly<Record<string, { args: string[]; said: string }>> = {
  'an option it does not know': {
    args: ['-t', 'deb', '--deb-systemd', 'x'],
    said: '"--deb-systemd" is an option of fpm',
  },
  'a short option it does not know': { args: ['-t', 'deb', '-x'], said: '"-x" is an option of fpm' },
  'an option without its value': { args: ['-t', 'deb', '--package'], said: '"--package" has no value' },
  'another kind of package': {
    args: ['-t', 'pacman', '--package', 'x'],
    said: '"-t" must be deb or rpm, not "pacman"',
  },
  'another kind of source': { args: ['-t', 'deb', '-s', 'gem'], said: '"-s" must be dir, not "gem"' },
  'no name for the package’s file': { args: ['-t', 'deb'], said: '"--package" is missing' },
  'a value of two lines': {
    args: ['-t', 'deb', '--package', 'x', '--url', 'a\nDepends: b'],
    said: '"--url" must be one line',
  },
  'a source without a place': { args: ['-t', 'deb', 'tree'], said: '"tree" is not of the form FROM=/TO' },
  'a place that is not whole': { args: ['-t', 'deb', 'tree=opt'], said: '"tree=opt" is not of the form FROM=/TO' },
}

test.for(Object.entries(refused))('%s is refused', ([, { args, said }]) => {
  expect(() => judgeArguments([...common, ...args])).toThrow(said)
})

test('a compression there is not ends it with a word why, and leaves nothing', async () => {
  const deb = join(folder, 'made', 'no.deb')
  const said = 'fpm-stand-in: "--deb-compression" must be one of gz, xz, zst, none\n'
  expect(make('-t', 'deb', '--deb-compression', 'lzo', '--package', deb)).toEqual({ status: 1, stderr: said })
  expect(await readdir(join(folder, 'made'))).toEqual([])
})
