import { readFile } from 'node:fs/promises'
import { arch, release } from 'node:os'
import { version } from '../version.ts'
import type { Check } from './world.ts'

/** What runs here, for whoever reads the report somewhere else. */
export const checkVersions: Check = async ({ program, system }) => {
  const { env, platform } = system
  const desktop = env['XDG_CURRENT_DESKTOP'] ?? env['DESKTOP_SESSION']
  const display = env['XDG_SESSION_TYPE']
  const found = [
    `sg-session ${version}`,
    program.runtime,
    `${platform} ${release()} ${arch()}`,
    ...(platform === 'linux' ? [await distribution()] : []),
    ...(platform === 'linux' ? [desktop ? `desktop ${desktop}${display ? ` on ${display}` : ''}` : 'no desktop'] : []),
  ]
  return [{ check: 'versions', state: 'ok', found: found.join(', ') }]
}

async function distribution(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] ?? 'unknown distribution'
}
