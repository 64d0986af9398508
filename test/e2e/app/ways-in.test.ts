import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, expect, test } from 'vitest'
import type { View } from '../../../app/windows/contract.ts'
import { startSite } from '../../sandbox/site/site.ts'
import type { SiteSwitches } from '../../sandbox/site/switches.ts'
import { findSecret } from '../find-secret.ts'
import type { Scene } from '../scene.ts'
import { type AppStage, demandElectron, openStage, type StageOptions } from './app-stage.ts'
import { addressesAsked, calling, watchOpeners, windowNamed } from './every-window.ts'

/** The ways in to a site without a broker, in the real app. */
let stage: AppStage | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
})

const settingsFile = (scene: Scene): string =>
  join(scene.studio.folder, 'home', '.config', 'sg-session', 'settings.json')

/** The app of a studio that has no broker. */
async function withoutBroker(
  electron: string,
  site: Partial<SiteSwitches>,
  options: StageOptions = {},
): Promise<AppStage> {
  stage = await openStage(electron, {
    ...options,
    scene: { site },
    async prepare(scene) {
      await watchOpeners(scene.studio)
      const content = { sites: [{ url: scene.site.url, name: 'Studio Example' }], tools: { consent: 'allow-all' } }
      await writeFile(settingsFile(scene), JSON.stringify(content))
      await options.prepare?.(scene)
    },
  })
  return stage
}

async function pictures(page: Page, name: string): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    // What moves from one theme to the other would be half way in the picture.
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await stage?.picture(page, `${name}-${theme}`)
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null })
}

const focused = (page: Page): Promise<string | undefined> => page.evaluate(() => document.activeElement?.id)

/** Everything that came to the page, that it shows and that JavaScript has in it. */
async function everythingIn(page: Page): Promise<string> {
  const session = await page.context().newCDPSession(page)
  const chunks: string[] = []
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => chunks.push(chunk))
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false })
  await session.detach()
  const views = await page.evaluate(() => JSON.stringify(Reflect.get(window, 'received')))
  return `${chunks.join('')}${views}${await page.content()}`
}

test('a tool that needs a session brings the window for login and passphrase; what is typed there stays nowhere', async (context) => {
  const { scene, desktop, app, tray } = await withoutBroker(demandElectron(context), {
    mode: 'default',
    launcher: false,
  })
  const item = await tray()
  const tool = scene.studio.startPython('python3', '-u', resolve('test/e2e/app/ask-interactive.py'))
  const page = await windowNamed({ ...(stage as AppStage) }, 'sign-in')
  await page.getByRole('heading', { name: 'Sign in to Studio Example' }).waitFor()
  await expect.poll(() => focused(page)).toBe('login')
  expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getFocusedWindow()?.getTitle())).toBe('Sign in')
  await item.untilMenu(
    (menu) => menu[0]?.label.includes('Waits for your login and passphrase') === true,
    'what it waits for',
  )
  expect(item.tooltip()).not.toMatch(/browser/i)
  await pictures(page, 'credentials')
  await page.evaluate(() => {
    const received: View[] = []
    Object.assign(window, { received, kept: 'Zkept-by-a-test' })
    window.sgSession.onView((view) => received.push(view))
  })

  const wrong = 'Zwrong-passphrase-of-a-test'
  await page.keyboard.type('two-factor')
  await page.keyboard.press('Tab')
  await page.keyboard.type(wrong)
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByRole('listitem').first().waitFor()
  await expect.poll(() => focused(page)).toBe('passphrase')
  await pictures(page, 'credentials-refused')
  const held = await everythingIn(page)
  // The search finds what is there.
  expect([held.includes('Zkept-by-a-test'), held.includes('did not accept this login')]).toEqual([true, true])
  expect(held.includes(wrong)).toBe(false)

  await page.keyboard.type('legacy-passphrase')
  await page.keyboard.press('Enter')
  await page.getByLabel('Two-factor code').waitFor()
  await expect.poll(() => focused(page)).toBe('passphrase')
  await pictures(page, 'credentials-code')
  await page.getByRole('button', { name: 'Open ShotGrid' }).click()
  expect(await calling(page, 'openHelp', { site: scene.site.url, page: 'autodesk-profile' })).toMatchObject({
    ok: true,
  })
  await expect.poll(() => addressesAsked(scene.studio)).toEqual([`${scene.site.url}/`, 'https://profile.autodesk.com/'])

  // The window is gone before the key is up again.
  await page.keyboard.press('Escape').catch(() => undefined)
  await expect.poll(() => stage?.hasWindow('Sign in')).toBe(false)
  await item.click('Show sign-in…')
  const again = await windowNamed(stage as AppStage, 'sign-in')
  await again.getByLabel('ShotGrid login').fill('two-factor')
  await again.getByLabel('ShotGrid passphrase').fill('legacy-passphrase')
  await again.getByLabel('Two-factor code').fill('246810')
  await again.getByRole('button', { name: 'Sign in' }).click()
  expect(await tool.ended).toBe(0)
  expect(tool.stdout()).toContain('has a session as two-factor')
  await desktop.notifications.until(({ summary }) => summary === 'Signed in as Two Factor', 'that it is signed in')
  // Nobody opened it, so nobody needs to close it.
  await expect.poll(() => stage?.hasWindow('Sign in'), { timeout: 10_000 }).toBe(false)
  await item.click('Status…')
  const status = await windowNamed(stage as AppStage, 'status')
  await status.getByText('With login and passphrase.').waitFor()
  await pictures(status, 'status-legacy')
  const pid = app.process().pid ?? 0
  expect(await findSecret(wrong, scene.studio.folder, pid)).toEqual([])
  // The sandbox's own passphrase may stand in files of others.
  const found = await findSecret('legacy-passphrase', scene.studio.folder, pid)
  expect(found.filter((file) => file.startsWith('/proc') || file.startsWith(scene.studio.folder))).toEqual([])
})

