import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { dirname, join } from 'node:path'
import { archFromString, getArtifactArchName } from 'builder-util'
import { signMetadata } from '../../../build/sign-update.mjs'

export interface Offer {
  readonly version: string
  /** What the AppImage holds. */
  readonly content: string
  readonly percentage?: number
  readonly days?: number
  readonly now?: number
  readonly key?: KeyObject
}

export interface UpdateFeed {
  readonly publicKey: string
  readonly address: string
  /** Paths that were asked for, oldest first. */
  readonly asked: string[]
  /** Signs a version as a release does, into a folder of the feed; resolves with that folder on the disk. */
  offer(folder: string, offer: Offer): Promise<string>
  /** Answers a path in another way than with its file. */
  answer(path: string, how: (response: ServerResponse) => void): void
  /** Nobody gets an answer until `release` is called. */
  hold(): { release(): void }
  close(): Promise<void>
}

/** As electron-builder calls it, which has a name of its own for the processor. */
export function artefactName(version: string): string {
  return `sg-session-${version}-${getArtifactArchName(archFromString(process.arch), 'AppImage')}.AppImage`
}

/** A feed over http on this machine: files as `build/sign-update.mjs` writes them. */
export async function startUpdateFeed(root: string): Promise<UpdateFeed> {
  const keys = generateKeyPairSync('ed25519')
  const asked: string[] = []
  const others = new Map<string, (response: ServerResponse) => void>()
  let held = Promise.resolve()
  const server = createServer(async ({ url = '' }, response) => {
    asked.push(url)
    await held
    const other = others.get(url)
    if (other) return other(response)
    const content = await readFile(join(root, url)).catch(() => undefined)
    response.writeHead(content ? 200 : 404, content ? { 'content-length': content.length } : {})
    response.end(content)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    publicKey: keys.publicKey.export({ type: 'spki', format: 'der' }).subarray(12).toString('base64'),
    address: `http://127.0.0.1:${port}/`,
    asked,
    async offer(folder, { version, content, percentage = 100, days = 30, now = Date.now(), key = keys.privateKey }) {
      const name = artefactName(version)
      const metadata = join(root, folder, 'latest-linux.yml')
      await mkdir(dirname(metadata), { recursive: true })
      await writeFile(join(root, folder, name), content)
      const sha512 = createHash('sha512').update(content).digest('base64')
      // As electron-builder writes it.
      const yaml = `version: ${version}\nfiles:\n  - url: ${name}\n    sha512: ${sha512}\n    size: ${content.length}\npath: ${name}\nsha512: ${sha512}\nreleaseDate: '2026-05-12T09:00:00.000Z'\n`
      await writeFile(metadata, yaml)
      await signMetadata(metadata, [key], { days, percentage, now })
      return join(root, folder)
    },
    answer: (path, how) => void others.set(path, how),
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      return { release: resolve }
    },
    async close() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
