import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { startPanel } from '../../sandbox/desktop/panel.ts'
import { startProcess, untilSaid } from '../../sandbox/processes.ts'
import { type Scene, setScene } from '../scene.ts'
import { type AppStage, asRoot, demandElectron, openStage } from './app-stage.ts'

let stage: AppStage | undefined
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await stage?.close()
  stage = undefined
})

/** It serves: somebody signs in over the socket, and a plug-in has the session. */
async function serves(scene: Scene): Promise<void> {
  await scene.studio.startBroker()
  await scene.signIn()
  const { status, stdout } = await scene.studio.python('python3', '-m', 'sg_session', 'status')
  expect(status).toBe(0)
  expect(stdout).toContain('artist@studio.example')
}

async function remember(scene: Scene): Promise<void> {
  const file = join(scene.studio.folder, 'home', '.config', 'sg-session', 'settings.json')
  const settings = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
  await writeFile(file, JSON.stringify({ ...settings, session: { rememberSignIn: true } }))
}

describe('it starts, says why, and serves', () => {
  test('without a place for tray icons: the status window says so, and a panel that comes later has the icon', async (context) => {
    stage = await openStage(demandElectron(context), { desktop: { panel: false } })
    await serves(stage.scene)
    expect(await stage.startAgain()).toBe(0)
    const window = await stage.window('sg-session')
    await window.getByText('This desktop shows no tray icons.').waitFor()
    const panel = await startPanel(stage.desktop.busAddress)
    closing.push(() => panel.stop())
    const tray = await panel.item()
    await tray.untilShown(({ tooltip }) => tooltip.includes('Signed in as Plain Artist'), 'who is signed in')
    await expect.poll(() => window.getByText('This desktop shows no tray icons.').count()).toBe(0)
  })

  test('without a session bus', async (context) => {
    stage = await openStage(demandElectron(context), { desktop: { bus: false } })
    await serves(stage.scene)
    expect(await stage.startAgain()).toBe(0)
    await (await stage.window('sg-session')).getByText('Signed in as Plain Artist').waitFor()
  })

  test('without a keychain: the day’s sign-in is kept in memory only, and the window says so', async (context) => {
    stage = await openStage(demandElectron(context), { prepare: remember })
    await serves(stage.scene)
    expect(await stage.startAgain()).toBe(0)
    const window = await stage.window('sg-session')
    await window.getByText('The keychain of this system cannot be used.').waitFor({ timeout: 40_000 })
    await stage.picture(window, 'status-no-keychain-light')
  })

  test('without a display, and says what would do the same with less', async (context) => {
    const electron = demandElectron(context)
    const scene = await setScene()
    closing.push(() => scene.close())
    const args = [...asRoot, resolve('.'), '--allow-insecure-loopback']
    const app = startProcess(electron, args, scene.studio.env)
    closing.push(() => app.stop())
    await untilSaid(app, 'is ready', 20_000)
    expect(app.stderr()).toContain('there is no display, so there is no tray')
    await serves(scene)
  })

  test('without a display and without the command line: says how', async (context) => {
    const electron = demandElectron(context)
    const scene = await setScene()
    closing.push(() => scene.close())
    const env = { ...scene.studio.env, PATH: '/usr/bin:/bin' }
    const app = startProcess(electron, [...asRoot, resolve('.'), '--allow-insecure-loopback'], env)
    expect(await app.ended).toBe(1)
    expect(app.stderr()).toContain('run "sg-session agent"')
  })
})

test('a sign-in that is remembered is there again after a restart, without the browser', async (context) => {
  const electron = demandElectron(context)
  stage = await openStage(electron, { desktop: { keyring: true }, prepare: remember })
  const { scene, desktop } = stage
  await serves(scene)
  await stage.quit()
  const env = { ...scene.studio.env, ...desktop.env }
  const again = startProcess(electron, [...asRoot, resolve('.'), '--allow-insecure-loopback'], env)
  closing.push(() => again.stop())
  await expect
    .poll(async () => (await scene.studio.sgSession('get')).status, { timeout: 20_000, interval: 500 })
    .toBe(0)
})
