import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { isAbsolute, join, relative } from 'node:path'

/**
 * In `npm test` a folder that a test removes is moved into the attic of the run instead, where it is looked through for secrets
 * and then removed. On the same disk, so it costs as little.
 */
const attic = process.env['SG_CANARY_ATTIC']
const isDone = Symbol.for('sg-session:attic')
// Files that share a process set it up once.
if (attic && !(isDone in promises.rm)) {
  const { rm } = promises
  let moved = 0
  promises.rm = async (path, options) => {
    if (!options?.recursive || !isBelow(String(path), tmpdir())) return rm(path, options)
    moved += 1
    try {
      await promises.rename(path, join(attic, `${process.pid}-${moved}-${Date.now()}`))
    } catch {
      return rm(path, options)
    }
  }
  Object.assign(promises.rm, { [isDone]: true })
  syncBuiltinESMExports()
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '' && !way.startsWith('..') && !isAbsolute(way)
}
