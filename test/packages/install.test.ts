import { afterAll, expect, test } from 'vitest'
import { bringIn, deb, install, keep, ours, packageFile, place, sharedDebian } from './stage.ts'

/** A Debian 12 with nothing but what Debian calls minimal, and the deb. Later tests go on where earlier ones have left it. */
let before: string[] = []
let transcript = ''
const debian = sharedDebian('clean', async (machine, context) => {
  const file = await bringIn(machine, await packageFile(context, 'newer', deb))
  // What the cached root knows of the archive may be days old.
  await machine.demand(['apt-get', 'update', '-qq'])
  before = await machine.files()
  const { status, stdout } = await install(machine, file)
  transcript = stdout
  await keep('install.txt', transcript)
  if (status !== 0) throw new Error(`apt-get install ended with ${status}: ${transcript}`)
})
afterAll(() => debian.close())

test('apt installs it with what it needs from Debian, and asks nothing though nobody said it should not', async (context) => {
  const machine = await debian.open(context)
  expect(transcript).toMatch(/^Setting up sg-session \(0\.0\.9~test\)/m)
  expect(transcript).toMatch(/^Setting up libgtk-3-0/m)
  expect(transcript).not.toMatch(/\?\s*$|\[[yY]\/[nN]\]|Configuring sg-session|dpkg: warning|dpkg: error/m)
  expect(await machine.demand(['dpkg', '--audit'])).toBe('')
  expect(await machine.demand(['dpkg', '--verify', 'sg-session'])).toBe('')
  const asked = await machine.run(['grep', '-c', 'sg-session', '/var/cache/debconf/config.dat'])
  expect(asked.stdout.trim()).toBe('0')
})

test('every file of it belongs to root, none can be written by others, and one alone may become root', async (context) => {
  const machine = await debian.open(context)
  const names = (await machine.demand(['dpkg-query', '-L', 'sg-session'])).split('\n').filter(Boolean)
  const lines = await machine.demand(['stat', '--format', '%U:%G %a %F %n', ...names])
  await keep('files.txt', lines)
  const files = lines.split('\n').filter(Boolean)
  expect(files.length).toBeGreaterThan(50)
  for (const line of files) expect(line).toMatch(/^root:root /)
  const writable = files.filter((line) => !line.includes('symbolic link') && /^\S+ \d*([2367]\d|\d[2367]) /.test(line))
  expect(writable).toEqual([])
  const special = files.filter((line) => /^\S+ [1-7]\d{3} /.test(line))
  expect(special).toEqual([`root:root 4755 regular file ${place}/chrome-sandbox`])
  // Also what the scripts have made.
  const odd = await machine.demand([
    'find',
    place,
    '/etc/sg-session',
    '!',
    '-user',
    'root',
    '-o',
    '-perm',
    '/022',
    '!',
    '-type',
    'l',
  ])
  expect(odd).toBe('')
})

test('what IT and tools look for is where it is said to be', async (context) => {
  const machine = await debian.open(context)
  const wanted = [
    `${place}/sg-session-app`,
    `${place}/bin/sg-session`,
    `${place}/python/sg_session/__init__.py`,
    `${place}/share/policy.schema.json`,
    '/usr/bin/sg-session',
    '/usr/share/applications/sg-session.desktop',
    '/usr/share/icons/hicolor/scalable/apps/sg-session-app.svg',
    '/usr/share/metainfo/org.sg-session.app.metainfo.xml',
    '/usr/share/man/man1/sg-session.1.gz',
    '/etc/xdg/autostart/sg-session.desktop',
    '/etc/sg-session/policy.json.example',
  ]
  const missing = []
  for (const file of wanted) if ((await machine.run(['test', '-s', file])).status !== 0) missing.push(file)
  expect(missing).toEqual([])
  expect((await machine.demand(['readlink', '/usr/bin/sg-session'])).trim()).toMatch(
    /^(\/opt|\.\.\/\.\.\/opt)\/sg-session\/bin\/sg-session$/,
  )
})

test('no policy is there that nobody has asked for, and the example is one', async (context) => {
  const machine = await debian.open(context)
  expect((await machine.run(['test', '-e', '/etc/sg-session/policy.json'])).status).toBe(1)
  expect(JSON.parse(await machine.demand(['cat', '/etc/sg-session/policy.json.example']))).toHaveProperty('locked')
})

test('the command line is one program that runs where no Node is', async (context) => {
  const machine = await debian.open(context)
  expect((await machine.run(['sh', '-c', 'command -v node nodejs npm'])).status).not.toBe(0)
  expect(await machine.demand(['sg-session', '--version'])).toMatch(/^0\.0\.9/)
  const artist = await machine.addUser('artist')
  const { status, stdout } = await machine.run(['sg-session', 'get', '--json'], { user: artist })
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'agent_not_running' } })
  expect(status).toBe(33)
  const startedAt = performance.now()
  for (let run = 0; run < 5; run += 1) await machine.demand(['sg-session', '--version'], { user: artist })
  process.stdout.write(
    `sg-session --version: ${Math.round((performance.now() - startedAt) / 5)} ms each, with entering the root\n`,
  )
})

test('purged, none of its files is left; what came from Debian with it goes with apt-get autoremove', async (context) => {
  const machine = await debian.open(context)
  const { status, stdout } = await machine.run(['sh', '-c', 'exec apt-get purge -y sg-session <&- 2>&1'])
  await keep('purge.txt', stdout)
  expect(status, stdout).toBe(0)
  const left = (await machine.files()).filter((line) => /sg.?session/i.test(line) && !before.includes(line))
  expect(left).toEqual([])
  expect(await ours(machine)).toEqual([])
  expect(await machine.demand(['apt-get', 'autoremove', '--purge', '--simulate'])).toMatch(/^(Remv|Purg) libgtk-3-0 /m)
})
