import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AgentError } from './errors.ts'

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
 * macOS and of NFSv4 do not show at all. Windows guards %ProgramData% by access lists, which Node cannot read: the installer sets them.
 */
export async function readRootOwnedText(file: string): Promise<string | undefined> {
  if (process.platform === 'win32') return readConfigText(file)
  for (const folder of foldersAbove(file)) {
    const found = await lstat(folder).catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw unreadable(file, error)
    })
    if (!found) return undefined
    demandRootOwned(folder, found)
  }
  const link = await lstat(file).catch(() => undefined)
  if (link?.isSymbolicLink()) throw isLink(file)
  return readOpened(file, constants.O_NOFOLLOW, (found) => demandRootOwned(file, found))
}

type Found = Stats

async function readOpened(file: string, flags: number, demand: (found: Found) => void): Promise<string | undefined> {
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
    demand(found)
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

/** From the root down. */
function foldersAbove(file: string): string[] {
  const folder = dirname(file)
  return folder === file ? [] : [...foldersAbove(folder), folder]
}

function demandRootOwned(path: string, found: Found): void {
  if (found.isSymbolicLink()) throw isLink(path)
  if (found.uid !== 0) throw new AgentError('config_invalid', `${path}: must be owned by root to count as policy`)
  if ((found.mode & 0o022) !== 0) {
    throw new AgentError('config_invalid', `${path}: must not be writable by group or others to count as policy`)
  }
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
