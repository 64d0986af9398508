import { generateKeyPairSync } from 'node:crypto'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AgentClient } from '../../../src/client/node/agent-client.ts'
import { readEndpointFile } from '../../../src/socket/endpoint-file.ts'
import { version as runningVersion } from '../../../src/version.ts'
import { type Desktop, startDesktop } from '../../sandbox/desktop/desktop.ts'
import { finished, type Running, startProcess } from '../../sandbox/processes.ts'
import { setScene } from '../scene.ts'
import { asRoot, demandElectron } from './app-stage.ts'
import { artefactName, startUpdateFeed, type UpdateFeed } from './update-feed.ts'

const root = resolve(import.meta.dirname, '..', '..', '..')
const bundle = join(root, 'out', 'app')
const newVersion = '99.1.2'
const newestVersion = '99.1.3'
const isRoot = process.getuid?.() === 0

let folder: string
let feed: UpdateFeed
let desktop: Desktop
const closing: (() => unknown)[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-update-'))
  feed = await startUpdateFeed(join(folder, 'feed'))
  desktop = await startDesktop({ notifications: false, screenSaver: false, power: false })
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await desktop.stop()
  await feed.close()
  await rm(folder, { recursive: true, force: true })
})

/** Electron where the runtime of an AppImage mounts it: what the app believes is a folder of such a name. */
async function mounted(electron: string): Promise<string> {
  const mount = join(folder, '.mount_sg-session')
  const linked = await finished(
    startProcess('cp', ['-al', dirname(electron), mount], { PATH: process.env['PATH'] ?? '' }),
  )
  if (linked.status !== 0) await cp(dirname(electron), mount, { recursive: true, preserveTimestamps: true })
  return join(mount, basename(electron))
}

/** What stands in for an AppImage: a program in one file, which says where it is mounted and starts what is in it. */
function appImage(electron: string, app: string): string {
  const args = [...asRoot, app, '--allow-insecure-loopback'].map((argument) => `'${argument}'`).join(' ')
  return `#!/bin/sh\nAPPIMAGE="$(readlink -f "$0")" APPDIR='${dirname(electron)}' exec '${electron}' ${args} "$@"\n`
}

/** The bundled app as a release of another version has it. */
async function releasedApp(version: string): Promise<string> {
  const app = join(folder, `app-${version}`)
  await cp(bundle, join(app, 'out', 'app'), { recursive: true })
  await writeFile(
    join(app, 'package.json'),
    JSON.stringify({ name: 'sg-session', version, type: 'module', main: 'out/app/main.js' }),
  )
  let replaced = 0
  for (const name of await readdir(join(app, 'out', 'app'))) {
    if (!name.endsWith('.js')) continue
    const file = join(app, 'out', 'app', name)
    const text = await readFile(file, 'utf8')
    const changed = text.replace(`version = "${runningVersion}"`, `version = "${version}"`)
    if (changed === text) continue
    replaced += 1
    await writeFile(file, changed)
  }
  expect(replaced).toBe(1)
  return app
}

/** As IT has it in /etc, for the program and what it starts alone. */
async function underPolicy(update: Record<string, unknown>): Promise<string[]> {
  const policy = join(folder, 'policy.json')
  await writeFile(policy, JSON.stringify({ locked: { update } }), { mode: 0o644 })
  const etc = join(folder, 'etc')
  const steps = [
    `mkdir -m 755 '${etc}' && cp -a /etc/. '${etc}'`,
    `mkdir -p -m 755 '${etc}/sg-session' && cp '${policy}' '${etc}/sg-session/policy.json'`,
    `mount --bind '${etc}' /etc`,
  ]
  return ['unshare', '--mount', 'sh', '-c', `set -e; ${steps.join('; ')}; exec "$@"`, 'sh']
}

