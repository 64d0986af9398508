import { Changes } from './changes.ts'
import { BusConnection } from './connection.ts'
import { startMessageBus } from './message-bus.ts'

/** The machine's own bus with logind on it: what tells programs that the machine goes to sleep. */
export interface SystemBus {
  /** What belongs into DBUS_SYSTEM_BUS_ADDRESS. */
  readonly address: string
  /** What programs asked to be waited for: `sleep`, `shutdown`. */
  readonly inhibited: readonly string[]
  /** Waits until a program asked for that; it listens then. */
  untilInhibited(what: 'sleep' | 'shutdown', timeoutMs?: number): Promise<void>
  /** The machine is about to sleep. */
  suspend(): void
  /** The machine woke up. */
  resume(): void
  /** The machine is about to shut down. */
  shutdown(): void
  stop(): Promise<void>
}

const logind = 'org.freedesktop.login1'
const managerPath = '/org/freedesktop/login1'
const manager = 'org.freedesktop.login1.Manager'

/**
 * Starts a bus in `folder` and plays logind's Manager on it. That the screen is locked comes from the session bus.
 */
export async function startSystemBus({ folder }: { readonly folder: string }): Promise<SystemBus> {
  const bus = await startMessageBus(folder, 'system-bus')
  const connection = await BusConnection.open(bus.address)
  const changes = new Changes()
  const inhibited: string[] = []
  connection.answer((call) => {
    if (call.path !== managerPath || call.interface !== manager || call.member !== 'Inhibit') return undefined
    inhibited.push(String(call.body[0]))
    changes.announce()
    // logind answers with a file descriptor to hold, which Node cannot send: the program is told of sleep, not waited for.
    return {}
  })
  await connection.own(logind)
  const prepareFor = (what: 'Sleep' | 'Shutdown', soon: boolean) =>
    connection.emit(managerPath, manager, `PrepareFor${what}`, 'b', [soon])
  return {
    address: bus.address,
    inhibited,
    async untilInhibited(what, timeoutMs) {
      const options = timeoutMs === undefined ? {} : { timeoutMs }
      await changes.until(() => inhibited.includes(what) || undefined, `who waits for ${what}`, options)
    },
    suspend: () => prepareFor('Sleep', true),
    resume: () => prepareFor('Sleep', false),
    shutdown: () => prepareFor('Shutdown', true),
    async stop() {
      connection.close()
      await bus.stop()
    },
  }
}
