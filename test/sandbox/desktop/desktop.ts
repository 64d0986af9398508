import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startXvfb } from '../chromium.ts'
import { type Keyring, startKeyring } from './keyring.ts'
import { startSessionBus } from './message-bus.ts'
import { type NotificationServer, startNotificationServer } from './notification-server.ts'
import { type Panel, startPanel } from './panel.ts'
import { type ScreenSaver, startScreenSaver } from './screen-saver.ts'
import { type SystemBus, startSystemBus } from './system-bus.ts'

export interface DesktopOptions {
  /** A session bus; without it there is neither panel nor notifications nor keyring. Default true. */
  readonly bus?: boolean
  /** A place for tray icons. Default true. */
  readonly panel?: boolean
  /** Default true. */
  readonly notifications?: boolean
  /** Default false: it takes the longest to start. */
  readonly keyring?: boolean
  /** What locks the screen. Default true. */
  readonly screenSaver?: boolean
  /** logind, for sleep and wake. Default true. */
  readonly power?: boolean
  /**
   * Which desktop it says to be. With `GNOME`, Electron sends icons as files; but xdg-open then wants that desktop's own
   * programs. Default one that nobody knows.
   */
  readonly name?: string
}

/** A login's desktop on a screen nobody looks at. */
export interface Desktop {
  /** What a program needs to be on this desktop; goes over the rest of its environment. */
  readonly env: Readonly<Record<string, string>>
  readonly busAddress: string
  // Each throws when the desktop was started without it.
  readonly panel: Panel
  readonly notifications: NotificationServer
  readonly keyring: Keyring
  readonly screenSaver: ScreenSaver
  readonly power: SystemBus
  /** Ends everything. Programs go first: an Electron whose bus hangs up aborts. */
  stop(): Promise<void>
}

/** Starts a screen, a session bus, and what `options` ask for. When something does not start, all of it is put away. */
export async function startDesktop(options: DesktopOptions = {}): Promise<Desktop> {
  const { bus = true, panel = bus, notifications = bus, keyring = false, screenSaver = bus } = options
  const { power = true, name = 'sandbox' } = options
  const folder = await mkdtemp(join(tmpdir(), 'sg-session-desktop-'))
  // A program that runs as another user gets to the sockets.
  await chmod(folder, 0o711)
  const stops: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 3 })]
  const opened = async <T extends { stop(): unknown }>(wanted: boolean, start: () => Promise<T>) => {
    if (!wanted) return undefined
    const started = await start()
    stops.push(() => started.stop())
    return started
  }
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  try {
    const screen = await opened(true, startXvfb)
    const sessionBus = await opened(bus, () => startSessionBus({ folder }))
    // What libdbus takes for "there is none"; unset, it would look for one.
    const busAddress = sessionBus?.address ?? 'disabled:'
    const pieces = {
      panel: await opened(panel, () => startPanel(busAddress)),
      notifications: await opened(notifications, () => startNotificationServer(busAddress)),
      keyring: await opened(keyring, () => startKeyring({ busAddress, folder })),
      screenSaver: await opened(screenSaver, () => startScreenSaver(busAddress)),
      power: await opened(power, () => startSystemBus({ folder })),
    }
    return {
      env: {
        DISPLAY: screen?.display ?? '',
        DBUS_SESSION_BUS_ADDRESS: busAddress,
        DBUS_SYSTEM_BUS_ADDRESS: pieces.power?.address ?? 'disabled:',
        XDG_CURRENT_DESKTOP: name,
        XDG_SESSION_TYPE: 'x11',
        // GTK would look for the accessibility bus and the settings daemon of a real desktop.
        NO_AT_BRIDGE: '1',
        GSETTINGS_BACKEND: 'memory',
      },
      busAddress,
      get panel() {
        return there(pieces.panel, 'panel')
      },
      get notifications() {
        return there(pieces.notifications, 'notifications')
      },
      get keyring() {
        return there(pieces.keyring, 'keyring')
      },
      get screenSaver() {
        return there(pieces.screenSaver, 'screenSaver')
      },
      get power() {
        return there(pieces.power, 'power')
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function there<T>(piece: T | undefined, name: string): T {
  if (!piece) throw new Error(`this desktop was started without "${name}"`)
  return piece
}
