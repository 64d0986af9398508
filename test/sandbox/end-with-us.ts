import { spawn } from 'node:child_process'

// Calm is a line on its standard input; the end of input without one means that we are gone, killed or otherwise.
const watch = `
  read -r calm && exit
  kill -s "$3" "$1"
  tries=0
  while kill -0 "$1" && [ $((tries += 1)) -lt 100 ]; do sleep 0.1; done
  kill -KILL "$1"
  rm -rf "$2"`

/**
 * Sees to it that a process ends (by the signal, or ten seconds later by SIGKILL) and its folder goes when this process
 * ends, in whatever way. Call what it returns once the process has been ended.
 */
export function endWithUs(pid: number, folder: string, signal: NodeJS.Signals): () => void {
  // What could not be started has -1, which to `kill` means everybody.
  if (pid <= 1) return () => undefined
  // In a session of its own: Ctrl-C in our terminal must not reach it.
  const watcher = spawn('sh', ['-c', watch, 'sh', `${pid}`, folder, signal.replace('SIG', '')], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  watcher.unref()
  // It may be gone before it could be told to go.
  watcher.stdin.on('error', () => undefined)
  return () => void watcher.stdin.end('calm\n')
}
