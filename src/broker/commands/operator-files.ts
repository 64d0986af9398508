import { open, writeFile } from 'node:fs/promises'
import { AgentError } from '../../errors.ts'

/** Reads a file an operator names, up to one byte more than `mostBytes`. Throws `config_invalid`. */
export async function readFileNamed(file: string, mostBytes: number): Promise<Uint8Array> {
  try {
    const handle = await open(file, 'r')
    try {
      const chunks: Buffer[] = []
      let size = 0
      // Not by its size: a pipe has none.
      for await (const chunk of handle.createReadStream({ autoClose: false })) {
        chunks.push(chunk as Buffer)
        size += (chunk as Buffer).byteLength
        if (size > mostBytes) break
      }
      return Buffer.concat(chunks).subarray(0, mostBytes + 1)
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw fileRefusal(file, 'read', cause)
  }
}

/** Writes to a file; a new one is its owner's alone, since names and addresses are in it. `-` is standard output. Throws `config_invalid`. */
export async function writeFileNamed(file: string, text: string): Promise<void> {
  if (file === '-') return printOut(text)
  try {
    await writeFile(file, text, { mode: 0o600 })
  } catch (cause) {
    throw fileRefusal(file, 'written', cause)
  }
}

/** Resolves when it is out. Whoever reads may stop before the end, as `head` does. */
export function printOut(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error | null): void => {
      if (!error || ('code' in error && error.code === 'EPIPE')) resolve()
      else reject(error)
    }
    // Stays: the stream speaks of its error to the callback first, and then to whoever listens.
    process.stdout.on('error', settle)
    process.stdout.write(text, settle)
  })
}

function fileRefusal(file: string, verb: 'read' | 'written', cause: unknown): AgentError {
  const reason = cause instanceof Error && 'code' in cause ? cause.code : cause
  return new AgentError('config_invalid', `"${file}" cannot be ${verb} (${reason})`, { cause })
}
