import type { BigIntStats } from 'node:fs'
import * as nodeFiles from 'node:fs/promises'
import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isRootsToTheEnd } from '../socket/peers/root-owned.ts'
import type { FileLook, ProgramLook } from './judge-program.ts'

type Files = Pick<typeof nodeFiles, 'lstat' | 'readlink' | 'realpath' | 'stat'>

/** Looks at each of a program's files; a link counts as what it leads to. Never rejects. */
export async function lookAtProgram(paths: readonly string[], files: Files = nodeFiles): Promise<ProgramLook> {
  return Promise.all(paths.map((path) => lookAtFile(path, files).catch(() => undefined)))
}

async function lookAtFile(path: string, files: Files): Promise<FileLook> {
  const found = await files.stat(path, { bigint: true })
  const { dev, ino, size, mtimeNs, ctimeNs } = found
  // The same as the file unless it is a link, which whoever owns it can let lead elsewhere in the next moment.
  const named = await files.lstat(path, { bigint: true })
  const isOwnName = named.uid === 0n || named.uid === BigInt(process.getuid?.() ?? -1)
  return {
    path,
    version: [dev, ino, size, mtimeNs, ctimeNs].join(' '),
    uid: Number(isOwnName ? found.uid : named.uid),
    mode: Number(found.mode & 0o7777n),
    isFile: found.isFile(),
    isRootOwned: await isRootsToTheEnd(path, files),
    openFolder:
      (await openFolderAbove(path, files.stat)) ?? (await openFolderAbove(await files.realpath(path), files.lstat)),
  }
}

/** Of those above a path; one that is a link there is looked at by `look`. */
async function openFolderAbove(path: string, look: Files['lstat'] | Files['stat']): Promise<string | undefined> {
  const uid = process.getuid?.() ?? -1
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (isOpen(await look(folder, { bigint: true }), uid)) return folder
    if (folder === dirname(folder)) return undefined
  }
}

/** In a folder with the sticky bit, such as /tmp, everybody can add names and nobody can take another's. */
function isOpen({ uid: owner, mode }: BigIntStats, uid: number): boolean {
  if (owner !== 0n && owner !== BigInt(uid)) return true
  return (mode & 0o022n) !== 0n && (mode & 0o1000n) === 0n
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
