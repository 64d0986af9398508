import { lstat, stat } from 'node:fs/promises'
import { AgentError } from '../errors.ts'
import type { System } from '../system/paths.ts'

/**
 * Throws `invalid_request` where root is to erase in a home, or a folder named by the environment, that somebody else can write to, as some
 * `sudo` and `su` leave it: what is to go would be said by that user's settings (`audit.file`), and removed with root's right.
 */
export async function demandOwnHome({ env, home, uid }: System): Promise<void> {
  if (uid !== 0) return
  const named = ['XDG_CONFIG_HOME', 'XDG_STATE_HOME', 'XDG_RUNTIME_DIR'].flatMap((name) => env[name] || [])
  for (const folder of [home, ...named]) {
    if (await isRootsAlone(folder)) continue
    throw new AgentError('invalid_request', `"${folder}" is not root’s alone, and this runs as root`, {
      advice: 'Run it as the user whose folder that is, or as root with "sudo -H" or "su -".',
    })
  }
}

/** What is not there holds nothing. */
async function isRootsAlone(folder: string): Promise<boolean> {
  const looks = await Promise.all([lstat, stat].map((look) => look(folder).catch(() => undefined)))
  return looks.every((found) => {
    if (!found) return true
    return found.uid === 0 && (found.isSymbolicLink() || (found.mode & 0o022) === 0)
  })
}
