import { app } from 'electron'
import type { Config } from '../src/config/config.ts'
import type { ProgramLook } from '../src/hand-over/judge-program.ts'
import type { Program } from '../src/hand-over/program.ts'
import { Replacement } from '../src/hand-over/replacement.ts'
import type { TakeOver } from '../src/hand-over/take-over.ts'
import type { Log } from '../src/ports.ts'
import type { Paths } from '../src/system/paths.ts'
import type { LaunchWish } from './command-line.ts'
import type { Core } from './core.ts'
import type { Situation } from './situation.ts'
import { lookAtApp } from './system/app-program.ts'
import { type Obstacle, type ObstacleFacts, obstacleOf } from './update/obstacle.ts'
import type { Updates } from './update/updates.ts'

/** This app among those that were and will be in its place. */
export interface SuccessionOptions {
  /** Set where this app takes the place of another. */
  readonly takeOver?: TakeOver | undefined
  /** Absent where nobody replaces this app under way. */
  readonly program?: Program | undefined
  /** What lay on the disk when this app was started. */
  readonly started?: ProgramLook | undefined
  /** Another app serves: this one is to end. */
  readonly onOver: () => void
}

/** The app that has a successor one day. */
export interface SuccessionHost {
  /** What a restart would interrupt. */
  interruptible(): Pick<Situation, 'sites' | 'question'> & Pick<ObstacleFacts, 'anyWindow' | 'isBusy'>
  /** There is something new to show. */
  changed(): void
  /** Another app is about to serve: gives it the icon, the screen and the lock. Resolves with what a person waits for at this one. */
  giveUpPlace(): Promise<LaunchWish>
}

/** Which program takes this app's place, and when: one that a package manager put there, or a newer version it fetched itself. */
export class Succession {
  readonly #options: Partial<SuccessionOptions>
  readonly #host: SuccessionHost
  readonly #log: Log
  #replacement: Replacement | undefined
  #updates: Updates | undefined

  constructor(options: Partial<SuccessionOptions>, host: SuccessionHost, log: Log) {
    this.#options = options
    this.#host = host
    this.#log = log
  }

  /** The app whose place this one takes. */
  get takeOver(): TakeOver | undefined {
    return this.#options.takeOver
  }

  /** Hands over what this core holds when another program lies on the disk. */
  watchProgram({ agent, claimed }: Core): void {
    const { program, started, onOver } = this.#options
    if (!program || !started) return
    this.#replacement = new Replacement({
      ...{ program, started, agent, claimed, log: this.#log, look: lookAtApp },
      giveUpPlace: () => this.#host.giveUpPlace(),
      changed: () => this.#host.changed(),
    })
    void this.#replacement.over.then(onOver)
  }

  /** Resolves when a hand-over under way is called off. */
  async leaveProgram(): Promise<void> {
    await this.#replacement?.close()
    this.#replacement = undefined
  }

  /** Looks for newer versions where the policy switched that on; else not even the code for it is loaded. */
  async openUpdates(config: Config | undefined, paths: Paths): Promise<void> {
    if (!config?.update.enabled) return
    const { openUpdates } = await import('./update/system-updates.ts')
    this.#updates = await openUpdates(config, paths, this.#log, {
      obstacle: () => this.#obstacle(),
      changed: () => this.#host.changed(),
      handsOver: () => this.#handsOver,
      handOver: () => void this.handOverSoon(),
      quit: () => app.quit(),
    })
    this.#updates?.start()
  }

  /** Only on Linux does the update itself replace the file of a running program; elsewhere an installer waits for its end. */
  get #handsOver(): boolean {
    return process.platform === 'linux' && this.#replacement !== undefined && this.#replacement.state !== 'refused'
  }

  #obstacle(): Obstacle | undefined {
    const { anyWindow, isBusy, ...facts } = this.#host.interruptible()
    return obstacleOf(facts, { anyWindow, isBusy, handsOver: this.#handsOver })
  }

  /** Whether newer versions of this installation come by themselves. */
  get updatesItself(): boolean {
    return this.#updates !== undefined
  }

  /** The newer version that is ready, and what it waits for. */
  get readyUpdate(): Situation['update'] {
    const version = this.#updates?.ready
    if (version === undefined) return undefined
    const hasFailed = this.#updates?.isInPlace && this.#replacement?.state === 'failed'
    return { version, obstacle: hasFailed ? 'start' : this.#obstacle() }
  }

  /** Somebody has signed in, or the machine woke up: a moment to look for a newer version. */
  onEvent(): void {
    this.#updates?.onEvent()
  }

  /** The situation is another one: what waited for it may go on. */
  advance(): void {
    this.#updates?.advance()
  }

  /** Hands over to another app on the disk as soon as nobody is interrupted by it. False where that is not possible here. */
  handOverSoon(): boolean {
    this.#replacement?.now()
    return this.#replacement !== undefined
  }

  /** Restarts as the version that is ready, where only an open window stands in the way. */
  async restartForUpdate(): Promise<void> {
    await this.#updates?.restart()
  }

  /** Looks for nothing any more. Resolves when a hand-over under way is called off. */
  async close(): Promise<void> {
    this.#updates?.close()
    await this.leaveProgram()
  }

  /** Puts in place what is ready; the last thing before the end. Never rejects. */
  async finishUpdate(): Promise<void> {
    await this.#updates?.finish()
  }

  /** Another app serves: what this one has downloaded for it is not needed any more. Never rejects. */
  async handedOver(): Promise<void> {
    await this.#updates?.handedOver()
  }
}
