import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Release } from '../../src/update/feed-metadata.ts'

/**
 * Puts the downloaded file where the program's own is, whole or not at all: copied beside it, hashed as it is copied, then renamed over
 * it. What runs goes on with the old one, and the path stays, which autostart entries and menus name. Throws, and leaves everything
 * as it was, when the file is not what the signed metadata says any more.
 */
export async function replaceAppImage(
  appImage: string,
  downloaded: string,
  { sha512, size }: Pick<Release, 'sha512' | 'size'>,
): Promise<void> {
  // A link stays one: what it leads to is replaced.
  const target = await realpath(appImage)
  const beside = join(dirname(target), `.${basename(target)}.new`)
  await rm(beside, { force: true })
  try {
    const hash = createHash('sha512')
    let length = 0
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk)
        length += chunk.length
        done(length > size ? new Error('it is longer than the metadata says') : undefined, chunk)
      },
    })
    await pipeline(createReadStream(downloaded), hashing, createWriteStream(beside, { flags: 'wx', mode: 0o755 }))
    if (length !== size || hash.digest('base64') !== sha512) throw new Error('it is not what the metadata says')
    const written = await open(beside, 'r')
    try {
      await written.sync()
    } finally {
      await written.close()
    }
    await rename(beside, target)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}
