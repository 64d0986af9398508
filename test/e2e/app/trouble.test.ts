import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, describe, expect, test } from 'vitest'
import { launchChromium, signInAt } from '../../sandbox/chromium.ts'
import type { TrayItem } from '../../sandbox/desktop/tray-item.ts'
import { HeadlessBrowser } from '../../sandbox/identity/headless-browser.ts'
import { personNamed } from '../../sandbox/people.ts'
import type { Scene } from '../scene.ts'
import { type AppStage, demandElectron, openStage, type StageOptions } from './app-stage.ts'

let stage: AppStage
const closing: (() => unknown)[] = []
afterEach(async () => {
  await stage?.close()
  for (const close of closing.splice(0).reverse()) await close()
})

const until = (tray: TrayItem, label: string): Promise<unknown> =>
  tray.untilMenu((menu) => menu.some((entry) => entry.label === label), `"${label}" in the menu`)

async function morning(electron: string, options: StageOptions & { broker?: boolean } = {}): Promise<TrayItem> {
  stage = await openStage(electron, options)
  if (options.broker !== false) await stage.scene.studio.startBroker()
  return stage.tray()
}

/** Clicks "Sign in…" and waits for the browser to be sent off. */
async function beginSignIn(tray: TrayItem): Promise<{ address: string; window: Page }> {
  await tray.click('Sign in…')
  const address = await stage.scene.studio.openedAddress()
  return { address, window: await stage.window('Sign in') }
}

async function changeSettings(scene: Scene, change: (settings: Record<string, unknown>) => void): Promise<void> {
  const file = join(scene.studio.folder, 'home', '.config', 'sg-session', 'settings.json')
  const settings = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
  change(settings)
  await writeFile(file, JSON.stringify(settings))
}

describe('a sign-in', () => {
  test('that is cancelled leaves everything as before, and the next one works', async (context) => {
    const tray = await morning(demandElectron(context))
    await beginSignIn(tray)
    await tray.click('Cancel sign-in')
    await until(tray, 'Sign in…')
    await expect.poll(() => stage.hasWindow('Sign in')).toBe(false)
    expect(tray.tooltip()).toContain('Not signed in')
    expect(stage.desktop.notifications.shown).toEqual([])
    await beginSignIn(tray)
  })

  test('with a wrong password first, and a browser that is closed and opened again, gets there', async (context) => {
    const tray = await morning(demandElectron(context))
    const { address, window } = await beginSignIn(tray)
    const closed = await launchChromium(stage.desktop.env['DISPLAY'])
    const page = await closed.newPage()
    await page.goto(address)
    await page.getByLabel(/e-?mail/i).fill('artist@studio.example')
    await page.getByLabel(/password/i).fill('wrong')
    await page.getByRole('button', { name: /sign in/i }).click()
    await page.getByRole('alert').waitFor()
    await closed.close()
    expect(tray.tooltip()).toContain('Signing in…')
    await window.getByRole('button', { name: 'Open the browser again' }).click()
    const again = await stage.scene.studio.openedAddress()
    expect(again).toBe(address)
    const browser = await launchChromium(stage.desktop.env['DISPLAY'])
    expect(await signInAt(await browser.newPage(), again, personNamed('artist'))).toBe('You are signed in')
    await browser.close()
    await until(tray, 'Sign out')
  })

  test('whose browser cannot come back is finished with the pasted address', async (context) => {
    const tray = await morning(demandElectron(context))
    const { address, window } = await beginSignIn(tray)
    const account = { email: 'artist@studio.example', password: personNamed('artist').autodesk?.password ?? '' }
    const url = new URL(address)
    const callback = await new HeadlessBrowser().signIn(url, account, url.searchParams.get('redirect_uri') ?? '')
    const field = window.getByLabel(/Did the browser end on a page/)
    await field.fill('http://localhost:1/callback?code=x&state=y')
    await window.getByRole('button', { name: 'Use this address' }).click()
    await window
      .getByRole('alert')
      .filter({ hasText: /not of the form|request/i })
      .waitFor()
    await field.fill(` ${callback.href} `)
    await window.getByRole('button', { name: 'Use this address' }).click()
    await until(tray, 'Sign out')
  })

  test('when every redirect port is taken says so, on both families', async (context) => {
    const electron = demandElectron(context)
    const tray = await morning(electron, {
      prepare: async (scene) => {
        await changeSettings(scene, (settings) => {
          const { redirectPorts } = settings['identity'] as { redirectPorts: number[] }
          for (const port of redirectPorts) closing.push(occupy(port, port % 2 ? '127.0.0.1' : '::1'))
        })
      },
    })
    await tray.click('Sign in…')
    const window = await stage.window('Sign in')
    await window.getByText('Every address at which the browser could return is taken by another program.').waitFor()
    await window.getByRole('button', { name: 'Try again' }).waitFor()
    await until(tray, 'Sign in…')
    expect(stage.desktop.notifications.shown).toEqual([])
  })

  test('under way is no reason to linger when the artist quits', async (context) => {
    const tray = await morning(demandElectron(context))
    const { address } = await beginSignIn(tray)
    const startedAt = performance.now()
    await stage.quit()
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    const { port } = new URL(new URL(address).searchParams.get('redirect_uri') ?? '')
    await occupy(Number(port), '127.0.0.1')()
  })
})

