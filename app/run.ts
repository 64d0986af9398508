import { app } from 'electron'
import { makeLog } from '../src/log.ts'
import { standardPaths } from '../src/paths.ts'
import { version } from '../src/version.ts'
import type { Launch } from './command-line.ts'
import { Commands } from './commands.ts'
import { pageHandlers } from './page-handlers.ts'
import { Shell } from './shell.ts'
import { openLogFile } from './system/log-file.ts'
import type { Tray } from './tray/tray.ts'
import { answerPages } from './windows/ipc.ts'
import { refuseNavigation } from './windows/windows.ts'

/** How long quitting may take: revoking tokens is worth a moment, not the artist's patience. */
const quitLimitMs = 6_000

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

  const options = { paths, rules: { insecureLoopback: launch.allowInsecureLoopback }, log }
  const shell = new Shell(options, tray)
  const commands = new Commands(shell, options, bundle)
  answerPages(commands.windows, pageHandlers(shell, commands, options), () => shell.language.strings, log)

  let quitting = false
  const quit = async (): Promise<void> => {
    const limit = new Promise<void>((resolve) => setTimeout(resolve, quitLimitMs))
    await Promise.race([shell.stop(), limit]).catch((error: unknown) => log.error({ err: error }, 'quitting failed'))
    await logFile.close()
    app.exit(0)
  }
  app.on('before-quit', (event) => {
    event.preventDefault()
    if (!quitting) void quit()
    quitting = true
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => app.quit())
  await shell.start(launch, commands)
  return shell
}
