import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import type { Launch } from './command-line.ts'

/** Whether there is a screen to show anything on. Only Linux can be without. */
export function hasDisplay(env: Readonly<NodeJS.ProcessEnv> = process.env): boolean {
  return process.platform !== 'linux' || Boolean(env['DISPLAY']) || Boolean(env['WAYLAND_DISPLAY'])
}

/**
 * Electron cannot start without a display, so the agent without a tray takes its place and this process waits for it. Says
 * so on standard error; resolves with the exit status to end with. Electron goes no further while its main module waits.
 */
export async function runWithoutDisplay(launch: Launch): Promise<number> {
  const program = installedCommandLine()
  const say = (text: string): void =>
    void process.stderr.write(`sg-session: there is no display, so there is no tray. ${text}\n`)
  if (!program) {
    say('Start it on a desktop, or run "sg-session agent" from the command-line package.')
    return 1
  }
  say('The session is served all the same, by "sg-session agent"; sign in with "sg-session sign-in".')
  const loopback = launch.allowInsecureLoopback ? ['--allow-insecure-loopback'] : []
  let running: ChildProcess | undefined
  // Signals are heard before it is there: one that comes as it starts would end us alone, and leave it running.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => running?.kill(signal))
  const agent = spawn(program, ['agent', '--log-level', launch.logLevel, ...loopback], { stdio: 'inherit' })
  running = agent
  return new Promise((resolve) => {
    agent.once('error', () => resolve(1))
    agent.once('exit', (status) => resolve(status ?? 1))
  })
}

function installedCommandLine(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute)
  // The one that came with the app may not be on the PATH: somebody unpacked both into a folder.
  return [join(dirname(process.execPath), 'bin'), ...folders]
    .map((folder) => join(folder, 'sg-session'))
    .find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
