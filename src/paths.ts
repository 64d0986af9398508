import { homedir, userInfo } from 'node:os'
import { posix, win32 } from 'node:path'

/** Where this system's users and administrators expect things. */
export interface Paths {
  /** IT's file: locked values and defaults for every user of the machine. */
  readonly policyFile: string
  /** The user's own settings. */
  readonly settingsFile: string
  /** Where an agent may announce itself, best first. The agent writes one; clients look at each in turn. */
  readonly endpointFiles: readonly string[]
  /** What the agent keeps for this user on this machine: answers about programs, the local audit. */
  readonly stateFolder: string
  /** Where a program that has no terminal keeps its log. */
  readonly logFolder: string
}

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
        settingsFile: win32.join(roaming, 'sg-session', 'settings.json'),
        endpointFiles: named([win32.join(local, 'sg-session', 'endpoint.json')]),
        stateFolder: win32.join(local, 'sg-session', 'state'),
        logFolder: win32.join(local, 'sg-session', 'logs'),
      }
    }
    case 'darwin': {
      const support = posix.join(home, 'Library', 'Application Support', 'sg-session')
      return {
        policyFile: '/Library/Application Support/sg-session/policy.json',
        settingsFile: posix.join(support, 'settings.json'),
        endpointFiles: named([posix.join(home, 'Library', 'Caches', 'sg-session', 'endpoint.json')]),
        stateFolder: posix.join(support, 'state'),
        logFolder: posix.join(home, 'Library', 'Logs', 'sg-session'),
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
      }
    }
  }
}
