// The smallest program that uses what a tray app uses. Its menu drives it; what happens to it goes to stdout.
import { app, Menu, Notification, nativeImage, powerMonitor, Tray } from 'electron'

const say = (...words) => process.stdout.write(`${words.join(' ')}\n`)
const square = (shade) =>
  nativeImage.createFromBitmap(Buffer.alloc(16 * 16 * 4, Buffer.from([shade, shade, shade, 0xff])), {
    width: 16,
    height: 16,
  })

// Kept here, or they would be collected.
let tray
let notification
let count = 0
let marked = true

function showMenu() {
  tray.setContextMenu(
    Menu.buildFromTemplate([
      { label: `Count: ${count}`, enabled: false },
      { type: 'separator' },
      { label: 'Count up…', click: countUp },
      {
        label: 'snake_case',
        type: 'checkbox',
        checked: marked,
        click: mark,
      },
      { label: 'More', submenu: [{ label: 'Deep', click: () => say('deep') }] },
      { label: 'Hidden', visible: false },
      { label: 'Notify', click: notify },
      { label: 'Take back', click: () => notification?.close() },
      { label: 'Icon only', click: () => tray.setImage(square(0x30)) },
      { label: 'Locked?', click: () => say('idle', powerMonitor.getSystemIdleState(60)) },
      { label: 'Quit', click: () => app.quit() },
    ]),
  )
}

function countUp() {
  count += 1
  tray.setToolTip(`counted ${count}`)
  tray.setImage(square(count % 2 ? 0xc0 : 0x40))
  showMenu()
}

function mark(item) {
  marked = item.checked
  say('marked', marked)
}

function notify() {
  notification = new Notification({
    title: 'Signed out',
    body: 'Sign in <again> & go on',
    urgency: 'critical',
    timeoutType: 'never',
    icon: square(0x80),
    actions: [{ type: 'button', text: 'Sign in' }],
  })
  for (const event of ['show', 'click', 'close', 'action', 'failed']) {
    notification.on(event, (_, detail) => say('notification', event, detail ?? ''))
  }
  notification.show()
}

// Not awaited at the top level: ready comes only after this file has run.
app.whenReady().then(() => {
  tray = new Tray(square(0x40))
  tray.setToolTip('counted 0')
  tray.on('click', () => say('tray click'))
  showMenu()
  for (const event of ['suspend', 'resume', 'shutdown', 'lock-screen', 'unlock-screen']) {
    powerMonitor.on(event, () => say('power', event))
  }
  say('notifications', Notification.isSupported())
  say('ready')
})
app.on('window-all-closed', () => undefined)
