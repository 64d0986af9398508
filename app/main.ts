import { join } from 'node:path'
import { app } from 'electron'
import { judgeArguments, judgeSecondLaunch } from './command-line.ts'
import { chooseLanguage } from './strings/catalogue.ts'
import { refuseWeakening } from './system/chromium-switches.ts'
import { electronFolder } from './system/electron-folder.ts'
import { Tray } from './tray/tray.ts'
import { startingView } from './tray/tray-view.ts'
import { announcePageScheme } from './windows/page-files.ts'
import { hasDisplay, runWithoutDisplay } from './without-display.ts'

// The entry holds what must happen before Electron is ready, and the icon. Everything else is loaded behind it.
const bundle = import.meta.dirname
const launch = judgeArguments(process.argv)
const iconHeadStartMs = 50

// Before anything else: a little later Electron would look for the display itself, and crash.
if (!hasDisplay()) process.exit(await runWithoutDisplay(launch))

// The package's autostart entry starts it for everybody of the machine.
if (launch.atLogin && !(await (await import('./start-wanted.ts')).isStartWanted(launch))) process.exit(0)

// Nothing here needs a GPU: text and one bar. Its process would weigh more than everything of ours.
app.disableHardwareAcceleration()
for (const name of ['disable-gpu', 'disable-gpu-compositing', 'disable-software-rasterizer', 'in-process-gpu']) {
  app.commandLine.appendSwitch(name)
}
refuseWeakening()
app.setName('sg-session')
app.setPath('userData', electronFolder())
announcePageScheme()

// One that takes another's place gets the lock with it.
if (launch.takeOver || app.requestSingleInstanceLock({ wants: launch.wantsOfRunning })) {
  // An app in the tray goes on without windows.
  app.on('window-all-closed', () => undefined)
  // Not awaited at the top level: Electron waits for this module before it becomes ready.
  const running = app.whenReady().then(async () => {
    app.dock?.hide()
    const tray = new Tray(join(bundle, 'icons'), launch.takeOver)
    tray.show(startingView(chooseLanguage('auto', app.getPreferredSystemLanguages())))
    // The panel is told of the icon in a few round trips; loading the rest at once would hold them up for longer than it takes.
    await new Promise((resolve) => setTimeout(resolve, iconHeadStartMs))
    const { run } = await import('./run.ts')
    return run(launch, tray, bundle)
  })
  app.on('second-instance', (_event, _argv, _folder, data) => {
    void running.then((shell) => shell.onSecondLaunch(judgeSecondLaunch(data)))
  })
  app.on('activate', () => void running.then((shell) => shell.onSecondLaunch('status')))
} else app.exit(0)
