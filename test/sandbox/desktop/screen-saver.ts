import { Changes } from './changes.ts'
import { BusConnection } from './connection.ts'

/** What locks the screen. */
export interface ScreenSaver {
  /** Waits until a program asked whether the screen is locked; it listens then. */
  untilAsked(timeoutMs?: number): Promise<void>
  lock(): void
  unlock(): void
  stop(): Promise<void>
}

const name = 'org.freedesktop.ScreenSaver'
const path = '/org/freedesktop/ScreenSaver'

/**
 * Plays org.freedesktop.ScreenSaver. On Linux Electron has no `lock-screen` event, but from its first
 * `powerMonitor.getSystemIdleState()` on it listens here and says `locked`.
 */
export async function startScreenSaver(busAddress: string): Promise<ScreenSaver> {
  const connection = await BusConnection.open(busAddress)
  const changes = new Changes()
  let asked = false
  let locked = false
  connection.answer((call) => {
    if (call.path !== path || call.interface !== name || call.member !== 'GetActive') return undefined
    asked = true
    changes.announce()
    return { signature: 'b', body: [locked] }
  })
  await connection.own(name)
  const set = (value: boolean) => {
    locked = value
    connection.emit(path, name, 'ActiveChanged', 'b', [locked])
  }
  return {
    async untilAsked(timeoutMs) {
      await changes.until(
        () => asked || undefined,
        'who asks for the lock',
        timeoutMs === undefined ? {} : { timeoutMs },
      )
    },
    lock: () => set(true),
    unlock: () => set(false),
    async stop() {
      connection.close()
    },
  }
}
