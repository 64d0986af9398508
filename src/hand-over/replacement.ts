import { asAgentError } from '../errors.ts'
import type { Log } from '../ports.ts'
import { SingleFlight } from '../waiting/single-flight.ts'
import { CalledOff, type HandOverSettings, handOver, reasonOf } from './hand-over.ts'
import { judgeProgram, type ProgramLook } from './judge-program.ts'
import { isPackageManagerBusy, lookAtProgram } from './look-at-program.ts'
import { ProgramWatch } from './program-watch.ts'

export interface ReplacementSettings extends HandOverSettings {
  readonly agent: HandOverSettings['agent'] & {
    whenIdle(signal: AbortSignal): Promise<void>
    handOverProblem: { readonly at: number; readonly because: string } | undefined
  }
  /** What lay there when this process was started: it may have been replaced since. */
  readonly started: ProgramLook
  /** How the program's files are looked at; as Node sees them when not said. */
  readonly look?: (files: readonly string[]) => Promise<ProgramLook>
  /** How long a program has to lie still, twice, before it counts as whole. Default 1,000. */
  readonly settleMs?: number
  /** Called when `handOverProblem` of the agent was set or taken back. */
  readonly changed?: () => void
}

/** `refused`: it is not one to start. `failed`: it was started, and did not take over. */
export type ReplacementState = 'ready' | 'refused' | 'failed'

const longestPauseMs = 60_000
/** One that is late may be so because the machine is. */
const mostTimeouts = 2

/**
 * Notices that the program on the disk is another one, waits until it is whole and nobody is in the middle of something, and hands over
 * to it. One that does not take over is tried once.
 */
export class Replacement {
  readonly #settings: ReplacementSettings
  readonly #watch: ProgramWatch
  readonly #stop = new AbortController()
  readonly #working = new SingleFlight<void>()
  #seen = ''
  #failed: string | undefined
  #reported: string | undefined
  #calledOff = 0
  #timeouts = 0
  #saidBusy = false
  #state: ReplacementState = 'ready'
  #isOver: () => void = () => undefined
  /** Resolves when another process serves: this one is to end. */
  readonly over: Promise<void>

  constructor(settings: ReplacementSettings) {
    this.#settings = settings
    this.over = new Promise((resolve) => {
      this.#isOver = resolve
    })
    this.#watch = new ProgramWatch(settings.program.files, settings.settleMs ?? 1_000, () => void this.#look())
    this.#watch.lookSoon()
  }

  /** Hands over as soon as nobody is interrupted by it, if another program lies on the disk; one that has failed is tried again. */
  now(): void {
    this.#failed = undefined
    this.#watch.lookSoon()
  }

  /** What would become of, or has become of, the program that is put in this one's place. */
  get state(): ReplacementState {
    return this.#state
  }

  /** Resolves when a hand-over under way is called off. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#watch.close()
    await this.#working.settled()
  }

  #look(): Promise<void> {
    return this.#working
      .run(() => this.#work())
      .catch((error: unknown) => {
        this.#log.error({ err: error }, 'the program on the disk could not be looked at')
      })
  }

  get #log(): Log {
    return this.#settings.log
  }

  async #work(): Promise<void> {
    const { agent, program, started, look = lookAtProgram } = this.#settings
    const { signal } = this.#stop
    const now = await look(program.files)
    const uid = process.getuid?.() ?? -1
    const verdict = judgeProgram(started, now, { uid, isExecutable: program.isExecutable })
    const version = now.map((file) => file?.version ?? '').join('\n')
    const isStill = version === this.#seen
    this.#seen = version
    if (signal.aborted) return
    if (verdict.is === 'same') {
      this.#say('ready')
      return
    }
    if (verdict.is === 'unfinished')
      return this.#log.info({ because: verdict.because }, 'the program on the disk is not whole')
    if (verdict.is === 'refused') return this.#report('refused', version, verdict.because)
    if (version === this.#failed) return
    // Looked at twice: not every file system tells of what others write.
    if (!isStill) return this.#watch.lookSoon()
    if (await isPackageManagerBusy()) {
      if (!this.#saidBusy) this.#log.info('a package manager is at work; the hand-over waits for it')
      this.#saidBusy = true
      return this.#watch.lookSoon()
    }
    if (agent.isBusy) {
      await agent.whenIdle(signal).catch(() => undefined)
      // Somebody may have taken minutes to sign in: what was judged before may be another program by now.
      return this.#watch.lookSoon()
    }
    await this.#try(version)
  }

  async #try(version: string): Promise<void> {
    this.#log.info('another program lies on the disk; handing over to it')
    try {
      await handOver({ ...this.#settings, signal: this.#stop.signal })
    } catch (error) {
      if (!this.#isWorthAnother(error)) {
        this.#report('failed', version, reasonOf(error))
        // What was put there meanwhile was told of while nobody looked.
        return this.#watch.lookSoon()
      }
      this.#log.info({ because: reasonOf(error) }, 'the hand-over was put off')
      this.#calledOff += 1
      const pauseMs = Math.min(longestPauseMs, 1_000 * 2 ** this.#calledOff)
      setTimeout(() => this.#watch.lookSoon(), pauseMs).unref()
      return
    }
    this.#watch.close()
    this.#isOver()
  }

  #isWorthAnother(error: unknown): boolean {
    if (error instanceof CalledOff) return true
    if (asAgentError(error).code !== 'agent_timeout') return false
    this.#timeouts += 1
    return this.#timeouts < mostTimeouts
  }

  /** Said once of each program that was put there. */
  #report(state: 'refused' | 'failed', version: string, because: string): void {
    this.#failed = version
    this.#timeouts = 0
    if (this.#reported === version) return
    this.#reported = version
    this.#say(state, { at: Date.now(), because })
    this.#log.error({ because }, 'the program on the disk has not taken over; this one goes on')
  }

  #say(state: ReplacementState, problem?: { readonly at: number; readonly because: string }): void {
    const { agent, changed } = this.#settings
    if (state === this.#state && problem === agent.handOverProblem) return
    this.#state = state
    agent.handOverProblem = problem
    changed?.()
  }
}
