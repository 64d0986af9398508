import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'

export const callerScript = join(import.meta.dirname, 'caller.py')

/** This machine's Python: its program file, links resolved, and where a copy of that file finds its library. */
export const python = ((): { readonly file: string; readonly home: string } => {
  const script = 'import os, sys; print(os.path.realpath(sys.executable)); print(sys.base_prefix)'
  const [file = '', home = ''] = execFileSync('python3', ['-c', script], { encoding: 'utf8' }).split('\n')
  return { file, home }
})()

/** A program that calls and does what a test tells it. */
export class Caller {
  readonly #child: ChildProcess
  readonly #orders: Writable
  readonly #said: AsyncIterator<string>

  private constructor(command: string, args: readonly string[]) {
    const env = { ...process.env, PYTHONHOME: python.home, PYTHONDONTWRITEBYTECODE: '1' }
    this.#child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit', 'pipe'] })
    // Its standard input would be closed when it ends, also to a child that goes on.
    this.#orders = this.#child.stdio[3] as Writable
    this.#orders.on('error', () => undefined)
    this.#said = createInterface({ input: this.#child.stdout ?? process.stdin })[Symbol.asyncIterator]()
  }

  /** Runs the script in a Python, this machine's when none is said. */
  static start(program: string = python.file): Caller {
    return new Caller(program, [callerScript])
  }

  /** Runs whatever ends as the script in a Python. */
  static startAs(command: string, args: readonly string[]): Caller {
    return new Caller(command, args)
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  /** Tells it to do something; resolves with what came of it. */
  async tell(act: string, ...what: readonly unknown[]): Promise<unknown> {
    this.mention(act, ...what)
    return this.hear()
  }

  /** Tells it without waiting. */
  mention(act: string, ...what: readonly unknown[]): void {
    this.#orders.write(`${JSON.stringify([act, ...what])}\n`)
  }

  async hear(): Promise<unknown> {
    const { value, done } = await this.#said.next()
    if (done) throw new Error('the caller is gone')
    return JSON.parse(value)
  }

  async gone(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    await new Promise((resolve) => this.#child.once('exit', resolve))
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.gone()
  }
}
