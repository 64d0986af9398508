import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, expect, test } from 'vitest'
import type { Running } from '../sandbox/processes.ts'
import type { Machine } from './machine.ts'
import { bringIn, deb, install, keep, mainProcess, ours, packageFile, quit, sharedDebian } from './stage.ts'
import { openStudioIn, type StudioInRoot } from './studio-in-root.ts'

/** A workstation with the older build, on which an artist works while IT rolls out the newer one, and the older one again. */
let studio: StudioInRoot
let newer = ''
let older = ''
let working: Running
const debian = sharedDebian('workstation', async (machine, context) => {
  studio = await openStudioIn(machine)
  older = await bringIn(machine, await packageFile(context, 'older', deb))
  newer = await bringIn(machine, await packageFile(context, 'newer', deb))
})
afterAll(async () => {
  await debian.close()
  await studio?.close()
})

const state = '/home/artist/.local/state/sg-session/state'
const settings = '/home/artist/.config/sg-session/settings.json'

/** A tool that asks for the session again and again, and writes down every answer. */
const tool = `import sys, time, sg_session
while True:
    try:
        print("ok", sg_session.get_session(timeout=20).login, flush=True)
    except Exception as error:
        print("failed", type(error).__name__, error, flush=True)
    time.sleep(0.2)
`

async function answersOf(running: Running, more: number): Promise<string[]> {
  const lines = (): string[] => running.stdout().split('\n').slice(0, -1)
  const wanted = lines().length + more
  await expect.poll(() => lines().length, { timeout: 60_000 }).toBeGreaterThanOrEqual(wanted)
  return lines()
}

async function agentNow(): Promise<{ version: string; pid: number }> {
  const { stdout } = await studio.sgSession('status', '--json')
  return (JSON.parse(stdout) as { agent: { version: string; pid: number } }).agent
}

const allowed = async (): Promise<unknown> =>
  (JSON.parse((await studio.sgSession('tools', 'list', '--json')).stdout) as { allowed: { id: string }[] }).allowed.map(
    ({ id }) => id,
  )

test('what IT told wrong is named, and nothing is half configured; told right, the same package is set up', async (context) => {
  const machine = await debian.open(context)
  const wrong = await install(machine, older, { ...studio.options, SG_SESSION_CONSENT: 'perhaps' })
  expect(wrong.status).not.toBe(0)
  expect(wrong.stdout).toMatch(/consent/)
  expect(wrong.stdout).toContain('without the policy that was asked for')
  expect((await machine.run(['test', '-e', '/etc/sg-session/policy.json'])).status).toBe(1)
  const right = await install(machine, older, { ...studio.options, SG_SESSION_CONSENT: 'prompt' })
  await keep('install-older.txt', right.stdout)
  expect(right.status, right.stdout).toBe(0)
  expect(await machine.demand(['cat', '/etc/sg-session/policy.json'])).toContain('"prompt"')
})

test('an artist works with the older build: signed in, with a tool allowed', async (context) => {
  const machine = await debian.open(context)
  const { user, env } = studio.login
  await writeFile(machine.outside('/home/artist/tool.py'), tool)
  await studio.login.startApp('--autostart')
  await studio.signIn()
  const python = (await machine.demand(['readlink', '-f', '/usr/bin/python3'])).trim()
  const allow = await studio.sgSession('tools', 'allow', python, '--script', '/home/artist/tool.py', '--yes', '--json')
  expect(allow.status, allow.stdout).toBe(0)
  working = machine.start(['python3', '/home/artist/tool.py'], {
    user,
    env: { ...env, PYTHONPATH: '/opt/sg-session/python' },
  })
  const answers = await answersOf(working, 3)
  expect(new Set(answers)).toEqual(new Set(['ok artist@studio.example']))
  expect(await agentNow()).toMatchObject({ version: expect.stringMatching(/^0\.0\.8/) })
})

test('the upgrade asks nothing, the tool notices nothing, and what was allowed and set is kept', async (context) => {
  const machine = await debian.open(context)
  const before = { allowed: await allowed(), settings: await readFile(machine.outside(settings), 'utf8') }
  const policyBefore = await machine.demand(['cat', '/etc/sg-session/policy.json'])
  const { status, stdout } = await install(machine, newer)
  await keep('upgrade.txt', stdout)
  expect(status, stdout).toBe(0)
  const answers = await answersOf(working, 20)
  expect(new Set(answers)).toEqual(new Set(['ok artist@studio.example']))
  expect(await allowed()).toEqual(before.allowed)
  expect(await readFile(machine.outside(settings), 'utf8')).toBe(before.settings)
  expect(await machine.demand(['cat', '/etc/sg-session/policy.json'])).toBe(policyBefore)
})

