import { resolve } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { launchChromium, signInAt } from '../../sandbox/chromium.ts'
import { personNamed } from '../../sandbox/people.ts'
import { type AppStage, demandElectron, openStage } from './app-stage.ts'

let stage: AppStage | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
})

const themes = ['light', 'dark'] as const

test('one click in the tray: the browser opens, Chromium signs in, a waiting plug-in has its session', async (context) => {
  stage = await openStage(demandElectron(context))
  const { scene, desktop } = stage
  const { studio } = scene
  await studio.startBroker()
  const tray = await stage.tray()
  expect(tray.tooltip()).toContain('Not signed in')
  const iconBefore = tray.iconHash()
  const waiting = studio.startPython('python3', '-u', resolve('test/e2e/app/waiting-plug-in.py'))
  await expect.poll(() => waiting.stdout(), { timeout: 10_000 }).toContain('waiting')

  await tray.click('Sign in…')
  const address = await studio.openedAddress()
  expect(address).toMatch(/^http:\/\/localhost:\d+\/authentication\/v2\/authorize\?/)
  await tray.untilMenu((menu) => menu.some(({ label }) => label === 'Cancel sign-in'), 'that it is signing in')
  const iconDuring = tray.iconHash()
  const signIn = await stage.window('Sign in')
  await signIn.getByRole('heading', { name: 'Finish in your browser' }).waitFor()
  for (const theme of themes) {
    await signIn.emulateMedia({ colorScheme: theme })
    await stage.picture(signIn, `sign-in-${theme}`)
  }

  const browser = await launchChromium(desktop.env['DISPLAY'])
  const page = await browser.newPage()
  expect(await signInAt(page, address, personNamed('artist'))).toBe('You are signed in')
  await browser.close()

  await tray.untilMenu((menu) => menu.some(({ label }) => label === 'Sign out'), 'that it is signed in')
  expect(tray.tooltip()).toContain('Studio Example: Signed in as Plain Artist, until ')
  expect(new Set([iconBefore, iconDuring, tray.iconHash()]).size).toBe(3)
  expect(await waiting.ended).toBe(0)
  expect(waiting.stdout()).toContain('has a session as artist@studio.example')
  await desktop.notifications.until(({ summary }) => summary === 'Signed in as Plain Artist', 'that it is signed in')
  expect(desktop.notifications.shown.map(({ summary }) => summary)).toEqual(['Signed in as Plain Artist'])

  await tray.untilMenu(
    (menu) => JSON.stringify(menu).includes('waiting-plug-in'),
    'the tool among those that used the session today',
  )
  await tray.click('Status…')
  const status = await stage.window('sg-session')
  await status.getByText('Signed in as Plain Artist').waitFor()
  await status.getByText(/^calls itself “waiting-plug-in” · /).waitFor()
  expect(await status.getByRole('progressbar').getAttribute('aria-valuetext')).toMatch(/^1\d h/)
  for (const theme of themes) {
    await status.emulateMedia({ colorScheme: theme })
    await stage.picture(status, `status-${theme}`)
  }
  // The window of the sign-in went by itself.
  await expect.poll(() => stage?.hasWindow('Sign in'), { timeout: 10_000 }).toBe(false)

  await tray.click('Sign out')
  await tray.untilMenu((menu) => menu.some(({ label }) => label === 'Sign in…'), 'that it is signed out')
  await status.getByText('Nobody is signed in').waitFor()
  expect((await studio.python('python3', '-m', 'sg_session', 'get')).status).toBe(10)
  await desktop.notifications.until(({ summary }) => summary.endsWith('needs ShotGrid'), 'that a tool was refused')
})

test('the command line reaches the app: signing in, status, out; the app shows it', async (context) => {
  stage = await openStage(demandElectron(context))
  await stage.scene.studio.startBroker()
  const tray = await stage.tray()
  await stage.scene.signIn()
  await tray.untilMenu((menu) => menu.some(({ label }) => label === 'Sign out'), 'that it is signed in')
  const { stdout } = await stage.scene.studio.sgSession('status', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ sites: [{ state: 'signed_in', login: 'artist@studio.example' }] })
  expect((await stage.scene.studio.sgSession('sign-out')).status).toBe(0)
  await tray.untilMenu((menu) => menu.some(({ label }) => label === 'Sign in…'), 'that it is signed out')
})

test('quitting closes the socket, takes the endpoint file away and leaves no token behind', async (context) => {
  stage = await openStage(demandElectron(context))
  const { studio } = stage.scene
  await studio.startBroker()
  await stage.tray()
  await stage.scene.signIn()
  const { sessionToken } = JSON.parse((await studio.sgSession('get', '--json')).stdout) as { sessionToken: string }
  const pid = stage.app.process().pid ?? 0
  const { findSecret } = await import('../find-secret.ts')
  expect(await findSecret(sessionToken, studio.folder, pid)).toEqual([])
  await stage.quit()
  expect((await studio.sgSession('status')).status).toBe(33)
  expect(await findSecret(sessionToken, studio.folder, process.pid)).toEqual([])
})
