import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Desktop, startDesktop } from '../../sandbox/desktop/desktop.ts'
import { type Running, startProcess } from '../../sandbox/processes.ts'
import { type Scene, setScene } from '../scene.ts'

const own = resolve(import.meta.dirname, '..', '..', '..')
const folders = { blank: resolve(own, 'test', 'bench', 'peers', 'blank-tray'), own } as const
/** How long after the icon memory has come to rest. */
const settleMs = 4_000
const limitMs = 20_000

/**
 * Our app beside the least an Electron tray can be, on one desktop: what is measured of both depends little on the machine, and
 * what two Electrons share is shared between them.
 */
export class TrayRivals {
  readonly #electron: string
  readonly #desktop: Desktop
  readonly #running: Running[] = []
  /** What our app finds in its configuration. */
  readonly scene: Scene

  private constructor(electron: string, scene: Scene, desktop: Desktop) {
    this.#electron = electron
    this.scene = scene
    this.#desktop = desktop
  }

  static async open(electron: string): Promise<TrayRivals> {
    const scene = await setScene()
    const options = { notifications: false, screenSaver: false, power: false }
    const desktop = await startDesktop(options).catch(async (error: unknown) => {
      await scene.close()
      throw error
    })
    return new TrayRivals(electron, scene, desktop)
  }

  /** Starts one and waits for its icon in the panel; resolves with how long that took, ms, and its first process. */
  async startToTray(which: keyof typeof folders): Promise<{ readonly ms: number; readonly pid: number }> {
    const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
    const args = [...asRoot, folders[which], '--allow-insecure-loopback']
    const startedAt = performance.now()
    const started = startProcess(this.#electron, args, { ...this.scene.studio.env, ...this.#desktop.env })
    this.#running.push(started)
    await this.#untilIcons(this.#running.length)
    return { ms: performance.now() - startedAt, pid: started.pid }
  }

  /** Starts both; resolves with their first processes when they have come to rest. */
  async startBoth(): Promise<Record<keyof typeof folders, number>> {
    const blank = await this.startToTray('blank')
    const ours = await this.startToTray('own')
    await pause(settleMs)
    return { blank: blank.pid, own: ours.pid }
  }

  /** Ends what runs of them. */
  async stop(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((one) => one.stop()))
    await this.#untilIcons(0)
  }

  async close(): Promise<void> {
    await this.stop()
    await this.#desktop.stop()
    await this.scene.close()
  }

  async #untilIcons(count: number): Promise<void> {
    const deadline = performance.now() + limitMs
    while (this.#desktop.panel.items().length !== count) {
      if (performance.now() > deadline)
        throw new Error(`there are ${this.#desktop.panel.items().length} icons, not ${count}`)
      await pause(2)
    }
  }
}
