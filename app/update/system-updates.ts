import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, readFileSync, realpathSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { app } from 'electron'
import { type Config, isLoopback } from '../../src/config/config.ts'
import type { Log } from '../../src/ports.ts'
import type { Paths } from '../../src/system/paths.ts'
import { feedOf } from '../../src/update/look-at-feed.ts'
import { openUpdateRecord } from '../../src/update/update-record.ts'
import { version } from '../../src/version.ts'
import { withoutMount } from '../system/app-image.ts'
import { electronFetch } from '../system/electron-fetch.ts'
import { fileEndOf, type InstallPlace, installPlace } from './install-place.ts'
import { replaceAppImage } from './replace-app-image.ts'
import { type Artefacts, type UpdateHost, Updates } from './updates.ts'

/**
 * The updates of this app; undefined where they are off, or where this installation is not the app's to replace: then no feed is
 * asked either.
 */
export async function openUpdates(
  { update, network }: Pick<Config, 'update' | 'network'>,
  paths: Pick<Paths, 'stateFolder'>,
  log: Log,
  host: UpdateHost,
): Promise<Updates | undefined> {
  const feed = feedOf(update)
  if (!feed) return undefined
  const place = placeHere()
  if (place.by === 'it') {
    log.info(
      'updates are enabled, but this installation is not its user’s to change: they come from whoever installed it',
    )
    return undefined
  }
  return new Updates({
    feed,
    feedIsHere: isLoopback(feed.url),
    // electron-updater downloads in this session, so both go the same way.
    fetch: await electronFetch(network, 'electron-updater'),
    artefacts: artefactsFor(place, join(paths.stateFolder, 'update'), log),
    record: openUpdateRecord(paths.stateFolder, log),
    host,
    log,
    platform: process.platform,
    arch: process.arch,
    runningVersion: version,
    now: Date.now,
    random: Math.random,
    quietMs: 3_000,
  })
}

function placeHere(): InstallPlace {
  const { platform, env } = process
  const mayWrite = (path: string): boolean => {
    try {
      accessSync(path, constants.W_OK)
      return true
    } catch {
      return false
    }
  }
  return installPlace({
    platform,
    env,
    executable: realpathSync(process.execPath),
    publisher: publisherHere(),
    mayWrite,
  })
}

/** Whom electron-updater expects to have signed a Windows installer; it would ask for nobody where nobody is named. */
function publisherHere(): string | undefined {
  try {
    const text = readFileSync(join(process.resourcesPath, 'app-update.yml'), 'utf8')
    return /^publisherName:/m.test(text) ? text : undefined
  } catch {
    return undefined
  }
}

function artefactsFor(place: Exclude<InstallPlace, { readonly by: 'it' }>, folder: string, log: Log): Artefacts {
  return {
    fileEnd: fileEndOf(place),
    discard: () => rm(folder, { recursive: true, force: true }),
    async download(release, signal) {
      // Loaded when there is something to download: it is as large as the rest of the app.
      const { downloadRelease } = await import('./download-release.ts')
      const { file, install } = await downloadRelease(place.by, release, folder, log, signal)
      if (place.by !== 'app-image') return { finish: async (restart) => install(restart) }
      return {
        putInPlace: () => replaceAppImage(place.file, file, release),
        async finish(restart) {
          await rm(folder, { recursive: true, force: true })
          if (restart) await startAgain(place.file)
        },
      }
    },
  }
}

const keptSwitches = /^--(log-level=\w+|allow-insecure-loopback)$/

/** Electron's own relaunch forbids what a program starts to gain rights, and an AppImage needs them to mount itself. */
async function startAgain(program: string): Promise<void> {
  app.releaseSingleInstanceLock()
  const args = process.argv.filter((argument) => keptSwitches.test(argument))
  const child = spawn(program, args, { detached: true, stdio: 'ignore', env: withoutMount(process.env) })
  await once(child, 'spawn')
  child.unref()
}
