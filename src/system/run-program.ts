import { spawn } from 'node:child_process'
import { win32 } from 'node:path'

export interface Ended {
  /** Undefined when it could not be started, or was ended at its limit. */
  readonly status: number | undefined
  readonly stdout: string
  readonly isLate: boolean
  /** Whether `stdout` is all it printed. */
  readonly isWhole: boolean
}

export interface Circumstances {
  readonly env: NodeJS.ProcessEnv
  readonly limitMs: number
  readonly signal?: AbortSignal
  /** Of its output; what comes behind is thrown away. Default 64 KiB. */
  readonly mostCharacters?: number
}

/**
 * Where a program is run: no module or library of the folder we were called in may be taken for an installed one. Python
 * looks there first, Windows does so for programs and libraries too. The folder of the program that runs us is as trusted as we are.
 */
export function neutralFolder(platform: NodeJS.Platform, ownProgram: string): string {
  return platform === 'win32' ? win32.dirname(ownProgram) : '/'
}

const usualCharacters = 64 * 1024

/**
 * Runs a program with exactly this environment, no input, at most `limitMs`, and takes what it prints. Never throws. What it
 * started itself is ended with it, so that nothing of it is left behind.
 */
export function runProgram(
  command: string,
  args: readonly string[],
  { env, limitMs, signal, mostCharacters = usualCharacters }: Circumstances,
): Promise<Ended> {
  if (signal?.aborted) return Promise.resolve({ status: undefined, stdout: '', isLate: true, isWhole: false })
  return new Promise<Ended>((resolve) => {
    const isPosix = process.platform !== 'win32'
    // A group of its own on POSIX: launchers of DCCs are scripts that start the real program.
    const child = spawn(command, args, {
      env,
      cwd: neutralFolder(process.platform, process.execPath),
      detached: isPosix,
      stdio: ['ignore', 'pipe', 'ignore'],
      windowsHide: true,
    })
    let stdout = ''
    let isWhole = true
    const end = (status: number | undefined, isLate: boolean): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', late)
      child.stdout.destroy()
      resolve({ status, stdout, isLate, isWhole: isWhole && !isLate })
    }
    const late = (): void => {
      killAll()
      end(undefined, true)
    }
    const killAll = (): void => {
      try {
        if (isPosix && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
        else child.kill('SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    const timer = setTimeout(late, limitMs)
    signal?.addEventListener('abort', late, { once: true })
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (stdout.length + chunk.length > mostCharacters) isWhole = false
      if (stdout.length < mostCharacters) stdout += chunk.slice(0, mostCharacters - stdout.length)
    })
    child.once('error', () => end(undefined, false))
    child.once('close', (status) => end(status ?? undefined, false))
    // Where there is no file descriptor left for its output, say.
  }).catch(() => ({ status: undefined, stdout: '', isLate: false, isWhole: false }))
}
