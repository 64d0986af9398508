import { afterEach, expect, test } from 'vitest'
import { pss } from '../../sandbox/desktop/memory.ts'
import { demandElectron, openStage } from './app-stage.ts'
import { TrayRivals } from './tray-rivals.ts'

/** Against the least an Electron tray can be, started in the same run: nothing here depends on the machine. */
const rounds = 5

let rivals: TrayRivals | undefined
afterEach(async () => {
  await rivals?.close()
  rivals = undefined
})

test('idle, it weighs at most 1.10 times a blank Electron tray', async (context) => {
  rivals = await TrayRivals.open(demandElectron(context))
  const { blank, own } = await rivals.startBoth()
  const [blankKiB = 0, ownKiB = 0] = await Promise.all([blank, own].map(pss))
  process.stdout.write(
    `idle PSS: blank ${mib(blankKiB)}, sg-session ${mib(ownKiB)}, ratio ${ratio(ownKiB, blankKiB)}\n`,
  )
  expect(ownKiB / blankKiB).toBeLessThanOrEqual(1.1)
})

test('its icon is there after at most 1.25 times a blank Electron tray’s', async (context) => {
  rivals = await TrayRivals.open(demandElectron(context))
  const times = { blank: [] as number[], own: [] as number[] }
  for (let round = 0; round < rounds; round += 1) {
    for (const name of ['blank', 'own'] as const) {
      times[name].push((await rivals.startToTray(name)).ms)
      await rivals.stop()
    }
  }
  // The quickest of each: what else the machine does makes a start longer, and never shorter.
  const [blankMs, ownMs] = [Math.min(...times.blank), Math.min(...times.own)]
  process.stdout.write(
    `start to tray: blank ${Math.round(blankMs)} ms, sg-session ${Math.round(ownMs)} ms, ratio ${ratio(ownMs, blankMs)}\n`,
  )
  expect(ownMs / blankMs).toBeLessThanOrEqual(1.25)
})

test('a window that is closed is gone, and its process with it', async (context) => {
  const stage = await openStage(demandElectron(context))
  try {
    const tray = await stage.tray()
    const processes = () => stage.app.evaluate(({ app }) => app.getAppMetrics().map(({ type }) => type))
    const windows = () => stage.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)
    expect(await windows()).toBe(0)
    expect(await processes()).not.toContain('Tab')
    await tray.click('Status…')
    await (await stage.window('sg-session')).getByText('Nobody is signed in').waitFor()
    expect(await processes()).toContain('Tab')
    const status = await stage.window('sg-session')
    await status.keyboard.press('Escape').catch(() => undefined)
    await expect.poll(windows).toBe(0)
    await expect.poll(processes, { timeout: 10_000 }).not.toContain('Tab')
    // Software rendering runs in the main process.
    expect(await processes()).not.toContain('GPU')
  } finally {
    await stage.close()
  }
})

function mib(kib: number): string {
  return `${Math.round(kib / 1024)} MiB`
}

function ratio(a: number, b: number): string {
  return (a / b).toFixed(2)
}
