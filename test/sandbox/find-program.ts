import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The program of that name on the PATH. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find(existsSync)
}
