import { readConfig } from '../src/config/config-files.ts'
import { standardPaths } from '../src/system/paths.ts'
import type { Launch } from './command-line.ts'
import { thisAutostart } from './system/start-at-login.ts'

/**
 * Whether a start at login is to go on: the package's autostart entry starts the app for everybody of the machine, and `app.startAtLogin`
 * says who wants it. While the configuration cannot be read, those who have an entry of their own are started, to be told so.
 */
export async function isStartWanted({ allowInsecureLoopback }: Launch): Promise<boolean> {
  try {
    const { config } = await readConfig(standardPaths(), { insecureLoopback: allowInsecureLoopback })
    return config.app.startAtLogin
  } catch {
    return process.platform !== 'linux' || thisAutostart().isOwnWish()
  }
}
