import { app } from 'electron'
import { AgentError, asAgentError, errorTable } from '../src/errors.ts'
import type { Program } from '../src/hand-over/program.ts'
import { TakeOver } from '../src/hand-over/take-over.ts'
import { makeLog } from '../src/log.ts'
import type { Log } from '../src/ports.ts'
import { standardPaths } from '../src/system/paths.ts'
import { version } from '../src/version.ts'
import type { Launch } from './command-line.ts'
import { Commands } from './commands.ts'
import { pageHandlers } from './page-handlers.ts'
import { Shell } from './shell.ts'
import { lookAtApp, thisAppProgram } from './system/app-program.ts'
import { openLogFile } from './system/log-file.ts'
import type { Tray } from './tray/tray.ts'
import { answerPages } from './windows/ipc.ts'
import { refuseNavigation } from './windows/windows.ts'

/** How long quitting may take: revoking tokens is worth a moment, not the artist's patience. */
const quitLimitMs = 6_000
/** How long a newer version may take to be put in place then: a hundred megabytes are copied. */
const updateLimitMs = 20_000

/** Starts everything behind the icon, and ends it when the app is told to quit. `bundle`: the folder of this program. */
export async function run(launch: Launch, tray: Tray, bundle: string): Promise<Shell> {
  const paths = standardPaths()
  const logFile = openLogFile(paths.logFolder)
  const log = makeLog(launch.logLevel, logFile)
  log.info({ version, electron: process.versions['electron'] }, 'sg-session starts')
  // A fault in one request must not take the artist's session with it.
  process.on('unhandledRejection', (reason) => log.error({ err: reason }, 'something failed unnoticed'))
  process.on('uncaughtException', (error) => log.error({ err: error }, 'something failed unnoticed'))
  refuseNavigation()

  const program = thisAppProgram(bundle)
  const started = program && (await lookAtApp(program.files))
  const end = async (status: number): Promise<never> => {
    await logFile.close()
    app.exit(status)
    return new Promise<never>(() => undefined)
  }
  const limit = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
  const leave = async (): Promise<void> => {
    await Promise.race([shell.succession.handedOver(), limit(updateLimitMs)])
    await end(0)
  }
  const giveUp = (thrown: unknown): Promise<never> => {
    const error = asAgentError(thrown)
    log.error({ err: error }, 'this app takes nobody’s place')
    process.stderr.write(`sg-session: ${error.message}. ${error.advice}\n`)
    return end(errorTable[error.code].exit)
  }
  const takeOver = launch.takeOver ? await beginTakeOver(program, log).catch(giveUp) : undefined
  const succession = { takeOver, program, started, onOver: () => void leave() }
  const options = { paths, rules: { insecureLoopback: launch.allowInsecureLoopback }, log, succession }
  const shell = new Shell(options, tray)
  const commands = new Commands(shell, options, bundle)
  answerPages(commands.windows, pageHandlers(shell, commands, options), () => shell.configuration.language.strings, log)

  let quitting = false
  const quit = async (): Promise<void> => {
    await Promise.race([shell.stop(), limit(quitLimitMs)]).catch((error: unknown) =>
      log.error({ err: error }, 'quitting failed'),
    )
    await Promise.race([shell.succession.finishUpdate(), limit(updateLimitMs)])
    await logFile.close()
    app.exit(0)
  }
  app.on('before-quit', (event) => {
    event.preventDefault()
    if (!quitting) void quit()
    quitting = true
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => app.quit())
  const starting = shell.start(launch, commands)
  if (takeOver) {
    await starting.catch(async (error: unknown) => {
      await takeOver.refuse(asAgentError(error))
      return giveUp(error)
    })
  }
  await starting
  return shell
}

async function beginTakeOver(program: Program | undefined, log: Log): Promise<TakeOver> {
  if (!program) throw new AgentError('invalid_request', '"--take-over" is for an installed app')
  return TakeOver.begin(program, log)
}
