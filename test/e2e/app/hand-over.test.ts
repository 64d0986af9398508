import { execFileSync } from 'node:child_process'
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPackage } from '@electron/asar'
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest'
import { AgentClient } from '../../../src/client/node/agent-client.ts'
import { type Desktop, startDesktop } from '../../sandbox/desktop/desktop.ts'
import { type Running, startProcess } from '../../sandbox/processes.ts'
import { type Scene, setScene } from '../scene.ts'
import { asRoot, demandElectron } from './app-stage.ts'

const limitMs = 60_000
const executableName = 'sg-session-app'

let scene: Scene
let desktop: Desktop
let folder: string
let client: AgentClient
let env: Readonly<Record<string, string>>
beforeAll(async () => {
  scene = await setScene()
  desktop = await startDesktop()
  folder = await mkdtemp(join(tmpdir(), 'sg-session-installed-'))
  env = { ...scene.studio.env, ...desktop.env }
  const endpointFiles = [join(scene.studio.folder, 'run', 'sg-session', 'endpoint.json')]
  client = new AgentClient({ endpointFiles, caller: { name: 'test', version: '1' } })
})
afterAll(async () => {
  client.close()
  await scene.close()
  await desktop.stop()
  await rm(folder, { recursive: true, force: true })
})

const args = [...asRoot, '--allow-insecure-loopback', '--log-level=debug']
const launch = (): Running => startProcess(join(folder, executableName), args, env)

/** The bundled app beside an Electron of its own, as a package installs it. */
async function install(electron: string): Promise<void> {
  const from = dirname(electron)
  await rm(folder, { recursive: true })
  // Linked, where that can be: it is 200 MB.
  execFileSync('sh', ['-c', 'cp -al "$1" "$2" 2>/dev/null || cp -a "$1" "$2"', 'sh', from, folder])
  await rename(join(folder, 'electron'), join(folder, executableName))
  await rm(join(folder, 'resources', 'default_app.asar'), { force: true })
  await put()
}

/** Puts the app's archive in its place as package managers do: whole, by a rename. `main`: what it runs instead. */
async function put(main?: string): Promise<void> {
  const content = await mkdtemp(join(tmpdir(), 'sg-session-content-'))
  const archive = join(folder, 'resources', 'app.asar')
  await cp('package.json', join(content, 'package.json'))
  await cp('out/app', join(content, 'out', 'app'), { recursive: true })
  if (main !== undefined) await writeFile(join(content, 'out', 'app', 'main.js'), main)
  await createPackage(content, `${archive}.new`)
  await rename(`${archive}.new`, archive)
  await rm(content, { recursive: true })
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('an installed app that is replaced hands over to the new one: one icon, one lock, the same session, and a start by hand meanwhile ends in an app', async (context: TestContext) => {
  await install(demandElectron(context))
  await scene.studio.startBroker()
  const app = launch()
  await expect
    .poll(
      () =>
        client.status().then(
          ({ agent }) => agent.pid,
          () => undefined,
        ),
      { timeout: limitMs },
    )
    .toBe(app.pid)
  await desktop.panel.item(limitMs)
  await scene.signIn()
  const session = await client.getSession()
  const signIns = scene.identity.calls.get('token:authorization_code')

  // One that does not start changes nothing.
  await put('process.exit(5)')
  const why = async (): Promise<string | undefined> => (await client.status()).agent.handOver?.because
  await expect.poll(why, { timeout: limitMs }).toBe('it ended with 5')
  expect((await client.status()).agent.pid).toBe(app.pid)
  expect(await client.getSession()).toMatchObject({ sessionToken: session.sessionToken })

  await put()
  const icons: number[] = []
  const wasAlive = async (): Promise<boolean> => {
    icons.push(desktop.panel.items().length)
    return isAlive(app.pid)
  }
  await sleep(2_000)
  // Somebody looks for the window just now.
  const byHand = launch()
  await expect.poll(wasAlive, { timeout: limitMs, interval: 20 }).toBe(false)
  expect(Math.max(...icons)).toBe(1)
  const { agent } = await client.status()
  expect(agent.pid).not.toBe(app.pid)
  expect(agent.handOver).toBeUndefined()
  expect(await client.getSession()).toMatchObject({
    sessionToken: session.sessionToken,
    generation: session.generation,
  })
  expect(scene.identity.calls.get('token:authorization_code')).toBe(signIns)
  // Chromium writes its own command line anew, with spaces.
  expect((await readFile(`/proc/${agent.pid}/cmdline`, 'utf8')).split(/[\0 ]/)).toEqual(expect.arrayContaining(args))
  await expect.poll(() => desktop.panel.items().length, { timeout: limitMs }).toBe(1)
  const item = await desktop.panel.item()
  await item.untilMenu((menu) => menu.some(({ label }) => label.startsWith('Sign out')), 'that somebody is signed in')
  expect(await byHand.ended).toBe(0)

  // The lock came along: the next start finds the new one, and ends.
  expect(await launch().ended).toBe(0)
  expect((await client.status()).agent.pid).toBe(agent.pid)
  process.kill(agent.pid, 'SIGTERM')
  await expect.poll(() => isAlive(agent.pid), { timeout: limitMs }).toBe(false)
})
