import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { bringIn, deb, importClient, keep, ours, packageFile, place, sharedDebian } from './stage.ts'

const run = promisify(execFile)
const rpmPackage = /^sg-session.*\.rpm$/
/** An rpm in a root that is not its own: Debian has the program, and none of the packages it could ask for. */
let file = ''
let before: string[] = []
const debian = sharedDebian('workstation', async (machine, context) => {
  file = await bringIn(machine, await packageFile(context, 'newer', rpmPackage))
  // The database of rpm is made when it is first asked.
  await machine.demand(['rpm', '--initdb'])
  // Systems of rpm have it from their beginning.
  await machine.demand(['mkdir', '-p', '/usr/share/metainfo'])
  before = await machine.files()
})
afterAll(() => debian.close())

test('the rpm says what it is, what it needs and what it runs', async (context) => {
  const machine = await debian.open(context)
  const query = (...how: string[]): Promise<string> => machine.demand(['rpm', '-qp', ...how, file])
  await keep('rpm.txt', await query('-i', '-R', '--scripts'))
  expect(await query('--qf', '%{NAME} %{VERSION} %{ARCH} %{LICENSE}')).toBe('sg-session 0.0.9~test x86_64 Apache-2.0')
  const needs = (await query('-R')).split('\n')
  for (const library of ['libgtk-3.so.0()(64bit)', 'libnss3.so()(64bit)', 'libgbm.so.1()(64bit)', 'xdg-utils'])
    expect(needs).toContain(library)
  const scripts = await query('--scripts')
  for (const kind of ['postinstall', 'preuninstall', 'postuninstall'])
    expect(scripts).toMatch(new RegExp(`^${kind} scriptlet`, 'm'))
})

test('its files are root’s, none can be written by others, and they are those of the deb', async (context) => {
  const machine = await debian.open(context)
  const form = '[%{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEMODES:perms} %{FILENAMES}\n]'
  const files = (await machine.demand(['rpm', '-qp', '--qf', form, file])).split('\n').filter(Boolean)
  await keep('rpm-files.txt', files.join('\n'))
  for (const line of files) {
    expect(line).toMatch(/^root:root /)
    if (!line.includes(' l')) expect(line, line).not.toMatch(/ .(.{4}w.{4}|.{7}w.) /)
  }
  expect(files.filter((line) => /^\S+ \S*s/.test(line))).toEqual([`root:root -rwsr-xr-x ${place}/chrome-sandbox`])
  const { stdout } = await run('dpkg-deb', ['--fsys-tarfile', await packageFile(context, 'newer', deb)], {
    encoding: 'buffer',
    maxBuffer: 1 << 30,
  })
  const listing = run('tar', ['-tf', '-'], { maxBuffer: 1 << 24 })
  listing.child.stdin?.end(stdout)
  const ofDeb = (await listing).stdout
    .split('\n')
    .flatMap((name) => (name.endsWith('/') ? [] : name.replace(/^\./, '') || []))
  const ofRpm = files.filter((line) => !/^\S+ d/.test(line)).map((line) => line.replace(/^\S+ \S+ /, ''))
  const inDebAlone = ofDeb.filter((name) => !ofRpm.includes(name) && !name.startsWith('/usr/share/doc/'))
  const inRpmAlone = ofRpm.filter((name) => !ofDeb.includes(name))
  expect({ inDebAlone, inRpmAlone }).toEqual({ inDebAlone: [], inRpmAlone: [] })
})

test('it installs with its scripts and IT’s options, runs, and is what it was when rpm looks again', async (context) => {
  const machine = await debian.open(context)
  const env = {
    SG_SESSION_SITE: 'https://studio.example',
    SG_SESSION_BROKER: 'https://broker.studio.example',
    SG_SESSION_CLIENT_ID: 'studio-client',
  }
  await machine.demand(['rpm', '-i', '--nodeps', file], { env })
  expect(await machine.demand(['sg-session', '--version'])).toMatch(/^0\.0\.9/)
  expect(await machine.demand(['rpm', '-V', '--nodeps', 'sg-session'])).toBe('')
  const policy: unknown = JSON.parse(await machine.demand(['cat', '/etc/sg-session/policy.json']))
  expect(policy).toMatchObject({ locked: { sites: [{ url: 'https://studio.example' }] } })
})

test('a newer one takes the place of an older, which takes nothing of it along', async (context) => {
  const machine = await debian.open(context)
  await machine.demand(['rpm', '-e', 'sg-session'])
  const older = await bringIn(machine, await packageFile(context, 'older', rpmPackage))
  await machine.demand(['rpm', '-i', '--nodeps', older], { env: { SG_SESSION_SITE: 'https://studio.example' } })
  expect(await machine.demand(['sg-session', '--version'])).toMatch(/^0\.0\.8/)
  await machine.demand(['rpm', '-U', '--nodeps', file])
  expect(await machine.demand(['sg-session', '--version'])).toMatch(/^0\.0\.9/)
  expect(await machine.demand(['rpm', '-V', '--nodeps', 'sg-session'])).toBe('')
  expect(await machine.demand(['cat', '/etc/sg-session/policy.json'])).toContain('https://studio.example')
})

test('removed, it leaves nothing, nor what root’s Python compiled of it', async (context) => {
  const machine = await debian.open(context)
  await machine.demand(importClient)
  await machine.demand(['rpm', '-e', 'sg-session'])
  const left = (await machine.files()).filter((line) => !before.includes(line))
  await keep('rpm-left.txt', left.length === 0 ? 'none\n' : left.join('\n'))
  expect(left).toEqual([])
  expect(await ours(machine)).toEqual([])
})
