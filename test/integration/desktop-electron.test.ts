import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, type TestContext, test } from 'vitest'
import { type Desktop, type DesktopOptions, startDesktop } from '../sandbox/desktop/desktop.ts'
import { pss } from '../sandbox/desktop/memory.ts'
import { startPanel } from '../sandbox/desktop/panel.ts'
import type { TrayItem } from '../sandbox/desktop/tray-item.ts'
import { type Running, startProcess, untilSaid } from '../sandbox/processes.ts'

/** The desktop against a real Electron: what the parts of it are for. */
const electron = process.env['SG_SESSION_ELECTRON']
const trialApp = resolve(import.meta.dirname, '..', 'sandbox', 'desktop', 'trial-app')
const startLimitMs = 20_000

let home: string
const closing: (() => unknown)[] = []

beforeEach(async (context: TestContext) => {
  if (!electron) return context.skip('no Electron to run: SG_SESSION_ELECTRON names none')
  home = await mkdtemp(join(tmpdir(), 'sg-session-trial-app-'))
  closing.push(() => rm(home, { recursive: true, force: true, maxRetries: 3 }))
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function openDesktop(options?: DesktopOptions): Promise<Desktop> {
  const desktop = await startDesktop(options)
  closing.push(() => desktop.stop())
  return desktop
}

async function startApp(desktop: Desktop): Promise<Running> {
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const app = startProcess(electron ?? '', [...asRoot, '--disable-gpu', trialApp], {
    ...desktop.env,
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_RUNTIME_DIR: home,
  })
  closing.push(() => app.stop())
  await untilSaid(app, 'ready\n', startLimitMs)
  return app
}

async function show(options?: DesktopOptions): Promise<{ desktop: Desktop; app: Running; item: TrayItem }> {
  const desktop = await openDesktop(options)
  const app = await startApp(desktop)
  return { desktop, app, item: await desktop.panel.item() }
}

test('icon, tooltip and menu come to the panel, and what the program changes of them', async () => {
  const { app, item } = await show()
  expect(item.tooltip()).toBe('counted 0')
  expect((await item.labels()).slice(0, 4)).toEqual(['Count: 0', '—', 'Count up…', 'snake_case'])
  const icon = item.iconHash()
  await item.click('Count up…')
  await item.untilMenu((menu) => menu[0]?.label === 'Count: 1', 'the new count')
  await item.untilShown((shown) => shown.tooltip === 'counted 1' && shown.icon?.hash !== icon, 'what is new')
  expect((await item.menu())[0]).toMatchObject({ enabled: false })
  expect((await item.menu()).find(({ label }) => label === 'snake_case')?.toggle).toEqual({
    type: 'checkmark',
    on: true,
  })
  await item.click('More', 'Deep')
  await untilSaid(app, 'deep\n', startLimitMs)
  await item.activate()
  await untilSaid(app, 'tray click\n', startLimitMs)
  await item.click('Quit')
  await item.untilGone()
  expect(await app.ended).toBe(0)
})

test('a notification is shown, clicked, and taken back', async () => {
  const { desktop, app, item } = await show()
  await item.click('Notify')
  const first = await desktop.notifications.until(() => true, 'a notification')
  expect(first).toMatchObject({ summary: 'Signed out', body: 'Sign in <again> & go on', timeoutMs: 0, replaces: 0 })
  expect(first.hints).toMatchObject({ urgency: 2 })
  desktop.notifications.invoke(first.id, 'default')
  await untilSaid(app, 'notification click', startLimitMs)
  await item.click('Notify')
  await desktop.notifications.until(({ id }) => id !== first.id, 'another')
  await item.click('Take back')
  await desktop.notifications.until(({ closed }) => closed === 'taken back', 'the end of it')
})

test('sleep, wake and lock reach the program', async () => {
  const { desktop, app, item } = await show()
  await desktop.power.untilInhibited('sleep')
  desktop.power.suspend()
  await untilSaid(app, 'power suspend', startLimitMs)
  desktop.power.resume()
  await untilSaid(app, 'power resume', startLimitMs)
  await item.click('Locked?')
  await desktop.screenSaver.untilAsked()
  desktop.screenSaver.lock()
  // The signal comes on a thread of its own.
  await expect
    .poll(async () => {
      await item.click('Locked?')
      return app.stdout()
    })
    .toContain('idle locked')
})

test('a panel that starts again has the icon again', async () => {
  const { desktop } = await show()
  await desktop.panel.stop()
  const next = await startPanel(desktop.busAddress)
  closing.push(() => next.stop())
  expect((await next.item()).tooltip()).toBe('counted 0')
})

test('on GNOME the icon is a file', async () => {
  const { item } = await show({ name: 'GNOME' })
  await item.untilShown(({ icon }) => icon?.width === 16, 'the icon')
})

test('without a bus the program runs, without an icon', async () => {
  const desktop = await openDesktop({ bus: false, power: false })
  const app = await startApp(desktop)
  expect(await pss(app.pid)).toBeGreaterThan(50_000)
})
