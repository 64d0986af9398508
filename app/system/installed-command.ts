import { realpath } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { OwnCommand } from '../../src/agent.ts'

/**
 * The command line whose word about programs the app takes: the `sg-session` of its own environment, and the one beside it where it
 * runs from its sources. Undefined where there is none; on Windows, whose shim names no script, there is none.
 */
export async function installedCommand(path = process.env['PATH'] ?? ''): Promise<OwnCommand | undefined> {
  if (process.platform === 'win32') return undefined
  const sources = join(import.meta.dirname, '..', '..')
  const places = [
    ...path.split(delimiter).map((folder) => join(folder, 'sg-session')),
    join(sources, 'dist', 'cli', 'sg-session.js'),
    join(sources, 'src', 'cli', 'sg-session.ts'),
  ].filter((place) => place.startsWith('/'))
  const found = await Promise.all(places.map((place) => realpath(place).catch(() => undefined)))
  const scripts = found.filter((place) => place !== undefined)
  return scripts.length === 0 ? undefined : { scripts }
}
