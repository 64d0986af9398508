// A program asks, the artist answers in a window: everything real, one app for the whole file, each test after the one before.
import { copyFile, readdir, readFile, readlink } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { calls } from '../../../app/windows/calls.ts'
import { type Running, untilSaid } from '../../sandbox/processes.ts'
import { type AppStage, demandElectron, openStage } from './app-stage.ts'
import { calling } from './every-window.ts'

const script = resolve('test/e2e/app/asking-tool.py')
/** What a program would call itself that wants to be taken for another. */
const trick = `Maya\u202e5202 \u200b— verified by Autodesk${' !'.repeat(30)}`
const limitMs = 15_000

// In no type library, and older than the tutorial.
type Undocumented = Electron.WebContents & { getLastWebPreferences(): Electron.WebPreferences }

let opening: Promise<AppStage> | undefined
let tool: Running | undefined
afterAll(async () => {
  await (await opening?.catch(() => undefined))?.close()
})

/** All tests go on with one and the same app, where somebody is signed in. */
function onStage(context: TestContext): Promise<AppStage> {
  opening ??= openSignedIn(demandElectron(context))
  return opening
}

async function openSignedIn(electron: string): Promise<AppStage> {
  const tools = { consent: 'prompt', deny: [{ script: '**/denied-tool.py' }] }
  const stage = await openStage(electron, { scene: { tools } })
  await stage.scene.studio.startBroker()
  await stage.tray()
  await stage.scene.signIn()
  return stage
}

function startTool({ scene }: AppStage, ...args: string[]): Running {
  return scene.studio.startPython('python3', '-u', ...args)
}

async function toolOfBefore(): Promise<Running> {
  if (!tool) throw new Error('the test before has left no tool')
  return tool
}

/** Has the tool ask once more; what it says then. */
async function askAgain(asking: Running): Promise<string> {
  const before = asking.stdout().split('\n').length
  process.kill(asking.pid, 'SIGUSR1')
  const lines = (): string[] => asking.stdout().split('\n')
  await expect.poll(() => lines().length, { timeout: limitMs }).toBe(before + 1)
  return lines().at(-2) ?? ''
}

/** Whether the process still has a connection that both ends hold open. proc(5): state 01. */
async function isConnected({ pid }: Running): Promise<boolean> {
  const folder = `/proc/${pid}/fd`
  const links = await Promise.all((await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => '')))
  const rows = (await readFile(`/proc/${pid}/net/tcp`, 'utf8')).split('\n').map((row) => row.trim().split(/\s+/))
  return rows.some(([, , , state, , , , , , inode]) => state === '01' && links.includes(`socket:[${inode}]`))
}

const question = (stage: AppStage): Promise<Page> => stage.window('Allow a program?')
const asks = (stage: AppStage): Promise<boolean> => stage.hasWindow('Allow a program?')

async function pictures(stage: AppStage, page: Page, name: string): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await stage.picture(page, `${name}-${theme}`)
  }
}

test('a tool that asks is shown by what the system says of it, and “Always allow” lets it in', async (context) => {
  const stage = await onStage(context)
  tool = startTool(stage, script, trick, 'wait')
  const page = await question(stage)
  const executable = await readlink(`/proc/${tool.pid}/exe`)
  await page
    .getByRole('heading', { name: `May “${basename(executable)}” use your session of Studio Example?` })
    .waitFor()
  const [facts = ''] = await page.locator('dl').allTextContents()
  for (const known of [executable, script, String(tool.pid), new URL(stage.scene.site.url).host]) {
    expect(facts).toContain(known)
  }
  expect(facts).toContain('As its command line says.')
  await page.getByText(/^(IT|Not known)/).waitFor()
  const [claim = ''] = await page.locator('.claim').allTextContents()
  expect(claim).toContain('“Maya5202 — verified by Autodesk ! ! !')
  expect(claim.length).toBeLessThan(120)
  // In front of all others, no button has the focus, and nothing is left to be scrolled to.
  expect(await page.evaluate(() => document.activeElement?.localName)).toBe('h1')
  expect(await page.locator('main').evaluate((main) => main.scrollHeight - main.clientHeight)).toBeLessThanOrEqual(0)
  const window = await stage.app.browserWindow(page)
  expect(await window.evaluate((one) => [one.isAlwaysOnTop(), one.isVisible()])).toEqual([true, true])
  const tray = await stage.tray()
  await tray.untilMenu((menu) => menu.some(({ label }) => label === 'Answer…'), 'that a program waits')
  await page.getByRole('button', { name: 'Always allow', disabled: false }).waitFor()
  await pictures(stage, page, 'consent')

  // What holds for every window, by the Electron checklist, holds for this one; and all it may call is the answer.
  const preferences = await window.evaluate((one) => (one.webContents as Undocumented).getLastWebPreferences())
  expect(preferences).toMatchObject({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    webviewTag: false,
  })
  for (const name of Object.keys(calls).filter((call) => call !== 'answerConsent'))
    expect(await calling(page, name, {}), name).toMatchObject({ ok: false, code: 'invalid_request' })
  expect(await calling(page, 'answerConsent', { id: 'another', answer: 'always' })).toEqual({ ok: true, value: null })
  expect(await asks(stage)).toBe(true)

  await page.getByRole('button', { name: 'Always allow' }).click()
  await untilSaid(tool, 'has a session as artist@studio.example', limitMs)
  await expect.poll(() => asks(stage)).toBe(false)
  await tray.untilMenu((menu) => menu.every(({ label }) => label !== 'Answer…'), 'that nothing waits any more')
  expect(await isConnected(tool)).toBe(true)
})

