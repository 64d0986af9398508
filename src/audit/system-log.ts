import { type ChildProcess, spawn } from 'node:child_process'
import { AgentError } from '../errors.ts'

/** The program that speaks to the system's log. */
export interface Logger {
  readonly program: string
  readonly args: readonly string[]
}

export interface SystemLogSettings {
  readonly logger: Logger
  readonly onProblem: (problem: AgentError | undefined) => void
  readonly limits?: Partial<typeof systemLogLimits>
}

export const systemLogLimits = {
  /** Lines that wait for a logger; the oldest goes first. */
  waitingLines: 1_000,
  firstRetryMs: 1_000,
  lastRetryMs: 60_000,
  /** One that has lived this long has found the system's log, and is fed from then on. */
  provenMs: 500,
  closeMs: 1_000,
}

/** The system's own; undefined where there is none (Windows). */
export function systemLogger(platform: NodeJS.Platform = process.platform): Logger | undefined {
  const args = ['-t', 'sg-session', '-p', 'authpriv.info']
  if (platform === 'darwin') return { program: '/usr/bin/logger', args }
  // By itself it would cut a line at 1 KiB, and say nothing where there is no /dev/log. logger(1) of util-linux
  if (platform === 'linux')
    return { program: '/usr/bin/logger', args: [...args, '--size', '8192', '--socket-errors=on'] }
  return undefined
}

/**
 * Hands lines to the system's log through `logger`, one long-lived process that is fed on its standard input and started again,
 * later and later, when it ends. Keeps nobody waiting.
 */
export class SystemLog {
  readonly #settings: SystemLogSettings
  readonly #limits: typeof systemLogLimits
  readonly #lostLine: (count: number) => string
  #waiting: string[] = []
  #lost = 0
  #child: ChildProcess | undefined
  #retry: NodeJS.Timeout | undefined
  #retryMs: number
  #isFailing = false
  #isProven = false
  #isClosed = false

  /** `lostLine`: what is handed over in the place of so many lines. */
  constructor(settings: SystemLogSettings, lostLine: (count: number) => string) {
    this.#lostLine = lostLine
    this.#settings = settings
    this.#limits = { ...systemLogLimits, ...settings.limits }
    this.#retryMs = this.#limits.firstRetryMs
  }

  /** `line` without its line feed. */
  write(line: string): void {
    this.#waiting.push(line)
    if (this.#waiting.length > this.#limits.waitingLines) {
      this.#waiting.shift()
      this.#lost += 1
    }
    this.#feed()
  }

  /** Hands over what waits, if that can be had soon, and ends the process. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#retry)
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    for (const line of this.#waiting.splice(0)) child.stdin?.write(`${line}\n`)
    child.stdin?.end()
    const kill = setTimeout(() => child.kill('SIGKILL'), this.#limits.closeMs)
    await ended
    clearTimeout(kill)
  }

  #feed(): void {
    if (this.#isClosed || this.#retry) return
    this.#child ??= this.#start()
    if (!this.#isProven) return
    const { stdin } = this.#child
    if (this.#lost > 0) {
      this.#waiting.unshift(this.#lostLine(this.#lost))
      this.#lost = 0
    }
    while (stdin && !stdin.writableNeedDrain && stdin.writable) {
      const line = this.#waiting.shift()
      if (line === undefined) return
      stdin.write(`${line}\n`)
    }
  }

  #start(): ChildProcess {
    const { program, args } = this.#settings.logger
    // Nothing of our environment is its business.
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'], env: {}, cwd: '/' })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-300)
    })
    child.stdin.on('error', () => undefined).on('drain', () => this.#feed())
    this.#isProven = false
    const proven = setTimeout(() => {
      this.#isProven = true
      this.#recover()
      this.#feed()
    }, this.#limits.provenMs).unref()
    const end = (why: string): void => {
      clearTimeout(proven)
      if (this.#child !== child) return
      this.#child = undefined
      this.#fail(why)
    }
    child.once('error', (error) => end('code' in error ? String(error.code) : error.message))
    child.once('close', (status, signal) => end(said.trim() || `it ended with ${status ?? signal}`))
    return child
  }

  #recover(): void {
    this.#retryMs = this.#limits.firstRetryMs
    if (!this.#isFailing) return
    this.#isFailing = false
    this.#settings.onProblem(undefined)
  }

  #fail(why: string): void {
    if (this.#isClosed) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.#feed()
    }, this.#retryMs).unref()
    this.#retryMs = Math.min(this.#retryMs * 2, this.#limits.lastRetryMs)
    if (this.#isFailing) return
    this.#isFailing = true
    const message = `the audit does not reach the system’s log: "${this.#settings.logger.program}": ${why}`
    const advice = 'It is in its file all the same. Start the system’s log, or switch "audit.systemLog" off.'
    this.#settings.onProblem(new AgentError('temporarily_unavailable', message, { advice }))
  }
}