describe('a newer version', () => {
  test('takes over while somebody is signed in, who stays so; one that others could have put there waits until nobody is', async (context) => {
    const electron = await mounted(demandElectron(context))
    if (!isRoot) context.skip('only root may put a policy where it counts')
    const scene = await setScene()
    closing.push(() => scene.close())
    const { studio } = scene
    const program = join(folder, 'Applications', 'sg-session.AppImage')
    await mkdir(dirname(program), { mode: 0o755 })
    await writeFile(program, appImage(electron, root))
    await chmod(program, 0o755)
    const next = appImage(electron, await releasedApp(newVersion))
    await feed.offer('', { version: newVersion, content: next })
    // Each version looks once, when it starts.
    const looks = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let asked = 0
    feed.answer('/latest-linux.yml', async (response) => {
      await looks[asked++]?.promise
      response.end(await readFile(join(folder, 'feed', 'latest-linux.yml')))
    })

    const wrapper = await underPolicy({ enabled: true, feedUrl: feed.address, publicKey: feed.publicKey })
    const [command = '', ...args] = [...wrapper, program]
    const app: Running = startProcess(command, args, { ...studio.env, ...desktop.env })
    const endpointFiles = [join(studio.folder, 'run', 'sg-session', 'endpoint.json')]
    closing.push(async () => {
      const serving = await readEndpointFile(endpointFiles[0] ?? '').catch(() => undefined)
      if (serving && isAlive(serving.pid)) process.kill(serving.pid, 'SIGKILL')
      await app.stop()
    })
    await studio.startBroker()
    const old = await desktop.panel.item()
    await old.untilMenu((menu) => menu.some(({ label }) => label === 'Sign in…'), 'an app that has started')
    await scene.signIn()
    const client = new AgentClient({ endpointFiles, caller: { name: 'test', version: '1' } })
    closing.push(() => client.close())
    const before = await client.getSession()

    looks[0]?.resolve()
    await expect.poll(() => agentVersion(studio), { timeout: 30_000, interval: 200 }).toBe(newVersion)
    const { sessionToken, generation } = await client.getSession()
    expect({ sessionToken, generation }).toEqual({
      sessionToken: before.sessionToken,
      generation: before.generation,
    })
    expect(scene.identity.calls.get('token:authorization_code')).toBe(1)
    await expect.poll(() => isAlive(app.pid), { timeout: 10_000 }).toBe(false)
    expect(await readFile(program, 'utf8')).toBe(next)
    const item = await desktop.panel.item()

    // A group's folder: the file would be started, but not with a session in hand.
    await chmod(dirname(program), 0o775)
    const newest = appImage(electron, await releasedApp(newestVersion))
    await feed.offer('', { version: newestVersion, content: newest })
    looks[1]?.resolve()
    const waits = `Version ${newestVersion} is ready. It is put in place when you have signed out, or quit sg-session.`
    await item.untilMenu((menu) => menu.some(({ label }) => label === waits), 'that a newer version waits', 20_000)
    expect(await item.labels()).not.toContain('Restart now')
    expect(await readFile(program, 'utf8')).toBe(newest)
    expect(await agentVersion(studio)).toBe(newVersion)

    expect((await studio.sgSession('sign-out')).status).toBe(0)
    await expect.poll(() => agentVersion(studio), { timeout: 20_000, interval: 200 }).toBe(newestVersion)
    expect(await readdir(dirname(program))).toEqual(['sg-session.AppImage'])
    const last = await desktop.panel.item()
    await last.untilMenu((menu) => menu.some(({ label }) => label === 'Sign in…'), 'that the newest has started')
    // It may be gone before it answers.
    await last.click('Quit').catch(() => undefined)
    await last.untilGone()
    const left = await readdir(join(studio.folder, 'home'), { recursive: true })
    // Nothing that could tell one machine from another was drawn, or sent, and no download stays.
    expect(left.filter((path) => path.includes('.updaterId') || path.endsWith('.AppImage'))).toEqual([])
  })

  test('is nobody’s matter while updates are off, even where a feed is named', async (context) => {
    const electron = await mounted(demandElectron(context))
    if (!isRoot) context.skip('only root may put a policy where it counts')
    await feed.offer('', { version: newVersion, content: 'newer' })
    const wrapper = await underPolicy({ enabled: false, feedUrl: feed.address, publicKey: feed.publicKey })
    const program = join(folder, 'sg-session.AppImage')
    await writeFile(program, appImage(electron, root))
    await chmod(program, 0o755)
    const home = join(folder, 'home')
    await mkdir(home)
    const env = { PATH: process.env['PATH'] ?? '', HOME: home, XDG_RUNTIME_DIR: folder, ...desktop.env }
    const [command = '', ...args] = [...wrapper, program]
    const app = startProcess(command, args, env)
    closing.push(() => app.stop())
    const item = await desktop.panel.item()
    await item.untilMenu((menu) => menu.some(({ label }) => label === 'Set up…'), 'an app that has started')
    expect(await app.stop()).toBe(0)
    expect(feed.asked).toEqual([])
    expect(await readFile(program, 'utf8')).toBe(appImage(electron, root))
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function agentVersion(studio: { sgSession(...args: string[]): Promise<{ stdout: string }> }): Promise<unknown> {
  const { stdout } = await studio.sgSession('status', '--json')
  try {
    const { agent } = JSON.parse(stdout) as { agent?: { version?: string } }
    return agent?.version
  } catch {
    return undefined
  }
}

interface Look {
  readonly name: string
  readonly opened: boolean
  readonly ready?: string
  readonly logged: string[]
}

test('a feed is refused, each time with everything as it was, where it is not just as it should be', async (context) => {
  const electron = await mounted(demandElectron(context))
  const day = 24 * 3600_000
  const offer = { version: newVersion, content: 'a newer version' }
  const foreign = generateKeyPairSync('ed25519')
  const artefact = artefactName(newVersion)

  await feed.offer('good', offer)
  await rm(join(await feed.offer('unsigned', offer), 'latest-linux.yml.sig'))
  await feed.offer('wrong-key', { ...offer, key: foreign.privateKey })
  const changed = join(await feed.offer('changed', offer), 'latest-linux.yml')
  await writeFile(changed, (await readFile(changed, 'utf8')).replace(newVersion, '99.1.3'))
  await feed.offer('expired', { ...offer, days: 1, now: Date.now() - 2 * day })
  await feed.offer('downgrade', { ...offer, version: '0.0.1' })
  await feed.offer('staged', { ...offer, percentage: 0 })
  await feed.offer('pre-release', { ...offer, version: '99.1.2-beta.1' })
  await writeFile(join(await feed.offer('too-large', offer), 'latest-linux.yml'), ' '.repeat(65 * 1024))
  await writeFile(join(await feed.offer('other-bytes', offer), artefact), 'a newer verSion')
  await writeFile(join(await feed.offer('longer', offer), artefact), 'a newer version, and more')
  await feed.offer('endless', offer)
  feed.answer(`/endless/${artefact}`, (response) =>
    // Chromium looks at the first of it before it says that an answer is there.
    response.writeHead(200).write('a newer version'.repeat(1_000)),
  )
  await feed.offer('other-status', offer)
  feed.answer(`/other-status/${artefact}`, (response) =>
    response.writeHead(203, { 'content-length': 60 * 2 ** 20 }).end(Buffer.alloc(60 * 2 ** 20)),
  )
  await feed.offer('packed', offer)
  feed.answer(`/packed/${artefact}`, (response) =>
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': 15 }).end(Buffer.alloc(15)),
  )
  await feed.offer('silent', offer)
  feed.answer(`/silent/${artefact}`, () => undefined)
  await feed.offer('elsewhere', offer)
  const other = feed.address.replace('127.0.0.1', 'localhost')
  feed.answer(`/elsewhere/${artefact}`, (response) =>
    response.writeHead(302, { location: `${other}good/${artefact}` }).end(),
  )
  await feed.offer('redirected', offer)
  feed.answer('/redirected/latest-linux.yml', (response) =>
    response.writeHead(302, { location: `${feed.address}good/latest-linux.yml` }).end(),
  )

  const names = [
    ...['unsigned', 'wrong-key', 'changed', 'expired', 'downgrade', 'staged', 'pre-release', 'too-large'],
    ...['other-bytes', 'longer', 'endless', 'other-status', 'packed', 'elsewhere', 'redirected', 'nothing-there'],
  ]
  const looks = [
    { name: 'off', feedUrl: `${feed.address}off/`, enabled: false },
    { name: 'good', feedUrl: `${feed.address}good/` },
    ...names.map((name) => ({ name, feedUrl: `${feed.address}${name}/` })),
    { name: 'silent', feedUrl: `${feed.address}silent/`, endsAfterMs: 300 },
  ]
  const found = new Map((await lookAt(electron, looks)).map((look) => [look.name, look]))

  expect(feed.asked.filter((path) => path.startsWith('/off/'))).toEqual([])
  expect(found.get('off')).toMatchObject({ opened: false, logged: [] })
  expect(found.get('good')).toMatchObject({ ready: newVersion })
  const said = async (name: string): Promise<string> => {
    expect(found.get(name), name).toMatchObject({ opened: true })
    expect(found.get(name)?.ready, name).toBeUndefined()
    return lastLookOf(name)
  }
  expect(await said('unsigned')).toBe('refused unsigned: there is no "latest-linux.yml.sig"')
  expect(await said('wrong-key')).toContain('refused wrong_signature')
  expect(await said('changed')).toContain('refused wrong_signature')
  expect(await said('expired')).toContain('refused expired')
  expect(await said('downgrade')).toBe('none it has 0.0.1 only')
  expect(await said('staged')).toBe(`none ${newVersion} is not for this machine yet`)
  expect(await said('pre-release')).toContain('refused pre_release')
  expect(await said('too-large')).toContain('refused too_large')
  expect(await said('other-bytes')).toBe(`refused ${newVersion}: its SHA-512 is another`)
  expect(await said('longer')).toBe(`refused ${newVersion}: its size is 25, not 15`)
  expect(await said('endless')).toBe(`refused ${newVersion}: its size is not said, not 15`)
  expect(await said('other-status')).toBe(`refused ${newVersion}: it comes with status 203`)
  expect(await said('packed')).toBe(`refused ${newVersion}: it comes packed, as gzip`)
  expect(await said('elsewhere')).toBe(`refused ${newVersion}: it is somewhere else`)
  expect(await said('redirected')).toContain('unreachable')
  expect(await said('nothing-there')).toContain('unreachable')
  // A download that hangs does not outlive the app.
  expect(await said('silent')).toBe(`update ${newVersion} is there`)
  // Trouble on the way is no warning; whatever the feed did wrong is.
  const warned = names.filter((name) => found.get(name)?.logged.some((line) => line.startsWith('warn')))
  const harmless = ['downgrade', 'staged', 'redirected', 'nothing-there']
  expect(warned).toEqual(names.filter((name) => !harmless.includes(name)))

  // The same machine, and a day later an older release, signed as it was then.
  await feed.offer('good', { ...offer, version: '98.0.0', now: Date.now() - day })
  const [replayed] = await lookAt(electron, [{ name: 'good', feedUrl: `${feed.address}good/` }])
  expect(replayed?.ready).toBeUndefined()
  expect(await lastLookOf('good')).toContain('refused replayed')
})

/** What is kept of the last look, of those that were made under a name. */
async function lastLookOf(name: string): Promise<string> {
  const record = await readFile(join(folder, 'state', name, 'updates.json'), 'utf8')
  const { content } = JSON.parse(record) as { content: { lastLook: { kind: string; detail: string } } }
  return `${content.lastLook.kind} ${content.lastLook.detail}`
}

async function lookAt(electron: string, looks: readonly object[]): Promise<Look[]> {
  const env = {
    ...{ PATH: process.env['PATH'] ?? '', HOME: folder, ...desktop.env },
    ...{ APPIMAGE: join(folder, 'sg-session.AppImage'), APPDIR: dirname(electron) },
    UPDATE_LOOKS: JSON.stringify({ bundle, folder: join(folder, 'state'), publicKey: feed.publicKey, looks }),
  }
  await writeFile(env.APPIMAGE, 'the version that runs')
  const looker = join(import.meta.dirname, 'update-looker')
  const { status, stdout, stderr } = await finished(startProcess(electron, [...asRoot, looker], env))
  expect(status, stderr).toBe(0)
  expect(await readFile(env.APPIMAGE, 'utf8')).toBe('the version that runs')
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Look)
}
