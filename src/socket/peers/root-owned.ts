import type { BigIntStats } from 'node:fs'
import { withPatience } from '../../waiting/with-patience.ts'
import { foreignPaths } from './procfs.ts'
import { type Files, wayToFile } from './way-to-file.ts'

const lookLimitMs = 3_000
/** Each call asks again, and a look takes as long as all the rest of a call. */
const yesStandsMs = 1_000
const mostRemembered = 500

interface Look {
  /** Ms of `performance.now()`. */
  readonly began: number
  readonly isIts: Promise<boolean>
}

/** Of each path the newest; only those that found a yes, or have not ended. */
const looks = new Map<string, Look>()

/**
 * Whether only root can change what runs under this absolute path: the file, every folder above it and every link on the way belong
 * to root and nobody else may write them. False where it cannot be found out, and on Windows. A look is shared by all who ask within a
 * second of its beginning, unless it found a no: only root can make a yes untrue.
 */
export function isRootOwned(path: string): Promise<boolean> {
  if (process.platform === 'win32' || !path.startsWith('/')) return Promise.resolve(false)
  const now = performance.now()
  const shared = looks.get(path)
  if (shared && now - shared.began < yesStandsMs) return shared.isIts
  const look: Look = { began: now, isIts: lookAt(path) }
  looks.delete(path)
  looks.set(path, look)
  void look.isIts.then((isIts) => {
    if (!isIts && looks.get(path) === look) looks.delete(path)
  })
  const [oldest] = looks.keys()
  if (oldest !== undefined && looks.size > mostRemembered) looks.delete(oldest)
  return look.isIts
}

async function lookAt(path: string): Promise<boolean> {
  const looked = foreignPaths.take(() => isRootsToTheEnd(path))
  return (await withPatience(looked, lookLimitMs)) ?? false
}

/** The same, of a path that nothing hangs at and as it is now; `files`: how it is looked at. */
export async function isRootsToTheEnd(path: string, files?: Files): Promise<boolean> {
  let isFile = false
  try {
    for await (const { found } of wayToFile(path, files)) {
      const isRoots = found.isSymbolicLink() ? found.uid === 0n : isRootsAlone(found)
      if (!isRoots) return false
      isFile = found.isFile()
    }
    return isFile
  } catch {
    return false
  }
}

/** A list of further rights shows its widest in the group's bits. acl(5) */
function isRootsAlone({ uid, mode }: BigIntStats): boolean {
  return uid === 0n && (mode & 0o022n) === 0n
}
