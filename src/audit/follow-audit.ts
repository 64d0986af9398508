import { type FileHandle, open, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AuditLine, readLine } from './audit-line.ts'

const pauseMs = 250
const chunkBytes = 256 * 1024

/** Each line that is added behind the first `bytes` of the file, and then of the one that takes its place; never ends. */
export async function* followAudit(file: string, bytes: number): AsyncGenerator<AuditLine> {
  let position = bytes
  for (;;) {
    const handle = await open(file).catch(() => undefined)
    try {
      if (handle) yield* untilReplaced(handle, file, position)
      else await sleep(pauseMs)
    } finally {
      await handle?.close()
    }
    position = 0
  }
}

async function* untilReplaced(handle: FileHandle, file: string, start: number): AsyncGenerator<AuditLine> {
  const { ino } = await handle.stat()
  const buffer = Buffer.alloc(chunkBytes)
  let position = start
  for (let isReplaced = false; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, position)
    // A line without its end is read again when it has one.
    const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1
    for (const text of buffer.toString('utf8', 0, end).split('\n')) {
      const line = readLine(text)
      if (line) yield line
    }
    position += end
    if (end > 0) continue
    // What was written before it was moved aside has been read by now.
    if (isReplaced) return
    await sleep(pauseMs)
    isReplaced = await stat(file).then(
      (now) => now.ino !== ino || now.size < position,
      () => true,
    )
  }
}
