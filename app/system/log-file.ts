import { mkdirSync } from 'node:fs'
import { createStream } from 'rotating-file-stream'

/** The log file of the app: private, rotated at 1 MiB, five kept. A disk that takes nothing costs log lines, not the session. */
export function openLogFile(folder: string): { write(text: string): void; close(): Promise<void> } {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    process.stderr.write(`sg-session: there is no log, for its folder cannot be made: ${error}\n`)
    return { write: () => undefined, close: async () => undefined }
  }
  const stream = createStream('sg-session.log', { path: folder, size: '1M', rotate: 5, mode: 0o600 })
  stream.on('error', () => undefined)
  stream.on('warning', () => undefined)
  return {
    write: (text) => void stream.write(text),
    close: () => new Promise((resolve) => stream.end(() => resolve())),
  }
}
