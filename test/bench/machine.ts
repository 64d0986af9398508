import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem, type } from 'node:os'

/** Where a run was measured: numbers without it mean nothing. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
}

export interface Versions {
  readonly node: string
  readonly openssl: string
  readonly python: string | undefined
  readonly electron: string | undefined
}

export function lookAtMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    kernel: `${type()} ${release()}`,
  }
}

export function lookAtVersions(): Versions {
  const electron = process.env['SG_SESSION_ELECTRON']
  return {
    node: process.version,
    openssl: process.versions.openssl ?? 'unknown',
    python: saidBy('python3', ['-c', 'import platform, ssl; print(platform.python_version(), ssl.OPENSSL_VERSION)']),
    electron: electron && saidBy(electron, ['-p', 'process.versions.electron'], { ELECTRON_RUN_AS_NODE: '1' }),
  }
}

function saidBy(program: string, args: readonly string[], env: Record<string, string> = {}): string | undefined {
  try {
    const options = { encoding: 'utf8', env: { ...process.env, ...env }, timeout: 10_000, stdio: 'pipe' } as const
    return execFileSync(program, args, options).trim()
  } catch {
    return undefined
  }
}
