import { join } from 'node:path'
import { app, BrowserWindow, nativeTheme, session, type WebContents } from 'electron'
import { AgentError } from '../../src/errors.ts'
import { channels, pageAddress, type View, type WindowName } from './contract.ts'
import { servePages } from './page-files.ts'

/** Size of the content, in DIP. */
const sizes: Readonly<Record<WindowName, { readonly width: number; readonly height: number }>> = {
  status: { width: 460, height: 560 },
  'sign-in': { width: 420, height: 560 },
  'first-run': { width: 460, height: 560 },
  consent: { width: 480, height: 580 },
  programs: { width: 480, height: 520 },
  settings: { width: 440, height: 480 },
  about: { width: 440, height: 580 },
}

/** A proxy that no system can connect to: TCP knows no broadcast. */
const nowhere = 'http://255.255.255.255:1'

/** Which view a window shows; the site a sign-in window is about, the question a consent window asks. */
export interface Subject {
  readonly name: WindowName
  readonly about: string | undefined
}

interface OpenWindow {
  readonly window: BrowserWindow
  readonly subject: Subject
}

/**
 * The windows there are now: one of a kind, made on demand, destroyed when closed. A window shows the page of our own
 * scheme and nothing else, in a sandbox, with no permission, no navigation and no window of its own.
 */
export class Windows {
  readonly #folder: string
  readonly #viewOf: (subject: Subject) => View
  readonly #open = new Map<WindowName, OpenWindow>()
  #onClosed: (subject: Subject) => void = () => undefined
  #served = false

  /** `folder` is the bundle's: `preload.cjs`, `pages/`, `icons/`. */
  constructor(folder: string, viewOf: (subject: Subject) => View) {
    this.#folder = folder
    this.#viewOf = viewOf
  }

  onClosed(listener: (subject: Subject) => void): void {
    this.#onClosed = listener
  }

  get anyOpen(): boolean {
    return this.#open.size > 0
  }

  /** Shows the window and gives it the keyboard; made anew if it is not there or is about something else. */
  show(name: WindowName, about?: string): void {
    const present = this.#open.get(name)
    if (present && present.subject.about === about) {
      if (present.window.isMinimized()) present.window.restore()
      present.window.show()
      present.window.focus()
      return
    }
    present?.window.destroy()
    this.#make({ name, about }, (window) => window.show())
  }

  /** Shows a new window before the others, and leaves the keyboard where it is: somebody is typing there. */
  showBeside(name: WindowName, about: string): void {
    this.#open.get(name)?.window.destroy()
    this.#make({ name, about }, (window) => {
      window.showInactive()
      window.moveTop()
      window.flashFrame(true)
    })
  }

  isOpen(name: WindowName, about?: string): boolean {
    const present = this.#open.get(name)
    return present !== undefined && present.subject.about === about
  }

  close(name: WindowName): void {
    this.#open.get(name)?.window.close()
  }

  /** At once, whatever they show. */
  closeAll(): void {
    for (const { window } of [...this.#open.values()]) window.destroy()
  }

  /** Sends every window its view anew. */
  refresh(): void {
    for (const { window, subject } of this.#open.values()) {
      // A question that was answered meanwhile has no view any more; its window is about to go.
      const view = this.#viewIfAny(subject)
      if (view) window.webContents.send(channels.changed, view)
    }
  }

  /** What the window of this page is about; undefined for any other contents. */
  subjectOf(contents: WebContents): Subject | undefined {
    return [...this.#open.values()].find(({ window }) => window.webContents === contents)?.subject
  }

  viewOf(subject: Subject): View {
    return this.#viewOf(subject)
  }

  #viewIfAny(subject: Subject): View | undefined {
    try {
      return this.#viewOf(subject)
    } catch (error) {
      if (error instanceof AgentError) return undefined
      throw error
    }
  }

  #make(subject: Subject, appear: (window: BrowserWindow) => void): void {
    const { name } = subject
    const window = new BrowserWindow({
      ...sizes[name],
      useContentSize: true,
      minWidth: 320,
      minHeight: 240,
      show: false,
      title: this.#viewOf(subject).title,
      icon: join(this.#folder, 'icons', 'app.png'),
      autoHideMenuBar: true,
      fullscreenable: false,
      maximizable: false,
      minimizable: name !== 'consent',
      alwaysOnTop: name === 'consent',
      backgroundColor: nativeTheme.shouldUseDarkColors ? '#1d1f23' : '#ffffff',
      webPreferences: {
        preload: join(this.#folder, 'preload.cjs'),
        session: this.#pageSession(),
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webviewTag: false,
        webSecurity: true,
        spellcheck: false,
        devTools: !app.isPackaged,
      },
    })
    // Calls between browsers go past the page's policy and past webRequest; so they have no way out but the proxy below.
    window.webContents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp')
    window.setMenu(null)
    this.#open.set(name, { window, subject })
    window.once('ready-to-show', () => appear(window))
    // will-navigate is not asked about about:blank. A window that shows anything but our page is none of ours.
    window.webContents.on('did-navigate', (_event, url) => {
      if (url !== pageAddress) window.destroy()
    })
    window.once('closed', () => {
      if (this.#open.get(name)?.window === window) this.#open.delete(name)
      this.#onClosed(subject)
    })
    void window.loadURL(pageAddress).catch(() => undefined)
  }

  #pageSession(): Electron.Session {
    const pages = session.fromPartition('pages', { cache: false })
    if (this.#served) return pages
    this.#served = true
    servePages(pages, join(this.#folder, 'pages'))
    pages.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
    pages.setPermissionCheckHandler(() => false)
    pages.setDevicePermissionHandler(() => false)
    pages.on('will-download', (event) => event.preventDefault())
    void pages.setProxy({ mode: 'fixed_servers', proxyRules: nowhere, proxyBypassRules: '<-loopback>' })
    // Beside the pages' own policy: no request of a window leaves this machine, whatever a page would say.
    pages.webRequest.onBeforeRequest((details, answer) => {
      answer({ cancel: !/^(app|devtools|data):/.test(details.url) })
    })
    return pages
  }
}

/** Closes every way out of a window, for all contents there will ever be. Called once, before the first window. */
export function refuseNavigation(): void {
  app.on('web-contents-created', (_event, contents) => {
    contents.setWindowOpenHandler(() => ({ action: 'deny' }))
    contents.on('will-navigate', (event) => event.preventDefault())
    contents.on('will-frame-navigate', (event) => event.preventDefault())
    contents.on('will-redirect', (event) => event.preventDefault())
    contents.on('will-attach-webview', (event) => event.preventDefault())
  })
}
