import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AgentError } from '../errors.ts'

/** No configuration is longer; what is, is something else. */
const mostBytes = 1024 * 1024

/**
 * The text of a configuration file; undefined where there is none. Throws `config_invalid` for what is no regular file, is longer
 * than 1 MiB or cannot be read. Never waits for a pipe or a device.
 */
export function readConfigText(file: string): Promise<string | undefined> {
  return readOpened(file, 0, () => undefined)
}

/**
 * The same for a file that binds users, so that no user may have been able to write it or put another in its place: root owns it and
 * every folder above it, nobody else may write to them, and none is a link. Throws `config_invalid` otherwise, naming which.
 *
 * Looked at from the root down: in a folder that was found to be root's alone only root can exchange what is looked at next. The
 * file is judged by the handle that it is read through. An access list shows its widest right in the group's bits (acl(5)); those of
 * macOS and of NFSv4 do not show at all. Windows has access lists, which Node cannot read: `windows-access.ts`.
 */
export async function readRootOwnedText(file: string): Promise<string | undefined> {
  if (process.platform === 'win32') return readConfigText(file)
  let problem: AgentError | undefined
  for (const path of [...foldersAbove(file), file]) {
    const found = await lstat(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw problem ?? unreadable(path, error)
    })
    // Where there is no policy nobody needs to be able to trust one.
    if (!found) return undefined
    problem ??= problemOf(path, found)
    // A link to nothing is no missing policy: somebody meant something there.
    if (problem && found.isSymbolicLink() && !(await stat(path).catch(() => undefined))) throw problem
  }
  if (problem) throw problem
  return readOpened(file, constants.O_NOFOLLOW, (found) => problemOf(file, found))
}

type Found = Stats

async function readOpened(
  file: string,
  flags: number,
  judge: (found: Found) => AgentError | undefined,
): Promise<string | undefined> {
  let handle: FileHandle
  try {
    // Without O_NONBLOCK a pipe would keep us waiting for somebody who writes. Windows knows neither.
    handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | flags)
  } catch (error) {
    if (isMissing(error)) return undefined
    if (codeOf(error) === 'ELOOP') throw isLink(file)
    throw unreadable(file, error)
  }
  try {
    const found = await handle.stat()
    const problem = judge(found)
    if (problem) throw problem
    if (!found.isFile()) throw new AgentError('config_invalid', `${file}: cannot be read: it is no regular file`)
    const bytes = Buffer.alloc(mostBytes + 1)
    let length = 0
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      ({ bytesRead: read } = await handle.read(bytes, length, bytes.length - length))
    if (length > mostBytes) throw new AgentError('config_invalid', `${file}: is longer than 1 MiB`)
    return bytes.toString('utf8', 0, length)
  } catch (error) {
    throw error instanceof AgentError ? error : unreadable(file, error)
  } finally {
    await handle.close()
  }
}

/**
 * Why a file there would not bind users, as `readRootOwnedText` would say it: of the folders above it that are there, and of the file where
 * it is. Undefined where nothing is wrong, and on Windows, where it is not looked at.
 */
export async function whyNotRootOwned(file: string): Promise<AgentError | undefined> {
  if (process.platform === 'win32') return undefined
  for (const path of [...foldersAbove(file), file]) {
    const found = await lstat(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw unreadable(path, error)
    })
    if (!found) return undefined
    const problem = problemOf(path, found)
    if (problem) return problem
  }
  return undefined
}

/** From the root down. */
function foldersAbove(file: string): string[] {
  const folder = dirname(file)
  return folder === file ? [] : [...foldersAbove(folder), folder]
}

function problemOf(path: string, found: Found): AgentError | undefined {
  if (found.isSymbolicLink()) return isLink(path)
  if (found.uid !== 0) return new AgentError('config_invalid', `${path}: must be owned by root to count as policy`)
  if ((found.mode & 0o022) === 0) return undefined
  return new AgentError('config_invalid', `${path}: must not be writable by group or others to count as policy`)
}

function isLink(path: string): AgentError {
  return new AgentError('config_invalid', `${path}: a policy must not be reached through a link`)
}

function unreadable(file: string, cause: unknown): AgentError {
  return new AgentError('config_invalid', `${file}: cannot be read`, { cause })
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
