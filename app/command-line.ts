import type { LogLevel } from '../src/log.ts'

/** How the program was started. */
export interface Launch {
  /** What the person wants at once; a plain start wants nothing but the tray. */
  readonly wants: LaunchWish
  /** The same when an app runs already: who starts it by hand then looks for its window. */
  readonly wantsOfRunning: LaunchWish
  /** Not a person but the login started it. */
  readonly atLogin: boolean
  readonly logLevel: LogLevel
  /** Accept http: addresses on this machine's loopback, for the sandbox. */
  readonly allowInsecureLoopback: boolean
  /** Started by the app whose place it takes: shows nothing until it has that. */
  readonly takeOver: boolean
}

const wishes = ['tray', 'status', 'sign-in'] as const
export type LaunchWish = (typeof wishes)[number]

const logLevels: readonly string[] = ['debug', 'info', 'warn', 'error', 'silent'] satisfies LogLevel[]

/**
 * Reads the switches that are ours: `--status`, `--sign-in`, `--autostart`, `--log-level=LEVEL`,
 * `--allow-insecure-loopback`, `--take-over`. Everything else is Chromium's or nobody's and is passed over. A start by hand shows the
 * status window when an app already runs; one at login does not.
 */
export function judgeArguments(argv: readonly string[]): Launch {
  const level = argv.findLast((argument) => argument.startsWith('--log-level='))?.slice('--log-level='.length) ?? ''
  const takeOver = argv.includes('--take-over')
  // Who takes over was asked for already, when the app of before was started.
  const atLogin = argv.includes('--autostart') && !takeOver
  // What the app of before was started for is done, or is told by it.
  const wants = takeOver
    ? 'tray'
    : argv.includes('--sign-in')
      ? 'sign-in'
      : argv.includes('--status')
        ? 'status'
        : 'tray'
  return {
    wants,
    takeOver,
    wantsOfRunning: wants === 'tray' && !takeOver && !atLogin ? 'status' : wants,
    atLogin,
    logLevel: logLevels.includes(level) ? (level as LogLevel) : 'info',
    allowInsecureLoopback: argv.includes('--allow-insecure-loopback'),
  }
}

/**
 * What a second launch asks of the running app. Its data comes from any program of this user: only one of three words is
 * taken from it, and whatever else it holds is ignored.
 */
export function judgeSecondLaunch(additionalData: unknown): LaunchWish {
  const wants = typeof additionalData === 'object' && additionalData !== null && 'wants' in additionalData
  return wishes.find((wish) => wants && wish === additionalData.wants) ?? 'status'
}
