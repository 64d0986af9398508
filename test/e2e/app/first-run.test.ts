import { existsSync } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Scene } from '../scene.ts'
import { type AppStage, demandElectron, openStage } from './app-stage.ts'

let stage: AppStage
afterEach(() => stage?.close())

const settingsFile = (scene: Scene): string =>
  join(scene.studio.folder, 'home', '.config', 'sg-session', 'settings.json')
const readSettings = async (scene: Scene) =>
  JSON.parse(await readFile(settingsFile(scene), 'utf8')) as Record<string, Record<string, unknown>>

/** What is left of the settings when only IT's word on the identity service is there. */
async function keepIdentityOnly(scene: Scene): Promise<void> {
  const { issuer, redirectPorts } = (await readSettings(scene))['identity'] ?? {}
  await writeFile(settingsFile(scene), JSON.stringify({ identity: { issuer, redirectPorts } }))
}

test('the first start asks for two addresses, checks them as they are typed, and goes on to sign in', async (context) => {
  stage = await openStage(demandElectron(context), { prepare: keepIdentityOnly })
  const { scene } = stage
  await scene.studio.startBroker()
  const window = await stage.window('Set up sg-session')
  const site = window.getByLabel('ShotGrid site')
  const broker = window.getByLabel('Identity broker')
  await site.fill('http://shotgrid.example')
  await window.getByText('This is not a whole https address.').waitFor()
  await site.fill(scene.identity.issuer)
  await window.getByText('No ShotGrid site answers at this address.').waitFor()
  await site.fill(scene.site.url)
  await window.getByText('This is a ShotGrid site.').waitFor()
  await broker.fill(scene.site.url)
  await window.getByText('No identity broker answers at this address.').waitFor()
  await stage.picture(window, 'first-run-light')
  await broker.fill(scene.studio.brokerUrl)
  await window.getByText('This broker serves your site.').waitFor()
  await window.emulateMedia({ colorScheme: 'dark' })
  await stage.picture(window, 'first-run-dark')
  await window.getByRole('button', { name: 'Save and sign in' }).click()
  expect(await scene.studio.openedAddress()).toContain('/authorize?')
  expect(await readSettings(scene)).toMatchObject({
    sites: [{ url: scene.site.url, broker: scene.studio.brokerUrl }],
    identity: { issuer: scene.identity.issuer, clientId: 'sg-session-tray' },
  })
  const tray = await stage.tray()
  await tray.untilMenu((menu) => menu.some(({ label }) => label === 'Cancel sign-in'), 'that it is signing in')
  // The agent is there for tools from now on.
  expect((await scene.studio.sgSession('status')).status).toBe(0)
})

test('a broker that signs people in elsewhere is not believed', async (context) => {
  stage = await openStage(demandElectron(context), {
    prepare: (scene) => writeFile(settingsFile(scene), '{}'),
  })
  const { scene } = stage
  await scene.studio.startBroker()
  const window = await stage.window('Set up sg-session')
  await window.getByLabel('ShotGrid site').fill(scene.site.url)
  await window.getByLabel('Identity broker').fill(scene.studio.brokerUrl)
  await window.getByText(/which your IT has not approved here/).waitFor()
  const save = window.getByRole('button', { name: 'Save and sign in' })
  expect(await save.getAttribute('aria-disabled')).toBe('true')
  expect(await readFile(settingsFile(scene), 'utf8')).toBe('{}')
})

test('a configuration that cannot be read is said, and the app goes on', async (context) => {
  stage = await openStage(demandElectron(context), {
    prepare: (scene) => writeFile(settingsFile(scene), '{"sites": 7}'),
  })
  const window = await stage.window('sg-session')
  await window.getByText('The configuration cannot be used.').waitFor()
  expect((await stage.scene.studio.sgSession('status')).status).toBe(33)
})

test('settings are taken over at once: French, and start at login as an entry that exists', async (context) => {
  stage = await openStage(demandElectron(context))
  const tray = await stage.tray()
  await tray.click('Settings…')
  const window = await stage.window('Settings')
  await window.getByLabel('Language').selectOption('fr')
  await stage.window('Réglages')
  await tray.untilMenu((menu) => menu.some(({ label }) => label === 'Se connecter…'), 'the menu in French')
  await stage.picture(window, 'settings-light')
  await window.emulateMedia({ colorScheme: 'dark' })
  await stage.picture(window, 'settings-dark')
  // Beside the settings lies nothing of Electron's.
  expect(await readdir(dirname(settingsFile(stage.scene)))).toEqual(['settings.json'])
  const entry = join(stage.scene.studio.folder, 'home', '.config', 'autostart', 'sg-session.desktop')
  await window.getByRole('switch', { name: 'Lancer à l’ouverture de session' }).click()
  await expect.poll(() => readFile(entry, 'utf8').catch(() => '')).toContain('--autostart')
  await tray.click('Lancer à l’ouverture de session')
  await expect
    .poll(() =>
      stat(entry).then(
        () => 'there',
        () => 'gone',
      ),
    )
    .toBe('gone')
  expect(await readSettings(stage.scene)).toMatchObject({ app: { language: 'fr', startAtLogin: false } })
  await tray.click('À propos de sg-session')
  const about = await stage.window('À propos de sg-session')
  await about.getByText('Electron').waitFor()
  await stage.picture(about, 'about-light')
  await about.emulateMedia({ colorScheme: 'dark' })
  await stage.picture(about, 'about-dark')
})

test('starting at login works: the entry’s own command line starts the app', async (context) => {
  stage = await openStage(demandElectron(context))
  const tray = await stage.tray()
  await tray.click('Start at login')
  const entry = join(stage.scene.studio.folder, 'home', '.config', 'autostart', 'sg-session.desktop')
  await expect.poll(() => readFile(entry, 'utf8').catch(() => '')).toContain('Exec=')
  const command = /^Exec=(.*)$/m.exec(await readFile(entry, 'utf8'))?.[1] ?? ''
  // Read as a desktop reads it: the quotes are the only quoting this path needs.
  const words = [...command.matchAll(/"([^"]*)"/g)].map(([, word = '']) => word)
  expect(words.at(-1)).toBe('--autostart')
  expect(words[0]).toBe(await stage.app.evaluate(() => process.execPath))
  expect(words[1]).toBe(await stage.app.evaluate(({ app }) => app.getAppPath()))
  await tray.click('Start at login')
  await expect.poll(() => existsSync(entry)).toBe(false)
  await stage.quit()
  // As the package's entry starts it for everybody: who did not ask for it sees nothing of it.
  expect(await stage.startAgain('--autostart')).toBe(0)
  expect(await startsIn(stage)).toBe(1)
})

test('an artist whose setting says so is started at login', async (context) => {
  stage = await openStage(demandElectron(context), {
    args: ['--autostart'],
    prepare: async (scene) =>
      writeFile(settingsFile(scene), JSON.stringify({ ...(await readSettings(scene)), app: { startAtLogin: true } })),
  })
  await stage.tray()
  expect(await startsIn(stage)).toBe(1)
})

/** How often the app went beyond its entry, by its log. */
async function startsIn({ scene }: AppStage): Promise<number> {
  const log = join(scene.studio.folder, 'home', '.local', 'state', 'sg-session', 'sg-session.log')
  return (await readFile(log, 'utf8')).split('"sg-session starts"').length - 1
}
