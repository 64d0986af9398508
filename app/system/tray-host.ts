import { spawn } from 'node:child_process'

const watcher = 'org.kde.StatusNotifierWatcher'
const answerLimitS = 2

/**
 * Whether this desktop shows tray icons. Electron does not tell, and registers an icon only with a panel that is there when
 * the icon is made; so on Linux the session bus is asked. True where it cannot be asked.
 */
export function trayHostIsThere(): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(true)
  return waitForName(['--timeout', String(answerLimitS)]).ended
}

/** Calls `appeared` once when a panel turns up; returns how to stop waiting. The wait is the bus's, nothing ticks. */
export function whenTrayHostAppears(appeared: () => void): () => void {
  const { ended, stop } = waitForName([])
  void ended.then((found) => {
    if (found) appeared()
  })
  return stop
}

function waitForName(options: readonly string[]): { ended: Promise<boolean>; stop: () => void } {
  const child = spawn('gdbus', ['wait', '--session', ...options, watcher], { stdio: 'ignore' })
  const ended = new Promise<boolean>((resolve) => {
    // No gdbus: nobody to ask.
    child.once('error', () => resolve(true))
    child.once('exit', (status, signal) => resolve(status === 0 && signal === null))
  })
  return { ended, stop: () => void child.kill() }
}
