import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** A program on one core. */
export interface Pinned {
  /** What it said before it was ready. */
  said(): string
  /** Gives it its only input and resolves with the line it answers. */
  ask(input: string): Promise<string>
  /** Processor time it has used, in seconds. */
  processorTimeS(): number
  stop(): Promise<void>
}

/** Of Linux: `getconf CLK_TCK`. */
const ticksPerSecond = 100

/** Starts a TypeScript program on a core, where there are several, and resolves when it says that it serves. */
export async function startPinned(core: number, file: string, args: readonly string[]): Promise<Pinned> {
  const pin =
    cpus().length > core && spawnSync('taskset', ['--version']).status === 0 ? ['taskset', '-c', `${core}`] : []
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
  const until = async (hasSaid: () => boolean): Promise<void> => {
    while (!hasSaid()) {
      if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}: ${wrong}`)
      await Promise.race([once(child.stdout, 'data'), ended])
    }
  }
  await until(() => out.includes('serves'))
  return {
    said: () => out,
    async ask(input) {
      const before = out.length
      child.stdin.end(input)
      await until(() => out.slice(before).includes('\n'))
      return out.slice(before)
    },
    processorTimeS: () => {
      // Behind the name, which may hold anything: proc(5), fields 14 and 15.
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
      return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
    },
    async stop() {
      if (child.exitCode !== null) return
      child.kill()
      await ended
    },
  }
}
