import type { ConfigRules } from '../config/config.ts'
import type { AgentError } from '../errors.ts'
import type { Clock, Fetch } from '../ports.ts'
import type { Paths, System } from '../system/paths.ts'
import type { Finding } from './finding.ts'
import type { Setup } from './setup.ts'

/** What the checks look at, and by what means. Nothing in it opens a window or a browser, signs anybody in, or writes. */
export interface World {
  readonly program: Program
  readonly system: System
  readonly paths: Paths
  readonly rules: ConfigRules
  readonly setup: Setup
  readonly clock: Pick<Clock, 'now'>
  readonly wayOut: WayOut
}

/** Whose doctor this is: they find their way out, and keep sign-ins, differently. */
export interface Program {
  readonly kind: 'command-line' | 'tray-app'
  /** `Node 24.1.0`, or what the tray app is made of. */
  readonly runtime: string
  /** A copy of the system's opener that the program brings along (Linux). */
  readonly ownOpener?: string | undefined
  /** The tray app knows whether its keychain serves; undefined when nothing is wrong, or nobody tried. */
  readonly keychainProblem?: AgentError | undefined
}

/** The way to servers outside this machine. */
export interface WayOut {
  readonly fetch: Fetch
  /** The proxy an address is asked through, as a URL that may hold a password; undefined: none. */
  proxyFor(url: URL): Promise<string | undefined>
  /** What stands in the way of every address: a proxy or a file of authorities that cannot be used. */
  readonly problem?: AgentError
}

/** One thing to look at. Never waits longer than `signal`; what it throws becomes a row. */
export type Check = (world: World, signal: AbortSignal) => Promise<Finding[]>
