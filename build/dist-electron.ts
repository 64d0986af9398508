import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Runtime } from './bill-of-materials.ts'
import { readManifest, run } from './dist-steps.ts'

export interface ElectronHere {
  readonly folder: string
  readonly version: string
  /** Made by closed-network-electron.mjs. */
  readonly closed: boolean
  readonly carries: readonly Runtime[]
}

/**
 * The Electron that goes into the packages. A release takes the pinned official one alone: throws for another version, and for the one that a
 * closed network makes do with, which is known by the seal in its folder.
 */
export function judgeElectron(executable: string | undefined, testBuild: boolean): ElectronHere {
  if (!executable) throw new Error('"SG_SESSION_ELECTRON" is not set: start this with npm run dist:linux')
  // On macOS the executable lies three folders deep in its application.
  const folder = process.platform === 'darwin' ? join(dirname(executable), '..', '..', '..') : dirname(executable)
  const version = readFileSync(join(folder, 'version'), 'utf8').trim().replace(/^v/, '')
  const closed = existsSync(join(folder, 'sg-session.json'))
  const pinned = readManifest().devDependencies['electron']
  if (!testBuild && (closed || version !== pinned)) {
    const what = closed ? `the closed-network Electron ${version}` : `Electron ${version}`
    throw new Error(
      `a release is not packaged with ${what} in "${folder}", only with the official ${pinned}. Name a mirror in ELECTRON_MIRROR, or make a test build: npm run dist:linux -- --test-build`,
    )
  }
  return { folder, version, closed, carries: carriedBy(executable) }
}

function carriedBy(executable: string): Runtime[] {
  const versions = JSON.parse(
    run(executable, ['-p', 'JSON.stringify(process.versions)'], { ...process.env, ELECTRON_RUN_AS_NODE: '1' }),
  ) as Record<string, string>
  const of = (name: string): string => versions[name] ?? 'unknown'
  return [
    { name: 'chromium', version: of('chrome'), license: 'BSD-3-Clause' },
    { name: 'node', version: of('node'), license: 'MIT' },
  ]
}
