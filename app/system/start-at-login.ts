import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { app } from 'electron'
import writeFileAtomic from 'write-file-atomic'
import { desktopEntry } from './desktop-entry.ts'

/** Whether the system starts sg-session when the artist logs in. */
export async function startsAtLogin(): Promise<boolean> {
  if (process.platform !== 'linux') return app.getLoginItemSettings().openAtLogin
  const entry = await readFile(autostartFile(), 'utf8').catch(() => '')
  return entry.includes('Exec=') && !/^(Hidden=true|X-GNOME-Autostart-enabled=false)$/m.test(entry)
}

/** Switches it on or off: a login item, on Linux an autostart entry of the XDG specification. */
export async function setStartAtLogin(wanted: boolean): Promise<void> {
  if (process.platform !== 'linux') return app.setLoginItemSettings({ openAtLogin: wanted, args: ['--autostart'] })
  const file = autostartFile()
  if (!wanted) return rm(file, { force: true })
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFileAtomic(file, desktopEntry([...ownCommand(), '--autostart']), { mode: 0o644 })
}

function autostartFile(): string {
  const config = process.env['XDG_CONFIG_HOME'] || join(app.getPath('home'), '.config')
  return join(config, 'autostart', 'sg-session.desktop')
}

/** What started this app: its own program (an AppImage mounts it somewhere else each time), from source with its folder. */
function ownCommand(): string[] {
  const program = process.env['APPIMAGE'] ?? process.execPath
  return app.isPackaged ? [program] : [program, app.getAppPath()]
}
