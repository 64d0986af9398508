import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AgentError } from '../errors.ts'
import { dayOf, forgetOldFiles, moveAside } from './audit-files.ts'

export interface AuditFileSettings {
  readonly file: string
  readonly retentionDays: number
  /** Wall clock, ms since the epoch. */
  readonly now: () => number
  /** Called when writing begins to fail, and with undefined when it works again. */
  readonly onProblem: (problem: AgentError | undefined) => void
  readonly limits?: Partial<typeof fileLimits>
}

export const fileLimits = {
  /** A file this large is moved aside. */
  fileBytes: 10 * 1024 * 1024,
  /** Of all files; the oldest goes first. */
  allBytes: 200 * 1024 * 1024,
  /** Lines that wait for a disk that takes none; what comes on top is counted and lost. */
  waitingLines: 5_000,
  /** How soon it is tried again, at first and at last. */
  firstRetryMs: 1_000,
  lastRetryMs: 60_000,
  /** How long the end of the program may wait. */
  closeMs: 2_000,
}

/**
 * A file of lines that grows, is moved aside each day (UTC) and at a size, and never keeps a caller waiting: what the disk does
 * not take waits in memory and is tried again. 0600, in a folder that is made 0700.
 */
export class AuditFile {
  readonly #settings: AuditFileSettings
  readonly #limits: typeof fileLimits
  readonly #lostLine: (count: number) => string
  #waiting: string[] = []
  #lost = 0
  #handle: OpenFile | undefined
  #writing: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #retryMs: number
  #isFailing = false

  /** `lostLine`: what is written, once there is room again, in the place of so many lines. */
  constructor(settings: AuditFileSettings, lostLine: (count: number) => string) {
    this.#settings = settings
    this.#limits = { ...fileLimits, ...settings.limits }
    this.#lostLine = lostLine
    this.#retryMs = this.#limits.firstRetryMs
  }

  /** Opens the file, so that what is wrong with it is known before anything is to be written. */
  async open(): Promise<void> {
    await this.#work()
  }

  /** `line` without its line feed. */
  write(line: string): void {
    if (this.#waiting.length < this.#limits.waitingLines) this.#waiting.push(line)
    else this.#lost += 1
    if (!this.#retry) void this.#work()
  }

  /** Writes what waits, if that can be had soon. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#limits.closeMs)
    })
    // With nothing to write there is nothing to move aside either.
    if (this.#writing || this.#waiting.length > 0) await Promise.race([this.#work(), late])
    clearTimeout(timer)
    clearTimeout(this.#retry)
    const handle = this.#handle
    this.#handle = undefined
    await handle?.file.close().catch(() => undefined)
  }

  /** One at a time; whoever calls meanwhile waits for the same. Never rejects. */
  #work(): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined
      // What was written down while this one was ending.
      if (this.#waiting.length > 0 && !this.#retry) return this.#work()
      return undefined
    })
    return this.#writing
  }

  async #writeAll(): Promise<void> {
    try {
      do {
        const handle = await this.#ready()
        if (this.#lost > 0) {
          this.#waiting.push(this.#lostLine(this.#lost))
          this.#lost = 0
        }
        // A copy: what comes while it is written is pushed onto the other.
        const lines = [...this.#waiting]
        if (lines.length > 0) await handle.append(Buffer.from(lines.map((line) => `${line}\n`).join('')))
        this.#waiting = this.#waiting.slice(lines.length)
      } while (this.#waiting.length > 0)
      this.#recover()
    } catch (error) {
      await this.#fail(error)
    }
  }

  /** The file, open, of today, and not too large. */
  async #ready(): Promise<OpenFile> {
    const { file, now, retentionDays } = this.#settings
    const { fileBytes, allBytes } = this.#limits
    const today = dayOf(now())
    let handle = this.#handle
    if (handle && !(await handle.isStill(file))) {
      // Somebody has taken it away: what is written now would go nowhere.
      await handle.file.close().catch(() => undefined)
      handle = undefined
    }
    this.#handle = undefined
    handle ??= await OpenFile.open(file)
    if (handle.bytes > 0 && (handle.day !== today || handle.bytes >= fileBytes)) {
      const { bytes, day } = handle
      await handle.file.close().catch(() => undefined)
      await moveAside(file, day).catch((error: unknown) => {
        // A folder in which nothing can be renamed: the file takes more, while it is not all there may be.
        if (bytes >= allBytes) throw error
      })
      await forgetOldFiles(file, { today, retentionDays, allBytes })
      handle = await OpenFile.open(file)
    }
    handle.day = today
    this.#handle = handle
    return handle
  }