describe('what is down is named, with what to do', () => {
  test('the broker: before the browser opens', async (context) => {
    const tray = await morning(demandElectron(context), { broker: false })
    await tray.click('Sign in…')
    const window = await stage.window('Sign in')
    await window.getByText("The studio's identity broker does not answer as it should.").waitFor()
    await stage.picture(window, 'sign-in-failed-light')
    await until(tray, 'Sign in…')
    await stage.scene.studio.startBroker()
    await window.getByRole('button', { name: 'Try again' }).click()
    await stage.scene.studio.openedAddress()
    await until(tray, 'Cancel sign-in')
  })

  test('Autodesk Identity', async (context) => {
    const tray = await morning(demandElectron(context))
    stage.scene.identity.faults.inject({ path: '/', does: { kind: 'status', status: 503 } })
    await tray.click('Sign in…')
    const window = await stage.window('Sign in')
    await window.getByText('Autodesk Identity does not answer as it should.').waitFor()
    await until(tray, 'Sign in…')
  })

  test('the site, while renewing: the session is kept, the tray says offline', async (context) => {
    const tray = await morning(demandElectron(context), { scene: { sessionLifetimeS: 20 } })
    await stage.scene.signIn()
    await until(tray, 'Sign out')
    const icon = tray.iconHash()
    stage.scene.site.faults.inject({ path: '/', does: { kind: 'status', status: 503 } })
    // Half of its life over, a session is renewed at the next use.
    await expect
      .poll(
        async () => {
          await stage.scene.studio.sgSession('get', '--min-validity', '60')
          return tray.tooltip()
        },
        { timeout: 30_000, interval: 1_000 },
      )
      .toContain('offline')
    expect(tray.iconHash()).not.toBe(icon)
    stage.scene.site.faults.clear()
    await expect
      .poll(
        async () => {
          await stage.scene.studio.sgSession('get', '--min-validity', '60')
          return tray.tooltip()
        },
        { timeout: 20_000, interval: 1_000 },
      )
      .not.toContain('offline')
    expect(tray.tooltip()).toContain('Signed in as Plain Artist')
  })
})

describe('sleep and lock', () => {
  test('waking up after too long a sleep: signed out, said once, and one click signs in again', async (context) => {
    const tray = await morning(demandElectron(context), {
      prepare: (scene) =>
        changeSettings(scene, (settings) => {
          settings['session'] = { endOnSuspendHours: 0.0005 }
        }),
    })
    await stage.scene.signIn()
    await until(tray, 'Sign out')
    const { power, notifications } = stage.desktop
    await power.suspend()
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    await power.resume()
    await until(tray, 'Sign in…')
    const notice = await notifications.until(({ summary }) => summary === 'Your ShotGrid session has ended', 'the end')
    const ended = notifications.shown.filter(({ summary }) => summary === 'Your ShotGrid session has ended')
    expect(ended).toHaveLength(1)
    await notifications.invoke(notice.id, 'default')
    expect(await stage.scene.studio.openedAddress()).toContain('/authorize?')
  })

  test('a locked screen ends the session where the studio wants that, and says so when it is open again', async (context) => {
    const tray = await morning(demandElectron(context), {
      prepare: (scene) =>
        changeSettings(scene, (settings) => {
          settings['session'] = { endOnScreenLock: true }
        }),
    })
    await stage.scene.signIn()
    await until(tray, 'Sign out')
    const { screenSaver, notifications } = stage.desktop
    await screenSaver.untilAsked()
    const told = notifications.shown.length
    await screenSaver.lock()
    await tray.untilShown(({ tooltip }) => tooltip.includes('Not signed in'), 'that it is signed out', 15_000)
    expect(notifications.shown).toHaveLength(told)
    await screenSaver.unlock()
    await notifications.until(({ summary }) => summary === 'Your ShotGrid session has ended', 'the end', 15_000)
  })
})

/** Takes a port; returns how to give it back. Fails the test when somebody has it. */
function occupy(port: number, host: string): () => Promise<void> {
  const server: Server = createServer()
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return async () => {
    await listening
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
}
