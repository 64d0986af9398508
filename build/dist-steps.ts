import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const packages = join(root, 'out', 'packages')

interface Manifest {
  readonly version: string
  readonly devDependencies: Readonly<Record<string, string>>
}

export function readManifest(): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
}

/** Runs a program in the repository and returns what it says. What goes wrong is an error that holds it. */
export function run(program: string, args: readonly string[], env = process.env): string {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    cwd: root,
    env,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
    // npm's own doors are scripts there.
    shell: process.platform === 'win32' && program !== process.execPath,
  })
  if (status === 0) return stdout.trim()
  throw new Error(`${basename(program)} ${args[0] ?? ''} failed: ${error?.message ?? `${stdout}${stderr}`.trim()}`)
}

export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
