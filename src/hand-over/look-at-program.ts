import type { BigIntStats } from 'node:fs'
import * as nodeFiles from 'node:fs/promises'
import { readFile, stat } from 'node:fs/promises'
import { isRootsToTheEnd } from '../socket/peers/root-owned.ts'
import { type Files, wayToFile } from '../socket/peers/way-to-file.ts'
import type { FileLook, ProgramLook } from './judge-program.ts'

/** Looks at each of a program's files; a link counts as what it leads to. Never rejects. */
export async function lookAtProgram(paths: readonly string[], files: Files = nodeFiles): Promise<ProgramLook> {
  return Promise.all(paths.map((path) => lookAtFile(path, files).catch(() => undefined)))
}

async function lookAtFile(path: string, files: Files): Promise<FileLook | undefined> {
  const uid = process.getuid?.() ?? -1
  let end: BigIntStats | undefined
  let openFolder: string | undefined
  let turner: bigint | undefined
  for await (const { path: reached, found } of wayToFile(path, files)) {
    end = found
    // Whoever owns a link can let it lead elsewhere in the next moment.
    if (found.isSymbolicLink()) turner ??= isOwn(found, uid) ? undefined : found.uid
    else if (found.isDirectory() && isOpen(found, uid)) openFolder ??= reached
  }
  if (!end) return undefined
  const { dev, ino, size, mtimeNs, ctimeNs } = end
  return {
    path,
    version: [dev, ino, size, mtimeNs, ctimeNs].join(' '),
    uid: Number(turner ?? end.uid),
    mode: Number(end.mode & 0o7777n),
    isFile: end.isFile(),
    isRootOwned: await isRootsToTheEnd(path, files),
    openFolder,
  }
}

function isOwn({ uid: owner }: BigIntStats, uid: number): boolean {
  return owner === 0n || owner === BigInt(uid)
}

/** In a folder with the sticky bit, such as /tmp, everybody can add names and nobody can take another's. */
function isOpen(found: BigIntStats, uid: number): boolean {
  const { mode } = found
  return !isOwn(found, uid) || ((mode & 0o022n) !== 0n && (mode & 0o1000n) === 0n)
}

/** What a package manager holds while it works: dpkg and apt, rpm and dnf. */
const packageLocks = [
  '/var/lib/dpkg/lock',
  '/var/lib/dpkg/lock-frontend',
  '/var/lib/rpm/.rpm.lock',
  '/usr/lib/sysimage/rpm/.rpm.lock',
]

/** Whether a package manager is at work: it may not be done with what it has put there. Linux; elsewhere nobody can tell. */
export async function isPackageManagerBusy(locks: readonly string[] = packageLocks): Promise<boolean> {
  if (process.platform !== 'linux') return false
  const held = await readFile('/proc/locks', 'latin1').catch(() => '')
  const inodes = await Promise.all(locks.map((path) => stat(path).catch(() => undefined)))
  return isAnyHeld(
    held,
    inodes.flatMap((found) => (found ? [found.ino] : [])),
  )
}

/** proc(5), /proc/locks: `1: POSIX  ADVISORY  WRITE 1234 08:01:3883485 0 EOF`. One that waits for it has an arrow. */
export function isAnyHeld(table: string, inodes: readonly number[]): boolean {
  return table.split('\n').some((line) => {
    const inode = /^\d+: [A-Z]+ +[A-Z]+ +[A-Z]+ +-?\d+ [\da-f]+:[\da-f]+:(\d+) /.exec(line)?.[1]
    return inode !== undefined && inodes.includes(Number(inode))
  })
}
