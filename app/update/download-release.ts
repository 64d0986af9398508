import type { Session } from 'electron'
import {
  AppImageUpdater,
  CancellationToken,
  MacUpdater,
  NsisUpdater,
  Provider,
  type UpdateInfo,
} from 'electron-updater'
import { DownloadedUpdateHelper } from 'electron-updater/out/DownloadedUpdateHelper.js'
import type { ProviderRuntimeOptions } from 'electron-updater/out/providers/Provider.js'
import type { Log } from '../../src/ports.ts'
import type { Release } from '../../src/update/feed-metadata.ts'
import { ArtefactRefused } from './updates.ts'

type Updater = AppImageUpdater | NsisUpdater | MacUpdater
type Kind = 'app-image' | 'nsis' | 'mac'

export interface DownloadedRelease {
  /** Where it lies, checked against its SHA-512. */
  readonly file: string
  /** Has the system's installer put it in place once this program has ended, and start it where that is wanted. */
  install(restart: boolean): void
}

/**
 * Has electron-updater download the file of a release into `folder`. It is told what was judged already, and finds nothing out by
 * itself; deb, rpm and pacman are none of its business here. Rejects with `ArtefactRefused` where the file is another one.
 */
export async function downloadRelease(
  kind: Kind,
  release: Release,
  folder: string,
  log: Log,
  signal: AbortSignal,
): Promise<DownloadedRelease> {
  const updater = updaterFor(kind)
  updater.logger = quiet(log)
  updater.autoDownload = false
  // An AppImage is put in place by us, an installer started by us; only Squirrel.Mac has to prepare itself before the end.
  updater.autoInstallOnAppQuit = kind === 'mac'
  updater.disableDifferentialDownload = true
  updater.disableWebInstaller = true
  // It asks whether the app is packaged before it does anything; that it may replace itself was found out before.
  updater.forceDevUpdateConfig = true
  updater.setFeedURL({ provider: 'custom', updateProvider: providerOf(release) })
  // It would draw a number for this machine, keep it, and send it along with each request.
  Object.defineProperty(updater, 'stagingUserIdPromise', { value: { value: Promise.resolve('') } })
  // Else it takes a folder from a file that only packages have.
  Object.defineProperty(updater, 'downloadedUpdateHelper', {
    value: new DownloadedUpdateHelper(folder),
    writable: true,
  })
  const guard = guarded(updater.netSession, release)
  const token = new CancellationToken()
  const cancel = (): void => token.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  // Nothing else would notice that a server has stopped in the middle.
  const stall = setTimeout(cancel, stallLimitMs)
  updater.on('download-progress', () => stall.refresh())
  try {
    const found = await updater.checkForUpdates()
    if (!found?.isUpdateAvailable) throw new Error('electron-updater does not take it for newer')
    const [file] = await updater.downloadUpdate(token)
    if (file === undefined) throw new Error('electron-updater has downloaded nothing')
    return { file, install: (restart) => install(updater, restart) }
  } catch (error) {
    if (token.cancelled) throw new Error('it stopped coming, or the app has ended')
    throw guard.refusal ?? (isMismatch(error) ? new ArtefactRefused('its SHA-512 is another') : error)
  } finally {
    clearTimeout(stall)
    signal.removeEventListener('abort', cancel)
    guard.release()
    // What was cancelled goes on behind electron-updater's back.
    if (token.cancelled) await updater.netSession.closeAllConnections()
  }
}

function updaterFor(kind: Kind): Updater {
  return new { 'app-image': AppImageUpdater, nsis: NsisUpdater, mac: MacUpdater }[kind]()
}

function install(updater: Updater, restart: boolean): void {
  if (updater instanceof NsisUpdater) updater.install(true, restart)
  else if (updater instanceof MacUpdater && restart) updater.quitAndInstall()
}

/** As long as this nothing may come. */
const stallLimitMs = 60_000

/** A provider that knows one release, and gives it one file. */
function providerOf({ version, url, sha512, size }: Release) {
  const info = { url: url.href, sha512, size }
  return class extends Provider<UpdateInfo> {
    constructor(_options: unknown, _updater: unknown, runtime: ProviderRuntimeOptions) {
      super(runtime)
    }
    async getLatestVersion(): Promise<UpdateInfo> {
      return { version, files: [info], path: info.url, sha512, releaseDate: '' }
    }
    resolveFiles() {
      return [{ url, info }]
    }
  }
}

/**
 * While it downloads, its session asks for that one address, follows no redirect, and takes no answer of another size, nor one that
 * grows while it is unpacked: else a file would be read to its end before its hash is found to be wrong, and some have none.
 */
function guarded(
  { webRequest }: Session,
  { url, size }: Release,
): { readonly refusal: Error | undefined; release(): void } {
  let refusal: Error | undefined
  webRequest.onBeforeRequest(({ url: wanted }, answer) => {
    const cancel = wanted !== url.href
    if (cancel) refusal = new ArtefactRefused('it is somewhere else')
    answer({ cancel })
  })
  webRequest.onHeadersReceived(({ statusCode, responseHeaders = {} }, answer) => {
    const header = (wanted: string): string | undefined =>
      Object.entries(responseHeaders).find(([name]) => name.toLowerCase() === wanted)?.[1][0]
    // A redirect ends at its new address, and an error is not written to the disk.
    const isWritten = statusCode >= 200 && statusCode < 300
    const [length, encoding] = [header('content-length'), header('content-encoding')]
    if (isWritten && statusCode !== 200) refusal = new ArtefactRefused(`it comes with status ${statusCode}`)
    else if (isWritten && encoding !== undefined) refusal = new ArtefactRefused(`it comes packed, as ${encoding}`)
    else if (isWritten && length !== String(size))
      refusal = new ArtefactRefused(`its size is ${length ?? 'not said'}, not ${size}`)
    answer({ cancel: isWritten && refusal !== undefined })
  })
  return {
    get refusal() {
      return refusal
    },
    release() {
      webRequest.onBeforeRequest(null)
      webRequest.onHeadersReceived(null)
    },
  }
}

function isMismatch(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_CHECKSUM_MISMATCH'
}

/** It calls much an error that is none for us. */
function quiet(log: Log) {
  const say = (message?: unknown): void => log.debug({ said: String(message).slice(0, 500) }, 'electron-updater')
  return { info: say, warn: say, error: say, debug: say }
}
