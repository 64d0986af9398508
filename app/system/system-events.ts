import { net, powerMonitor } from 'electron'

export interface SystemListener {
  /** The machine was asleep for this long, or its clock was set. */
  onAwake(sleptMs: number): void
  onOnline(online: boolean): void
}

/** While offline the network is looked at this often; while online never, for nothing may tick in an idle app. */
const offlineLookMs = 15_000

/** Sleep and network, as Electron tells of them. */
export class SystemEvents {
  readonly #listener: SystemListener
  #asleepSince: number | undefined
  #online = true
  #look: NodeJS.Timeout | undefined

  constructor(listener: SystemListener) {
    this.#listener = listener
    powerMonitor.on('suspend', () => {
      this.#asleepSince ??= Date.now()
    })
    // Electron may tell of each wake-up twice; the second has slept for nothing.
    powerMonitor.on('resume', () => {
      const sleptMs = this.#asleepSince === undefined ? 0 : Date.now() - this.#asleepSince
      this.#asleepSince = undefined
      listener.onAwake(Math.max(0, sleptMs))
      this.lookAtNetwork()
    })
    this.#online = net.isOnline()
    this.#lookAgain()
  }

  get online(): boolean {
    return this.#online
  }

  /** Looks at the network now; Electron tells the main process of no change. */
  lookAtNetwork(): void {
    const online = net.isOnline()
    const changed = online !== this.#online
    this.#online = online
    this.#lookAgain()
    if (changed) this.#listener.onOnline(online)
  }

  close(): void {
    clearTimeout(this.#look)
    powerMonitor.removeAllListeners()
  }

  #lookAgain(): void {
    clearTimeout(this.#look)
    if (!this.#online) this.#look = setTimeout(() => this.lookAtNetwork(), offlineLookMs)
  }
}
