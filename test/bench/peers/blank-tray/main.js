// The least there can be: an icon with a menu. What sg-session's weight and start are measured against.
import { app, Menu, nativeImage, Tray } from 'electron'

let tray
void app.whenReady().then(() => {
  const red = nativeImage.createFromBitmap(Buffer.alloc(22 * 22 * 4, 0xff), { width: 22, height: 22 })
  tray = new Tray(red)
  tray.setToolTip('blank')
  tray.setContextMenu(Menu.buildFromTemplate([{ label: 'Quit', click: () => app.quit() }]))
})
app.on('window-all-closed', () => undefined)
