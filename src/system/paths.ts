import { homedir, userInfo } from 'node:os'
import { posix, win32 } from 'node:path'

/** Where this system's users and administrators expect things. */
export interface Paths {
  /** IT's file: locked values and defaults for every user of the machine. */
  readonly policyFile: string
  /** What beside the file the system itself keeps of IT's decisions; it beats the file. */
  readonly nativePolicy?: NativePolicy
  /** The user's own settings. */
  readonly settingsFile: string
  /** Where an agent may announce itself, best first. The agent writes one; clients look at each in turn. */
  readonly endpointFiles: readonly string[]
  /** What the agent keeps for this user on this machine: answers about programs, the local audit. */
  readonly stateFolder: string
  /** Where a program that has no terminal keeps its log. */
  readonly logFolder: string
  /** Where Electron keeps its lock and its own files, none of which is worth keeping: that of this login, then those of others. */
  readonly electronFolders: readonly [string, ...string[]]
  /** What starts the app at login for this user; elsewhere than on Linux the system keeps that itself. */
  readonly autostartFile?: string
}

/** Windows: the registry's policies. macOS: what a configuration profile leaves in this file. */
export type NativePolicy =
  | { readonly kind: 'registry' }
  | { readonly kind: 'managed-preferences'; readonly file: string }

export interface System {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  /** -1 where there are no numeric users (Windows). */
  readonly uid: number
}

export function thisSystem(): System {
  return { platform: process.platform, env: process.env, home: homedir(), uid: userInfo().uid }
}

/**
 * The endpoint file must not live in a home directory that two workstations share over the network, so on Linux it goes
 * to the per-login runtime folder; a DCC started without XDG_RUNTIME_DIR finds the same folder by the user's number.
 * `SG_SESSION_ENDPOINT` (a path, no secret) replaces the search.
 */
export function standardPaths(system: System = thisSystem()): Paths {
  const { env, home, uid } = system
  const override = env['SG_SESSION_ENDPOINT']
  const named = (found: string[]): string[] => (override ? [override] : [...new Set(found)])
  switch (system.platform) {
    case 'win32': {
      const local = env['LOCALAPPDATA'] ?? win32.join(home, 'AppData', 'Local')
      const roaming = env['APPDATA'] ?? win32.join(home, 'AppData', 'Roaming')
      return {
        // Not from the environment: a user could point it at a policy of their own.
        policyFile: 'C:\\ProgramData\\sg-session\\policy.json',
        nativePolicy: { kind: 'registry' },
        settingsFile: win32.join(roaming, 'sg-session', 'settings.json'),
        endpointFiles: named([win32.join(local, 'sg-session', 'endpoint.json')]),
        stateFolder: win32.join(local, 'sg-session', 'state'),
        logFolder: win32.join(local, 'sg-session', 'logs'),
        electronFolders: [win32.join(roaming, 'sg-session', 'app')],
      }
    }
    case 'darwin': {
      const support = posix.join(home, 'Library', 'Application Support', 'sg-session')
      return {
        policyFile: '/Library/Application Support/sg-session/policy.json',
        nativePolicy: {
          kind: 'managed-preferences',
          file: '/Library/Managed Preferences/org.sg-session.app.plist',
        },
        settingsFile: posix.join(support, 'settings.json'),
        endpointFiles: named([posix.join(home, 'Library', 'Caches', 'sg-session', 'endpoint.json')]),
        stateFolder: posix.join(support, 'state'),
        logFolder: posix.join(home, 'Library', 'Logs', 'sg-session'),
        electronFolders: [posix.join(support, 'app')],
      }
    }
    default: {
      const config = env['XDG_CONFIG_HOME'] || posix.join(home, '.config')
      const runtime = env['XDG_RUNTIME_DIR']
      const state = env['XDG_STATE_HOME'] || posix.join(home, '.local', 'state')
      return {
        policyFile: '/etc/sg-session/policy.json',
        settingsFile: posix.join(config, 'sg-session', 'settings.json'),
        endpointFiles: named([
          ...(runtime ? [posix.join(runtime, 'sg-session', 'endpoint.json')] : []),
          `/run/user/${uid}/sg-session/endpoint.json`,
          `/tmp/sg-session-${uid}/endpoint.json`,
        ]),
        stateFolder: posix.join(state, 'sg-session', 'state'),
        logFolder: posix.join(state, 'sg-session'),
        electronFolders: electronFoldersOf([runtime || config, ...(override ? [] : [`/run/user/${uid}`]), config]),
        autostartFile: posix.join(config, 'autostart', 'sg-session.desktop'),
      }
    }
  }
}

/** A home directory may be shared by two workstations, and a lock in it would be shared too: the login's runtime folder comes first. */
function electronFoldersOf([first = '', ...others]: readonly string[]): [string, ...string[]] {
  const place = (folder: string): string => posix.join(folder, 'sg-session', 'app')
  const rest = new Set(others.map(place))
  rest.delete(place(first))
  return [place(first), ...rest]
}
