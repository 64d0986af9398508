import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { app, Tray as ElectronTray, Menu, type MenuItemConstructorOptions, nativeImage, nativeTheme } from 'electron'
import type { Command } from '../situation.ts'
import { trayHostIsThere, whenTrayHostAppears } from '../system/tray-host.ts'
import type { MenuItem, TrayView } from './tray-view.ts'

/** The icon in the panel. It shows a view; the views are made elsewhere. */
export class Tray {
  readonly #iconFolder: string
  #onCommand: (command: Command) => void = ({ does }) => {
    if (does === 'quit') app.quit()
  }
  #tray: ElectronTray | undefined
  #isInPanel = true
  #stopWaiting: () => void = () => undefined
  #shown: (TrayView & { readonly dark: boolean }) | undefined

  #isHeldBack: boolean

  /** `isHeldBack`: nothing is shown before `appear`, for another one is in the panel still. */
  constructor(iconFolder: string, isHeldBack = false) {
    this.#iconFolder = iconFolder
    this.#isHeldBack = isHeldBack
  }

  appear(): void {
    this.#isHeldBack = false
  }

  /** Who does what the menu asks for; before, quitting is all there is. */
  onCommand(listener: (command: Command) => void): void {
    this.#onCommand = listener
  }

  show(view: TrayView): void {
    if (this.#isHeldBack) return
    const dark = nativeTheme.shouldUseDarkColors
    const before = this.#shown
    this.#shown = { ...view, dark }
    const image = (): Electron.NativeImage => this.#image(view, dark)
    if (!this.#tray) {
      this.#tray = new ElectronTray(image())
      // A left click opens the status on Windows and on panels that have it; the menu is the right click's.
      this.#tray.on('click', () => this.#onCommand({ does: 'showStatus' }))
    } else if (before?.icon !== view.icon || before.dark !== dark) this.#tray.setImage(image())
    if (before?.tooltip !== view.tooltip) this.#tray.setToolTip(view.tooltip)
    // Each new menu makes panels read it anew, and one that is open closes: only when it says something else.
    if (!isDeepStrictEqual(before?.menu, view.menu))
      this.#tray.setContextMenu(Menu.buildFromTemplate(this.#items(view.menu)))
  }

  /** False where the desktop has no panel that shows icons. */
  get isInPanel(): boolean {
    return this.#isInPanel
  }

  /**
   * Looks for a panel, and waits for one when there is none; `found` is called with what was found, now and when one comes.
   * The icon that no panel took is put away: Electron offers an icon once, so the next `show` makes a new one.
   */
  async findPanel(found: (isThere: boolean) => void): Promise<void> {
    this.#stopWaiting()
    const before = this.#isInPanel
    this.#isInPanel = await trayHostIsThere()
    if (!before) this.#putAway()
    if (!this.#isInPanel) this.#stopWaiting = whenTrayHostAppears(() => void this.findPanel(found))
    found(this.#isInPanel)
  }

  close(): void {
    this.#stopWaiting()
    this.#putAway()
  }

  #putAway(): void {
    this.#tray?.destroy()
    this.#tray = undefined
    this.#shown = undefined
  }

  #image({ icon }: TrayView, dark: boolean): Electron.NativeImage {
    if (process.platform === 'darwin') {
      const image = nativeImage.createFromPath(join(this.#iconFolder, `tray-${icon}-light.png`))
      image.setTemplateImage(true)
      return image
    }
    return nativeImage.createFromPath(join(this.#iconFolder, `tray-${icon}-${dark ? 'dark' : 'light'}.png`))
  }

  #items(items: readonly MenuItem[]): MenuItemConstructorOptions[] {
    return items.map((item): MenuItemConstructorOptions => {
      switch (item.kind) {
        case 'line':
          return { type: 'separator' }
        case 'text':
          return { label: plain(item.label), enabled: false }
        case 'menu':
          return { label: plain(item.label), submenu: this.#items(item.items) }
        default: {
          const click = (): void => this.#onCommand(item.command)
          const check = item.checked === undefined ? {} : { type: 'checkbox' as const, checked: item.checked }
          return { label: plain(item.label), click, enabled: item.enabled ?? true, ...check }
        }
      }
    })
  }
}

/** In a menu a single `&` would mark a letter. */
function plain(label: string): string {
  return label.replaceAll('&', '&&')
}
