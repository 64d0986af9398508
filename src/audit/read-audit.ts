import { createReadStream } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { dayOf, oldFiles } from './audit-files.ts'
import { type AuditLine, readLine } from './audit-line.ts'

export interface AuditReading {
  /** Oldest first. */
  readonly lines: readonly AuditLine[]
  /** Whether there were more, before these. */
  readonly isCut: boolean
  /** Lines that are none of ours: cut off by a kill or a full disk, or written by somebody else. */
  readonly unreadable: number
  /** How much of the file that grows was read. */
  readonly bytes: number
}

/** Longer than any line that is written. */
const longestLine = 16 * 1024

/**
 * The newest `most` lines that are not older than `since` (ms since the epoch), from the file and what was moved aside. What is no
 * file is skipped. Rejects for a file that cannot be read, but for one that is not there.
 */
export async function readAudit(
  file: string,
  { since = 0, most }: { readonly since?: number; readonly most: number },
): Promise<AuditReading> {
  const firstDay = dayOf(since)
  const files = (await oldFiles(file)).filter(({ day }) => day >= firstDay).map((old) => old.file)
  let lines: AuditLine[] = []
  let unreadable = 0
  let isCut = false
  let bytes = 0
  for (const one of [...files, file]) {
    const found = await lstat(one).catch(() => undefined)
    if (!found?.isFile()) continue
    bytes = one === file ? found.size : 0
    for await (const text of linesOf(one, found.size)) {
      const line = readLine(text)
      if (!line) unreadable += 1
      else if (Date.parse(line.time) >= since) lines.push(line)
      if (lines.length < 2 * most) continue
      lines = lines.slice(-most)
      isCut = true
    }
  }
  return { lines: lines.slice(-most), isCut: isCut || lines.length > most, unreadable, bytes }
}

/** The lines of its first `bytes`; of one that is too long, the beginning. */
async function* linesOf(file: string, bytes: number): AsyncGenerator<string> {
  if (bytes === 0) return
  let rest = ''
  for await (const chunk of createReadStream(file, { encoding: 'utf8', end: bytes - 1 })) {
    const parts = `${rest}${chunk}`.split('\n')
    rest = (parts.pop() ?? '').slice(0, longestLine)
    for (const part of parts) if (part !== '') yield part
  }
  if (rest !== '') yield rest
}
