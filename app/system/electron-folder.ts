import { join } from 'node:path'
import { app } from 'electron'

/**
 * Where Electron keeps its lock and its own files, none of which is worth keeping: apart from the settings, and on Linux in
 * the login's runtime folder. A home directory may be shared by two workstations, and a lock in it would be shared too.
 */
export function electronFolder(): string {
  const runtime = process.platform === 'linux' ? process.env['XDG_RUNTIME_DIR'] : undefined
  return join(runtime ?? app.getPath('appData'), 'sg-session', 'app')
}