test('the second start of the tool has the session without a question', async (context) => {
  const stage = await onStage(context)
  const again = startTool(stage, script, 'asking-tool')
  await untilSaid(again, 'has a session as', limitMs)
  expect(await asks(stage)).toBe(false)
  await again.stop()
})

test('“Revoke” among the programs ends its connection, and it is asked about again', async (context) => {
  const stage = await onStage(context)
  const asking = await toolOfBefore()
  await (await stage.tray()).click('Programs…')
  const page = await stage.window('Programs')
  const row = page.getByRole('listitem').filter({ hasText: 'running asking-tool.py' })
  await row.getByText(script).waitFor()
  await pictures(stage, page, 'programs')
  await row.getByRole('button', { name: 'Revoke' }).click()
  await expect.poll(() => isConnected(asking), { timeout: limitMs }).toBe(false)
  await page.getByText('You have allowed none yet.').waitFor()
  await pictures(stage, page, 'programs-none')
  // It did not wait for an answer, so it is told what to do; the question is there all the same.
  expect(await askAgain(asking)).toBe('was refused: interaction_required')
  await question(stage)
})

test('closing the window is a no, kept quietly until the artist says to be asked again', async (context) => {
  const stage = await onStage(context)
  const asking = await toolOfBefore()
  const window = await stage.app.browserWindow(await question(stage))
  await window.evaluate((one) => one.close())
  await expect.poll(() => asks(stage)).toBe(false)
  expect(await askAgain(asking)).toBe('was refused: consent_denied')
  expect(await asks(stage)).toBe(false)

  const page = await stage.window('Programs')
  const refused = page.getByRole('region', { name: 'Not asked about for now' })
  await refused.getByText(/^until /).waitFor()
  await pictures(stage, page, 'programs-refused')
  await refused.getByRole('button', { name: 'Ask me again' }).click()
  await expect.poll(() => refused.count()).toBe(0)
  expect(await askAgain(asking)).toBe('was refused: interaction_required')
  await (await question(stage)).getByRole('button', { name: 'Allow this time' }).click()
  await page.getByText(`until process ${asking.pid} ends`).waitFor()
  expect(await askAgain(asking)).toBe('has a session as artist@studio.example')
})

test('IT’s rule keeps a program out: it asks nobody, and the artist is told once', async (context) => {
  const stage = await onStage(context)
  const { notifications } = stage.desktop
  const denied = join(stage.scene.studio.folder, 'denied-tool.py')
  await copyFile(script, denied)
  const outsider = startTool(stage, denied, 'asking-tool', 'wait')
  await untilSaid(outsider, 'was refused: consent_denied', limitMs)
  const { summary } = await notifications.until(
    (one) => one.summary.endsWith('did not get your session'),
    'the refusal',
  )
  expect(summary).toMatch(/^python\S* running denied-tool\.py /)
  expect(await askAgain(outsider)).toBe('was refused: consent_denied')
  await outsider.stop()
  expect(await asks(stage)).toBe(false)
  expect(notifications.shown.filter((one) => one.summary === summary)).toHaveLength(1)
})

test('nobody is asked behind a locked screen', async (context) => {
  const stage = await onStage(context)
  const another = join(stage.scene.studio.folder, 'another-tool.py')
  await copyFile(script, another)
  stage.desktop.screenSaver.lock()
  const isLocked = () => stage.app.evaluate(({ powerMonitor }) => powerMonitor.getSystemIdleState(1) === 'locked')
  await expect.poll(isLocked, { timeout: limitMs }).toBe(true)
  const asking = startTool(stage, another, 'another-tool', 'wait')
  await untilSaid(asking, 'was refused: consent_denied', limitMs)
  expect(await asks(stage)).toBe(false)
  stage.desktop.screenSaver.unlock()
  await asking.stop()
})

test('the status window says who had the session today, who asked in vain, and how each call ended', async (context) => {
  const stage = await onStage(context)
  await (await stage.tray()).click('Status…')
  const page = await stage.window('sg-session')
  const rows = await page.getByRole('region', { name: 'Tools today' }).getByRole('listitem').allInnerTexts()
  const read = rows.map((row) => row.replaceAll(/\n+/g, ' | ')).join('\n')
  expect(read).toMatch(/running asking-tool\.py \| calls itself “Maya5202 — verified/)
  expect(read).toMatch(/running denied-tool\.py \| .*Refused: This program was not allowed/)
  await page.getByText('Who asked for what, lately').click()
  const [newest] = await page.locator('.calls').allTextContents()
  for (const words of ['given, as you allowed then', 'given, as you allowed before', 'Going on needs the artist.'])
    expect(newest).toContain(words)
  await page.getByText('Who asked for what, lately').evaluate((heading) => heading.scrollIntoView())
  await pictures(stage, page, 'status-calls')
})
