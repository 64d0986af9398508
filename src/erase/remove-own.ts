import type { Stats } from 'node:fs'
import { lstat, readdir, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { OwnFolder } from './kept-places.ts'

/** What was removed, and what could not be, with the reason for people. */
export interface Removal {
  readonly removed: string[]
  readonly left: { readonly what: string; readonly why: string }[]
}

/**
 * Removes what is ours of a folder, and then the folder if it is ours and empty. Follows no link and touches nothing of another
 * user's; says so where it finds either. Never throws. Resolves with what else lies in a folder of ours.
 */
export async function removeOurs({ folder, isOurs, goes }: OwnFolder, into: Removal): Promise<string[]> {
  const found = await looked(folder, into)
  // The folder above may be arranged in any way; ours we have made ourselves.
  if (!found || (goes && !mayTouch(folder, found, into))) return []
  const names = await listed(folder, into)
  for (const name of names.filter(isOurs)) await removeOne(join(folder, name), into)
  if (!goes) return []
  const stays = await readdir(folder).catch(() => names)
  if (stays.length === 0) await attempt(folder, into, () => rmdir(folder))
  return stays.filter((name) => !isOurs(name)).map((name) => join(folder, name))
}

/** Removes a folder of ours with all that is in it; a link in it goes, what it leads to stays. Never throws. */
export async function removeWhole(folder: string, into: Removal): Promise<void> {
  const found = await looked(folder, into)
  if (!found || !mayTouch(folder, found, into)) return
  if (!found.isDirectory()) return void into.left.push({ what: folder, why: 'is no folder' })
  if (await empty(folder, into)) await attempt(folder, into, () => rmdir(folder))
}

async function removeOne(path: string, into: Removal): Promise<void> {
  const found = await looked(path, into)
  if (!found || !mayTouch(path, found, into)) return
  // Of ours only the lock is a folder, and nothing is ever in it: one of its name with something in it is somebody else's.
  if (found.isDirectory()) await attempt(path, into, () => rmdir(path))
  else await attempt(path, into, () => unlink(path))
}

/** Resolves with whether all that is in it has gone. */
async function empty(folder: string, into: Removal): Promise<boolean> {
  const leftBefore = into.left.length
  for (const name of await listed(folder, into)) {
    const path = join(folder, name)
    const found = await looked(path, into)
    if (!found) continue
    if (isAnothers(found)) into.left.push({ what: path, why: anothers })
    else if (!found.isDirectory()) await quietly(path, into, () => unlink(path))
    else if (await empty(path, into)) await quietly(path, into, () => rmdir(path))
  }
  return into.left.length === leftBefore
}

const anothers = 'belongs to another user'

function mayTouch(path: string, found: Stats, into: Removal): boolean {
  const why = found.isSymbolicLink()
    ? 'is a link, which sg-session never makes'
    : isAnothers(found)
      ? anothers
      : undefined
  if (why !== undefined) into.left.push({ what: path, why })
  return why === undefined
}

function isAnothers({ uid }: Stats): boolean {
  return process.getuid !== undefined && uid !== process.getuid()
}

async function looked(path: string, into: Removal): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if (!isMissing(error)) into.left.push({ what: path, why: `cannot be looked at (${codeOf(error)})` })
    return undefined
  }
}

async function listed(folder: string, into: Removal): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    into.left.push({ what: folder, why: `cannot be looked into (${codeOf(error)})` })
    return []
  }
}

async function attempt(path: string, into: Removal, remove: () => Promise<void>): Promise<void> {
  if (await quietly(path, into, remove)) into.removed.push(path)
}

async function quietly(path: string, into: Removal, remove: () => Promise<void>): Promise<boolean> {
  try {
    await remove()
    return true
  } catch (error) {
    if (isMissing(error)) return false
    into.left.push({ what: path, why: `cannot be removed (${codeOf(error)})` })
    return false
  }
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}
