import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { noteSaid } from './canaries.ts'

export interface Running {
  readonly pid: number
  /** Resolves with its exit status; -1 when a signal ended it. */
  readonly ended: Promise<number>
  stdout(): string
  stderr(): string
  /** Sends the signal and waits; after ten seconds it is killed. */
  stop(signal?: NodeJS.Signals): Promise<number>
}

export interface Finished {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

const stopLimitMs = 10_000

/** The broker's program: in one file where `npm test` has made that, else its sources. */
export const brokerProgram =
  process.env['SG_BROKER_PROGRAM'] ?? resolve(import.meta.dirname, '..', '..', 'src', 'broker', 'sg-broker.ts')

/** The command line's program, likewise. */
export const commandLineProgram =
  process.env['SG_SESSION_PROGRAM'] ?? resolve(import.meta.dirname, '..', '..', 'src', 'cli', 'sg-session.ts')

/** For programs that many tests start: Node reads each of their files once, and not once a start. Half a second saved each time. */
export const compileCache = { NODE_COMPILE_CACHE: join(tmpdir(), 'sg-session-compile-cache') }

/** Who runs a program, and where; by default we, and where we are. */
export interface Circumstances {
  readonly uid?: number
  readonly gid?: number
  readonly cwd?: string
}

/** Starts a program with exactly this environment and listens to what it says. */
export function startProcess(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  circumstances: Circumstances = {},
): Running {
  const child = spawn(command, args, { ...circumstances, env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      said[stream] += chunk
      // What a command prints is what it was asked for, and may be a token; a service has nobody who asked.
      if (stream === 'stderr' || args.includes('agent') || args.includes('serve'))
        noteSaid(`${stream}-${child.pid}`, chunk)
    })
  }
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve(status ?? -1))
  })
  return {
    pid: child.pid ?? -1,
    ended,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      const giveUp = setTimeout(() => child.kill('SIGKILL'), stopLimitMs)
      return ended.finally(() => clearTimeout(giveUp))
    },
  }
}

/** Waits for its end and tells how it ended. */
export async function finished(running: Running): Promise<Finished> {
  const status = await running.ended
  return { status, stdout: running.stdout(), stderr: running.stderr() }
}

/** Waits until it has said `text`. Throws with all it said when it ends first or takes longer than `limitMs`. */
export async function untilSaid(running: Running, text: string, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(running.stdout() + running.stderr()).includes(text)) {
    const status = await Promise.race([running.ended, new Promise<undefined>((wake) => setTimeout(wake, 20))])
    const said = running.stdout() + running.stderr()
    if (status !== undefined && !said.includes(text)) throw new Error(`it ended with ${status}: ${said}`)
    if (performance.now() > deadline) throw new Error(`it did not say "${text}": ${said}`)
  }
}
