import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A secret as it could stand in a file: as it is, in other alphabets, in another width. */
export function shapesOf(secret: string): Buffer[] {
  const bytes = Buffer.from(secret, 'utf8')
  return [
    bytes,
    Buffer.from(secret, 'utf16le'),
    Buffer.from(bytes.toString('hex')),
    Buffer.from(bytes.toString('base64').replace(/=+$/, '')),
    Buffer.from(bytes.toString('base64url')),
    Buffer.from(encodeURIComponent(secret)),
  ]
}

/** Files below `folder`, in the system's temporary folder, and what /proc shows of a process, that hold the secret. */
export async function findSecret(secret: string, folder: string, pid?: number): Promise<string[]> {
  const ownProcess = pid === undefined ? [] : [`/proc/${pid}/environ`, `/proc/${pid}/cmdline`]
  const temporary = (await readdir(tmpdir(), { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(tmpdir(), entry.name))
  const files = [...(await filesBelow(folder)), ...temporary, ...ownProcess]
  const shapes = shapesOf(secret)
  const found: string[] = []
  for (const file of files) {
    const content = await readFile(file).catch(() => Buffer.alloc(0))
    if (shapes.some((shape) => content.includes(shape))) found.push(file)
  }
  return found
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}
