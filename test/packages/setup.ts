import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { debianRoot, type RootKind, rootMissing } from './debian-root.ts'

const run = promisify(execFile)

declare module 'vitest' {
  interface ProvidedContext {
    /** Unpacked Debian roots by kind, and where a test file may put what it writes; a reason where there are none. */
    readonly roots: { readonly folder: string; readonly clean: string; readonly workstation: string } | string
    /** Folders with what `npm run dist:linux` has made of two versions; a reason where there are none. */
    readonly packages: { readonly older: string; readonly newer: string } | string
  }
}

/** Unpacks the roots once for all test files, and finds the packages that `npm run test:packages` has made. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const say = (text: string): void => void process.stderr.write(`${text}\n`)
  project.provide('packages', await packages())
  if (rootMissing !== undefined) {
    say(`No Debian root: ${rootMissing}.`)
    project.provide('roots', rootMissing)
    return async () => undefined
  }
  // On a disk, not in memory: an overlay's upper folder wants one, and two roots are a gigabyte.
  const folder = await mkdtemp('/var/tmp/sg-session-packages-')
  try {
    const unpack = async (kind: RootKind): Promise<string> => {
      const to = join(folder, kind)
      await mkdir(to)
      await run('tar', ['-C', to, '--numeric-owner', '-xpf', await debianRoot(kind, say)])
      // Names are resolved as on this machine.
      for (const file of ['resolv.conf', 'hosts']) await copyFile(join('/etc', file), join(to, 'etc', file))
      return to
    }
    project.provide('roots', { folder, clean: await unpack('clean'), workstation: await unpack('workstation') })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  return () => rm(folder, { recursive: true, force: true, maxRetries: 5 })
}

async function packages(): Promise<{ older: string; newer: string } | string> {
  const made = process.env['SG_TEST_PACKAGES']
  if (!made) return 'there are no packages: "npm run test:packages" makes them first'
  const [older, newer] = ['older', 'newer'].map((name) => resolve(made, name))
  if (!older || !newer) throw new Error('a folder has a name')
  for (const folder of [older, newer]) {
    const names = await readdir(folder)
    if (!names.some((name) => name.endsWith('.deb'))) throw new Error(`there is no package in ${folder}`)
  }
  return { older, newer }
}