  #recover(): void {
    this.#retryMs = this.#limits.firstRetryMs
    if (!this.#isFailing) return
    this.#isFailing = false
    this.#settings.onProblem(undefined)
  }

  async #fail(error: unknown): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.file.close().catch(() => undefined)
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      void this.#work()
    }, this.#retryMs).unref()
    this.#retryMs = Math.min(this.#retryMs * 2, this.#limits.lastRetryMs)
    if (this.#isFailing) return
    this.#isFailing = true
    this.#settings.onProblem(problemOf(this.#settings.file, error))
  }
}

/** An open file that lines are appended to; `bytes` and `day` of what is in it. */
class OpenFile {
  readonly file: FileHandle
  readonly #inode: number
  bytes: number
  day: string

  private constructor(file: FileHandle, inode: number, bytes: number, day: string) {
    this.file = file
    this.#inode = inode
    this.bytes = bytes
    this.day = day
  }

  /** Throws for a link, for what is no file, and for one of somebody else. */
  static async open(path: string): Promise<OpenFile> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const { O_APPEND, O_CREAT, O_RDWR, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
    const file = await open(path, O_APPEND | O_CREAT | O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0o600)
    try {
      const { ino, size, mtimeMs, uid, mode, nlink } = await file.stat().then((found) => {
        if (!found.isFile()) throw new AgentError('config_invalid', 'it is no file')
        return found
      })
      const us = process.getuid?.()
      if (us !== undefined && uid !== us) throw new AgentError('config_invalid', `it belongs to user ${uid}`)
      if (nlink > 1) throw new AgentError('config_invalid', 'it has a second name')
      if (us !== undefined && (mode & 0o077) !== 0) await file.chmod(0o600)
      const opened = new OpenFile(file, ino, size, dayOf(mtimeMs))
      // What an earlier run was killed in, or had no room for, stays a line of its own.
      if (size > 0 && (await lastByte(file, size)) !== lineFeed) await opened.append(Buffer.from('\n'))
      return opened
    } catch (error) {
      await file.close().catch(() => undefined)
      throw error
    }
  }

  /** Whether that path still leads to it. */
  async isStill(path: string): Promise<boolean> {
    return stat(path).then(
      ({ ino }) => ino === this.#inode,
      () => false,
    )
  }

  /** All of it, or throws with nothing of it in the file if that can be helped. */
  async append(bytes: Buffer): Promise<void> {
    let written = 0
    try {
      while (written < bytes.length) {
        const { bytesWritten } = await this.file.write(bytes, written)
        written += bytesWritten
        if (bytesWritten === 0) throw new AgentError('temporarily_unavailable', 'nothing was written')
      }
    } catch (error) {
      const { size } = await this.file.stat()
      // Nobody else's line may go with it.
      if (written > 0 && size === this.bytes + written) await this.file.truncate(this.bytes)
      throw error
    }
    this.bytes += written
  }
}

const lineFeed = 0x0a

async function lastByte(file: FileHandle, size: number): Promise<number | undefined> {
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer[0]
}

function problemOf(file: string, error: unknown): AgentError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const why = error instanceof AgentError ? error.message : (reasons[code ?? ''] ?? code ?? 'unknown')
  return new AgentError('temporarily_unavailable', `the audit "${file}" cannot be written: ${why}`, {
    cause: error,
    advice:
      'Tools are served all the same; what is asked meanwhile is kept in memory and written as soon as it can be.',
  })
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'this user’s share of the disk is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  ELOOP: 'it is a link',
  EIO: 'the disk reports an error',
  EISDIR: 'it is a folder',
  ENOTDIR: 'its folder is a file',
  EEXIST: 'its folder is a file',
  ENOENT: 'its folder cannot be made',
  ENXIO: 'it is no file',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
}
