import { basename, dirname, extname, join } from 'node:path'
import type { Paths } from '../system/paths.ts'

/** A folder of which some files are ours, by name; what else lies in it is somebody else's. */
export interface OwnFolder {
  readonly folder: string
  readonly isOurs: (name: string) => boolean
  /** Whether the folder is ours too, and goes when it is empty. */
  readonly goes: boolean
}

export interface KeptPlaces {
  readonly folders: readonly OwnFolder[]
  /** These go with all that is in them. */
  readonly whole: readonly string[]
}

export interface KeptRules {
  /** The configured audit file, when it is not in the state folder. */
  readonly auditFile?: string | undefined
  readonly keepAudit: boolean
}

// write-file-atomic puts a number behind the name of what it has not finished, rotating-file-stream behind what is old.
const settings = /^settings\.json(\.\d+)?$/
const states = /^(tools|updates)\.json((\.previous)?(\.\d+)?|\.damaged-[\dTZ.-]+)$/
const audit = /^audit(\.\d{4}-\d\d-\d\d(\.\d{1,6})?)?\.jsonl$/
const logs = /^sg-session\.log(\.\d+)?$/

/** Whether a file of the state folder is of the local audit. */
export function isAuditName(name: string): boolean {
  return audit.test(name)
}

/** Everything that sg-session keeps for one user, below `paths`. Touches nothing. */
export function keptPlaces(paths: Paths, { auditFile, keepAudit }: KeptRules): KeptPlaces {
  const { settingsFile, stateFolder, logFolder, endpointFiles, electronFolders, autostartFile } = paths
  // The second: what an update has downloaded (app/update/system-updates.ts).
  const whole = [...electronFolders, join(stateFolder, 'update')]
  const state = (name: string): boolean => states.test(name) || (!keepAudit && isAuditName(name))
  return {
    whole,
    // What lies inside another comes first, or the other would never be empty.
    folders: [
      { folder: stateFolder, isOurs: state, goes: true },
      { folder: logFolder, isOurs: (name) => logs.test(name), goes: true },
      ...endpointFiles.map((file) => ({ folder: dirname(file), isOurs: endpointNames(file), goes: isOwnName(file) })),
      { folder: dirname(settingsFile), isOurs: (name) => settings.test(name), goes: true },
      ...(autostartFile === undefined ? [] : [onlyThe(autostartFile)]),
      ...(auditFile === undefined || keepAudit ? [] : [auditElsewhere(auditFile)]),
    ],
  }
}

/** The file, the lock beside it (a folder that proper-lockfile makes), and what a killed agent has not finished. */
function endpointNames(file: string): (name: string) => boolean {
  const own = basename(file)
  return (name) =>
    name === own || name === 'starting' || (name.startsWith(`${own}.`) && /^\d+$/.test(name.slice(own.length + 1)))
}

/** `SG_SESSION_ENDPOINT` may name a file in any folder. */
function isOwnName(endpointFile: string): boolean {
  return /^sg-session(-\d+)?$/.test(basename(dirname(endpointFile)))
}

function onlyThe(file: string): OwnFolder {
  return { folder: dirname(file), isOurs: (name) => name === basename(file), goes: false }
}

/** As audit-files.ts names what it moves aside. */
function auditElsewhere(file: string): OwnFolder {
  const extension = extname(file)
  const stem = basename(file, extension)
  const isOurs = (name: string): boolean => {
    if (!name.startsWith(stem) || !name.endsWith(extension)) return false
    return /^(\.\d{4}-\d\d-\d\d(\.\d{1,6})?)?$/.test(name.slice(stem.length, name.length - extension.length))
  }
  return { folder: dirname(file), isOurs, goes: false }
}

/** The lock by which Electron runs the app once: a link that names the machine and the process. */
export function singletonLockOf(electronFolder: string): string {
  return join(electronFolder, 'SingletonLock')
}