test('two tools that need two sites: the second site asks when the artist is done with the first, and takes nothing away', async (context) => {
  const launcher = { mode: 'default', launcher: false } as const
  const second = await startSite({ switches: launcher })
  try {
    const { scene, tray } = await withoutBroker(demandElectron(context), launcher, {
      prepare: (prepared) => {
        const sites = [
          { url: prepared.site.url, name: 'Studio Example' },
          { url: second.url, name: 'Second Unit' },
        ]
        return writeFile(settingsFile(prepared), JSON.stringify({ sites, tools: { consent: 'allow-all' } }))
      },
    })
    const item = await tray()
    const tool = (site: string) =>
      scene.studio.startPython('python3', '-u', resolve('test/e2e/app/ask-interactive.py'), site)
    const first = tool(scene.site.url)
    const page = await windowNamed(stage as AppStage, 'sign-in')
    await page.getByLabel('ShotGrid passphrase').fill('half a pass')
    const other = tool(second.url)
    const waits = 'Second Unit: Waits for your login and passphrase'
    await item.untilMenu((menu) => menu.some(({ label }) => label === waits), 'that the second site waits')
    expect(await page.getByLabel('ShotGrid passphrase').inputValue()).toBe('half a pass')
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Sign in to Studio Example')

    await page.getByLabel('ShotGrid login').fill('artist@studio.example')
    await page.getByLabel('ShotGrid passphrase').fill('legacy-passphrase')
    await page.keyboard.press('Enter')
    expect(await first.ended).toBe(0)
    const next = await windowWith('Sign in to Second Unit')
    await expect.poll(() => focused(next)).toBe('login')
    await next.getByRole('button', { name: 'Cancel' }).click()
    expect(await other.ended).not.toBe(0)
    await item.untilMenu(
      (menu) => menu.some(({ label }) => label === 'Second Unit: Not signed in'),
      'that it is cancelled',
    )
    expect(item.tooltip()).toContain('Studio Example: Signed in as Plain Artist')
    await expect.poll(() => stage?.hasWindow('Sign in')).toBe(false)
  } finally {
    await stage?.close()
    await second.close()
  }
})

/** The window that says this; one takes the place of another. */
async function windowWith(headline: string): Promise<Page> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const page = await windowNamed(stage as AppStage, 'sign-in')
    if (
      (await page
        .getByRole('heading', { level: 1 })
        .textContent({ timeout: 1_000 })
        .catch(() => '')) === headline
    )
      return page
    if (performance.now() > deadline) throw new Error(`no window says "${headline}"`)
    await new Promise((wake) => setTimeout(wake, 50))
  }
}

test('a sign-in that is approved at the site has no address to paste, and says so when it is declined', async (context) => {
  const { scene, tray } = await withoutBroker(demandElectron(context), {})
  const item = await tray()
  const answer = async (decision: object): Promise<void> => {
    const id = new URL(await scene.studio.openedAddress()).pathname.split('/').at(-1)
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify(decision)
    await fetch(`${scene.site.url}/sandbox/launches/${id}`, { method: 'POST', headers, body })
  }
  await item.click('Sign in…')
  const page = await windowNamed(stage as AppStage, 'sign-in')
  await page.getByRole('heading', { name: 'Approve in your browser' }).waitFor()
  expect(await page.getByRole('textbox').count()).toBe(0)
  await pictures(page, 'approve')
  await answer({ decision: 'deny' })
  await page.getByRole('heading', { name: 'The sign-in was declined' }).waitFor()
  await pictures(page, 'declined')
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByRole('heading', { name: 'Approve in your browser' }).waitFor()
  await answer({ decision: 'approve', person: 'artist' })
  await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
  await item.untilMenu((menu) => menu.some(({ label }) => label === 'Sign out'), 'that it is signed in')
})

test('the first start without a broker says how signing in will go, and what to ask IT for where it cannot', async (context) => {
  const { scene } = await withoutBroker(
    demandElectron(context),
    { mode: 'saml2', launcher: false },
    { prepare: (scene) => writeFile(settingsFile(scene), '{}') },
  )
  const page = await windowNamed(stage as AppStage, 'first-run')
  const save = page.getByRole('button', { name: 'Save and sign in' })
  await page.getByLabel('ShotGrid site').fill(scene.site.url)
  await page.getByText('This site needs an identity broker.').waitFor()
  await pictures(page, 'first-run-no-way')
  await save.click({ force: true })
  await expect.poll(() => focused(page)).toBe('broker')
  expect(await readFile(settingsFile(scene), 'utf8')).toBe('{}')

  scene.site.switches.launcher = true
  await page.getByLabel('ShotGrid site').fill(`${scene.site.url}/`)
  await page.getByText('You will approve in your browser.').waitFor()
  await pictures(page, 'first-run-web')
  await save.click()
  expect(await scene.studio.openedAddress()).toContain(`${scene.site.url}/app_session_request/`)
  expect(JSON.parse(await readFile(settingsFile(scene), 'utf8'))).toEqual({ sites: [{ url: scene.site.url }] })
  await (await windowNamed(stage as AppStage, 'sign-in')).getByText('Approve in your browser').waitFor()
})
