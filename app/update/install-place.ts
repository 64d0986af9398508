import { dirname, posix, win32 } from 'node:path'
import { appImageOf } from '../system/app-image.ts'

/** What is asked of the system about this installation. */
export interface PlaceFacts {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
  /** The program that runs, links resolved. */
  readonly executable: string
  /** Who signs the Windows installer, of `app-update.yml` in the app's resources; undefined where it names nobody. */
  readonly publisher: string | undefined
  /** Whether this user may write to a file or folder. */
  mayWrite(path: string): boolean
}

/** Who puts a newer version where this one is: the app itself, or (`it`) whoever installed it. */
export type InstallPlace =
  | { readonly by: 'app-image'; readonly file: string }
  | { readonly by: 'nsis' }
  | { readonly by: 'mac' }
  | { readonly by: 'it' }

const it: InstallPlace = { by: 'it' }

/**
 * The app replaces itself only where its user could: then no password is asked for, and nobody gets more rights than they have. What a
 * package manager has installed is its own.
 */
export function installPlace(facts: PlaceFacts): InstallPlace {
  switch (facts.platform) {
    case 'linux':
      return appImagePlace(facts)
    case 'win32':
      return nsisPlace(facts)
    case 'darwin':
      return macPlace(facts)
    default:
      return it
  }
}

function appImagePlace({ env, executable, mayWrite }: PlaceFacts): InstallPlace {
  const file = appImageOf(env, executable)
  return file !== undefined && mayWrite(file) && mayWrite(dirname(file)) ? { by: 'app-image', file } : it
}

/** For all users of the machine it lies where only administrators write, and its installer would ask for one. */
function nsisPlace({ env, executable, publisher, mayWrite }: PlaceFacts): InstallPlace {
  const folder = win32.dirname(executable)
  const local = env['LOCALAPPDATA']
  if (publisher === undefined || !local) return it
  const isOwn = folder.toLowerCase().startsWith(`${win32.normalize(local).toLowerCase()}\\`)
  return isOwn && mayWrite(folder) ? { by: 'nsis' } : it
}

function macPlace({ executable, mayWrite }: PlaceFacts): InstallPlace {
  const bundle = /^(.*\.app)\/Contents\/MacOS\//.exec(executable)?.[1]
  if (bundle === undefined) return it
  return mayWrite(bundle) && mayWrite(posix.dirname(bundle)) ? { by: 'mac' } : it
}

/** What its updates' file names end with; Squirrel.Mac takes a zip. */
export function fileEndOf(place: Exclude<InstallPlace, { readonly by: 'it' }>): string {
  return { 'app-image': '.AppImage', nsis: '.exe', mac: '.zip' }[place.by]
}
