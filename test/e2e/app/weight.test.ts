import { resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Desktop, startDesktop } from '../../sandbox/desktop/desktop.ts'
import { pss } from '../../sandbox/desktop/memory.ts'
import { type Running, startProcess } from '../../sandbox/processes.ts'
import { type Scene, setScene } from '../scene.ts'
import { asRoot, demandElectron, openStage } from './app-stage.ts'

/** Against the least an Electron tray can be, started in the same run: nothing here depends on the machine. */
const blank = resolve(import.meta.dirname, 'blank-tray')
const own = resolve(import.meta.dirname, '..', '..', '..')
const rounds = 5
/** How long after the icon memory has come to rest. */
const settleMs = 4_000

let scene: Scene
let desktop: Desktop
const running: Running[] = []
beforeEach(async () => {
  scene = await setScene()
  desktop = await startDesktop({ notifications: false, screenSaver: false, power: false })
})
afterEach(async () => {
  await stop()
  await desktop.stop()
  await scene.close()
})

/** Starts it and waits for its icon in the panel; resolves with how long that took. */
async function startToTray(electron: string, folder: string): Promise<number> {
  const args = [...asRoot, folder, '--allow-insecure-loopback']
  const startedAt = performance.now()
  running.push(startProcess(electron, args, { ...scene.studio.env, ...desktop.env }))
  await expect.poll(() => desktop.panel.items().length, { timeout: 20_000, interval: 5 }).toBe(running.length)
  return performance.now() - startedAt
}

async function stop(): Promise<void> {
  await Promise.all(running.splice(0).map((one) => one.stop()))
  await expect.poll(() => desktop.panel.items().length).toBe(0)
}

test('idle, it weighs at most 1.10 times a blank Electron tray', async (context) => {
  const electron = demandElectron(context)
  // Both at once: what two Electrons share is shared between them, and nobody else's coming and going favours one.
  await startToTray(electron, blank)
  await startToTray(electron, own)
  await new Promise((wake) => setTimeout(wake, settleMs))
  const [blankKiB = 0, ownKiB = 0] = await Promise.all(running.map(({ pid }) => pss(pid)))
  process.stdout.write(
    `idle PSS: blank ${mib(blankKiB)}, sg-session ${mib(ownKiB)}, ratio ${ratio(ownKiB, blankKiB)}\n`,
  )
  expect(ownKiB / blankKiB).toBeLessThanOrEqual(1.1)
})

test('its icon is there after at most 1.25 times a blank Electron tray’s', async (context) => {
  const electron = demandElectron(context)
  const times = { blank: [] as number[], own: [] as number[] }
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, folder] of [
      ['blank', blank],
      ['own', own],
    ] as const) {
      times[name].push(await startToTray(electron, folder))
      await stop()
    }
  }
  const [blankMs, ownMs] = [median(times.blank), median(times.own)]
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

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

function mib(kib: number): string {
  return `${Math.round(kib / 1024)} MiB`
}

function ratio(a: number, b: number): string {
  return (a / b).toFixed(2)
}
