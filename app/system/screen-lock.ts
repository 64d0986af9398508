import { powerMonitor } from 'electron'

/** On Linux Electron tells of no lock, it only answers when asked; asked this often, and only while somebody needs to know. */
const lookMs = 5_000

/** Whether the screen is locked, and when that changes. */
export class ScreenLock {
  readonly #onChange: (locked: boolean) => void
  #locked = false
  #watched = false
  #look: NodeJS.Timeout | undefined

  constructor(onChange: (locked: boolean) => void) {
    this.#onChange = onChange
    powerMonitor.on('lock-screen', () => this.#note(true))
    powerMonitor.on('unlock-screen', () => this.#note(false))
    // The first answer on Linux is always "not locked": it only begins to listen to the screen saver.
    if (process.platform === 'linux') powerMonitor.getSystemIdleState(1)
  }

  /** As it is now. */
  get isLocked(): boolean {
    if (process.platform === 'linux') this.#note(powerMonitor.getSystemIdleState(1) === 'locked')
    return this.#locked
  }

  /** From now on every change is told, on every system; else only until the screen is open again. */
  watchAlways(): void {
    this.#watched = true
    this.#lookAgain()
  }

  close(): void {
    clearInterval(this.#look)
  }

  #note(locked: boolean): void {
    if (locked === this.#locked) return
    this.#locked = locked
    this.#lookAgain()
    this.#onChange(locked)
  }

  #lookAgain(): void {
    clearInterval(this.#look)
    if (process.platform !== 'linux' || !(this.#watched || this.#locked)) return
    this.#look = setInterval(() => this.isLocked, lookMs)
  }
}
