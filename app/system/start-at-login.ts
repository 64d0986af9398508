import { app } from 'electron'
import { thisAppImage } from './app-image.ts'
import { Autostart } from './autostart.ts'

/** Whether the system starts sg-session when the artist logs in, and it stays. `setting`: what `app.startAtLogin` is. */
export async function startsAtLogin(setting: boolean): Promise<boolean> {
  if (process.platform !== 'linux') return app.getLoginItemSettings().openAtLogin
  return thisAutostart().isOn(setting)
}

/** Switches it on or off: a login item, on Linux an autostart entry. */
export async function setStartAtLogin(wanted: boolean): Promise<void> {
  if (process.platform !== 'linux') return app.setLoginItemSettings({ openAtLogin: wanted, args: ['--autostart'] })
  await thisAutostart().set(wanted)
}

export function thisAutostart(): Autostart {
  return new Autostart(ownCommand(), process.env, app.getPath('home'))
}

/** What started this app: its own program (an AppImage mounts it somewhere else each time), from source with its folder. */
function ownCommand(): string[] {
  const program = thisAppImage() ?? process.execPath
  return app.isPackaged ? [program] : [program, app.getAppPath()]
}
