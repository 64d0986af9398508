import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { _electron, type ElectronApplication, type Page } from 'playwright-core'
import type { TestContext } from 'vitest'
import { type Desktop, type DesktopOptions, startDesktop } from '../../sandbox/desktop/desktop.ts'
import type { TrayItem } from '../../sandbox/desktop/tray-item.ts'
import { keepPicture } from '../../sandbox/keep-picture.ts'
import { startProcess } from '../../sandbox/processes.ts'
import { type Scene, type SceneOptions, setScene } from '../scene.ts'

const root = resolve(import.meta.dirname, '..', '..', '..')
const startLimitMs = 30_000
/** Where pictures of windows go; kept for people to look at. */
export const pictureFolder = join(root, 'test-results', 'windows')

export interface AppStage {
  readonly scene: Scene
  readonly desktop: Desktop
  readonly app: ElectronApplication
  /** The icon in the panel, once the app has started. */
  tray(): Promise<TrayItem>
  /** The window with this title, when it is there. */
  window(title: string): Promise<Page>
  hasWindow(title: string): Promise<boolean>
  /** Starts the app once more, as a person would; resolves when that second start has ended. */
  startAgain(...args: string[]): Promise<number>
  picture(page: Page, name: string): Promise<void>
  quit(): Promise<void>
  close(): Promise<void>
}

export interface StageOptions {
  readonly scene?: SceneOptions
  readonly desktop?: DesktopOptions
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** With Chromium's sandbox, which root cannot have: then `electron` must start it as somebody else. Default: if it can be. */
  readonly sandbox?: boolean
  /** Called with the scene before the app starts. */
  readonly prepare?: (scene: Scene) => Promise<void>
}

/** The Electron to run; skips the test, saying why, where there is none. */
export function demandElectron(context: TestContext): string {
  return process.env['SG_SESSION_ELECTRON'] ?? context.skip('no Electron to run: SG_SESSION_ELECTRON names none')
}

/** Root cannot have Chromium's sandbox; everybody else does. */
export const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []

/** The real app on a desktop of its own, between the sandbox's servers and a real broker. */
export async function openStage(electron: string, options: StageOptions = {}): Promise<AppStage> {
  await mkdir(pictureFolder, { recursive: true })
  const closing: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const one of closing.splice(0).reverse()) await one()
  }
  try {
    const scene = await setScene(options.scene)
    closing.push(() => scene.close())
    const desktop = await startDesktop(options.desktop)
    closing.push(() => desktop.stop())
    await options.prepare?.(scene)
    const env = { ...scene.studio.env, ...desktop.env, ...options.env }
    const args = [...(options.sandbox ? [] : asRoot), root, '--allow-insecure-loopback', ...(options.args ?? [])]
    const app = await _electron.launch({
      executablePath: electron,
      args,
      env,
      timeout: startLimitMs,
      // Playwright itself would switch it off.
      chromiumSandbox: options.sandbox ?? asRoot.length === 0,
    })
    const ended = new Promise<void>((done) => void app.once('close', () => done()))
    let open = true
    const quit = async (): Promise<void> => {
      if (!open) return
      open = false
      await app.evaluate(({ app: electronApp }) => electronApp.quit()).catch(() => undefined)
      const killer = setTimeout(() => app.process().kill('SIGKILL'), 15_000)
      await ended
      clearTimeout(killer)
    }
    closing.push(quit)
    const titled = async (title: string): Promise<Page | undefined> => {
      for (const page of app.windows()) {
        if ((await page.title().catch(() => '')) === title) return page
      }
      return undefined
    }
    let titles: readonly string[] = []
    return {
      scene,
      desktop,
      app,
      async tray() {
        const item = await desktop.panel.item()
        await item.untilMenu((menu) => menu[0]?.label !== 'Starting…', 'the menu of an app that has started')
        return item
      },
      async window(title) {
        const deadline = performance.now() + 30_000
        for (;;) {
          const found = await titled(title)
          if (found) return found
          titles = await Promise.all(app.windows().map((page) => page.title().catch(() => '?')))
          if (performance.now() > deadline)
            throw new Error(`no window "${title}" among: ${titles.join(', ') || 'none'}`)
          await new Promise((wake) => setTimeout(wake, 30))
        }
      },
      async hasWindow(title) {
        return (await titled(title)) !== undefined
      },
      startAgain(...more) {
        return startProcess(electron, [...args, ...more], env).ended
      },
      async picture(page, name) {
        await keepPicture(page, join(pictureFolder, `${name}.png`))
      },
      quit,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
