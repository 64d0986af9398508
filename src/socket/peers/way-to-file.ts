import type { BigIntStats } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export type Files = Pick<typeof import('node:fs/promises'), 'lstat' | 'readlink'>

/** One name on the way to a file: a folder, a link, or what lies at the end. */
export interface Hop {
  readonly path: string
  readonly found: BigIntStats
}

const mostLinks = 40

/**
 * What the system passes when it follows `path`, absolute, as it is now: every folder and link from the root on, in this order, and last
 * what lies at the end. Throws where there is no way. `files`: how it is looked at.
 */
export async function* wayToFile(path: string, files: Files = { lstat, readlink }): AsyncGenerator<Hop, void> {
  let reached = '/'
  let links = 0
  const ahead = path.split('/').filter(isName)
  yield { path: reached, found: await files.lstat(reached, { bigint: true }) }
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    if (name === '..') {
      reached = dirname(reached)
      continue
    }
    const next = join(reached, name)
    const found = await files.lstat(next, { bigint: true })
    yield { path: next, found }
    if (found.isSymbolicLink()) {
      links += 1
      if (links > mostLinks) throw new Error(`too many links on the way to "${path}"`)
      const target = await files.readlink(next)
      if (target.startsWith('/')) reached = '/'
      ahead.unshift(...target.split('/').filter(isName))
      continue
    }
    if (ahead.length > 0 && !found.isDirectory()) throw new Error(`"${next}" is no folder`)
    reached = next
  }
}

function isName(part: string): boolean {
  return part !== '' && part !== '.'
}
