import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filesBelow } from '../canaries/finder.ts'
import { shapesOf as encodedShapesOf } from '../canaries/shapes.ts'

/** A secret as it could stand in a file: as it is, in other alphabets, in another width. */
export function shapesOf(secret: string): Buffer[] {
  return encodedShapesOf(secret).map(({ bytes }) => bytes)
}

/** Files below `folder`, in the system's temporary folder, and what /proc shows of a process, that hold the secret. */
export async function findSecret(secret: string, folder: string, pid?: number): Promise<string[]> {
  const shapes = shapesOf(secret)
  const files = pid === undefined ? [] : [`/proc/${pid}/environ`, `/proc/${pid}/cmdline`]
  for await (const file of filesBelow(folder)) files.push(file)
  for (const entry of await readdir(tmpdir(), { withFileTypes: true }))
    if (entry.isFile()) files.push(join(tmpdir(), entry.name))
  const found: string[] = []
  for (const file of files) {
    const content = await readFile(file).catch(() => Buffer.alloc(0))
    if (shapes.some((shape) => content.includes(shape))) found.push(file)
  }
  return found
}