test('the old agent has handed over to the new one, which is the only one', async (context) => {
  const machine = await debian.open(context)
  await expect.poll(async () => (await agentNow()).version, { timeout: 90_000, interval: 500 }).toMatch(/^0\.0\.9/)
  const answers = await answersOf(working, 10)
  expect(new Set(answers)).toEqual(new Set(['ok artist@studio.example']))
  await expect.poll(async () => (await ours(machine)).filter(isMain).length, { timeout: 30_000 }).toBe(1)
  expect((await ours(machine)).filter(({ executable }) => executable.includes('(deleted)'))).toEqual([])
})

const isMain = ({ executable, arguments: args }: { executable: string; arguments: readonly string[] }): boolean =>
  executable.includes('sg-session-app') && !args.some((one) => one.startsWith('--type='))

test('the older build again is refused by apt, until somebody insists', async (context) => {
  const machine = await debian.open(context)
  const refused = await install(machine, older)
  expect(refused.status).toBe(100)
  expect(refused.stdout).toContain('--allow-downgrades')
  expect(await machine.demand(['dpkg-query', '-W', 'sg-session'])).toBe('sg-session\t0.0.9~test\n')
  await quit(machine, await mainProcess(machine, studio.login.user))
  const insisted = await install(machine, older, {}, '--allow-downgrades')
  await keep('downgrade.txt', insisted.stdout)
  expect(insisted.status, insisted.stdout).toBe(0)
})

test('after a downgrade what a newer version wrote is left as it is, and said', async (context) => {
  const machine = await debian.open(context)
  for (const { pid, executable } of await machine.processes()) if (executable.includes('/python3')) process.kill(pid)
  await working.ended
  const file = `${state}/tools.json`
  const written = JSON.stringify({ format: 99, content: { anything: ['a newer version', 'means'] } })
  await asArtist(machine, file, written)
  await studio.login.startApp('--autostart')
  expect(await allowed()).toEqual([])
  const python = (await machine.demand(['readlink', '-f', '/usr/bin/python3'])).trim()
  const kept = await studio.sgSession('tools', 'allow', python, '--script', '/home/artist/tool.py', '--yes', '--json')
  // For as long as this agent runs.
  expect(kept.status, kept.stdout).toBe(0)
  expect(await readFile(machine.outside(file), 'utf8')).toBe(written)
  const log = await machine.demand(['cat', '/home/artist/.local/state/sg-session/sg-session.log'])
  expect(log).toMatch(/tools\.json: a newer sg-session wrote it \(format 99, this one knows 1\); it stays as it is/)
  await quit(machine, await mainProcess(machine, studio.login.user))
})

test('and a setting that only a newer version knows is named, with what to do', async (context) => {
  const machine = await debian.open(context)
  await asArtist(machine, settings, JSON.stringify({ ...studio.settings, session: { colourOfTomorrow: 'blue' } }))
  const { status, stdout } = await studio.sgSession('agent', '--json')
  expect(status).toBe(71)
  expect(JSON.parse(stdout).error).toMatchObject({
    message: expect.stringContaining('"session.colourOfTomorrow" is not a key sg-session knows'),
    advice: expect.stringMatching(/newer sg-session than 0\.0\.8/),
  })
  await asArtist(machine, settings, JSON.stringify(studio.settings))
})

async function asArtist(machine: Machine, file: string, text: string): Promise<void> {
  await writeFile(machine.outside(file), text)
  await machine.demand(['chown', 'artist:artist', file])
}

test('root erases for everybody, each by their own rights, and follows no link out of a home', async (context) => {
  const machine = await debian.open(context)
  const second = await machine.addUser('second')
  // Somebody who would like root to remove another's files.
  await machine.demand(['install', '-d', '-o', 'root', '-m', '755', '/srv/film'])
  await machine.demand(['sh', '-c', 'for name in tools.json audit.jsonl; do echo x >/srv/film/$name; done'])
  await machine.demand(['mkdir', '-p', `${second.home}/.local/state/sg-session`], { user: second })
  await machine.demand(['ln', '-s', '/srv/film', `${second.home}/.local/state/sg-session/state`], { user: second })
  const { status, stdout } = await machine.run(['sg-session', 'erase', '--all-users', '--yes', '--json'])
  await keep('erase-all-users.txt', stdout)
  const lines = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { user: string; removed: string[]; left: { what: string; why: string }[] })
  const [artist, other] = ['artist', 'second'].map((name) => lines.find(({ user }) => user === name))
  expect(artist?.removed).toContain(settings)
  expect(artist?.left).toEqual([])
  expect(other?.left).toEqual([
    { what: `${second.home}/.local/state/sg-session/state`, why: 'is a link, which sg-session never makes' },
  ])
  expect(status).toBe(3)
  expect(await machine.demand(['ls', '/srv/film'])).toBe('audit.jsonl\ntools.json\n')
})
