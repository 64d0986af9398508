import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { endWithUs } from '../sandbox/end-with-us.ts'

/** A program on one core. */
export interface Pinned {
  readonly pid: number
  /** Processor time it has used, ms. */
  processorMs(): number
  /** What it said before it was ready. */
  said(): string
  /** Gives it its only input and resolves with the line it answers. */
  ask(input: string): Promise<string>
  stop(): Promise<void>
}

/** Of Linux: `getconf CLK_TCK` is 100 everywhere. */
const tickMs = 10
const canPin = spawnSync('taskset', ['--version']).status === 0

/** Starts a TypeScript program on a core, where there are several, and resolves when it says that it serves. */
export async function startPinned(core: number, file: string, args: readonly string[]): Promise<Pinned> {
  const pin = canPin && cpus().length > core ? ['taskset', '-c', `${core}`] : []
  const [command = process.execPath, ...rest] = [...pin, process.execPath, file, ...args]
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'] })
  let out = ''
  let wrong = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk
  })
  // Only its end is worth keeping; a broker logs every exchange.
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    wrong = (wrong + chunk).slice(-2_000)
  })
  const ended = once(child, 'exit')
  const calm = endWithUs(child.pid ?? -1, '', 'SIGTERM')
  ended.then(calm, calm)
  const until = async (hasSaid: () => boolean): Promise<void> => {
    while (!hasSaid()) {
      if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}: ${wrong}`)
      await Promise.race([once(child.stdout, 'data'), ended])
    }
  }
  await until(() => out.includes('serves'))
  return {
    pid: child.pid ?? -1,
    processorMs: () => {
      // Behind the name, which may hold anything: proc(5), fields 14 and 15.
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
      return (Number(fields[11]) + Number(fields[12])) * tickMs
    },
    said: () => out,
    async ask(input) {
      const before = out.length
      child.stdin.end(input)
      await until(() => out.slice(before).includes('\n'))
      return out.slice(before)
    },
    async stop() {
      if (child.exitCode !== null) return
      child.kill()
      await ended
    },
  }
}

/** Keeps this process off the core that the measured servers have. */
export function pinThisProgram(core: number): void {
  if (canPin && cpus().length > core) spawnSync('taskset', ['-cp', `${core}`, String(process.pid)])
}
