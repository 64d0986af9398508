import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The Pythons that DCCs of the last years bring. facts: shotgrid §10 */
export const supportedVersions = ['3.7', '3.8', '3.9', '3.10', '3.11', '3.12', '3.13'] as const

/** An interpreter of that version on this machine: on the PATH, or one that pyenv keeps. */
export function findPython(version: string): string | undefined {
  const kept = join(process.env['PYENV_ROOT'] ?? join(homedir(), '.pyenv'), 'versions')
  const candidates = [
    `python${version}`,
    'python3',
    ...(existsSync(kept) ? readdirSync(kept) : [])
      .filter((name) => name.startsWith(`${version}.`))
      .map((name) => join(kept, name, 'bin', 'python')),
  ]
  return candidates.find((candidate) => versionOf(candidate) === version)
}

function versionOf(interpreter: string): string | undefined {
  const script = 'import sys; print("%d.%d" % sys.version_info[:2])'
  const { status, stdout } = spawnSync(interpreter, ['-c', script], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}
