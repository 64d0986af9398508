import { Changes } from './changes.ts'
import { BusConnection, BusError, type BusMessage, variant } from './connection.ts'
import { TrayItem } from './tray-item.ts'

/** A desktop's panel with a place for tray icons. */
export interface Panel {
  /** Icons to be seen now. */
  items(): readonly TrayItem[]
  /** The newest icon, as soon as there is one. */
  item(timeoutMs?: number): Promise<TrayItem>
  /** Registrations it refused, and why. */
  readonly refused: readonly string[]
  stop(): Promise<void>
}

const watcher = 'org.kde.StatusNotifierWatcher'
const watcherPath = '/StatusNotifierWatcher'

/**
 * Plays org.kde.StatusNotifierWatcher and the host behind it. It is as strict as GNOME's and Xfce's: an item is
 * addressed by the unique name behind the name it registered, and what cannot be found or read is refused.
 */
export async function startPanel(busAddress: string): Promise<Panel> {
  const connection = await BusConnection.open(busAddress)
  const changes = new Changes()
  const items: TrayItem[] = []
  const refused: string[] = []

  const nameOf = ({ owner, path }: TrayItem) => `${owner}${path}`
  const remove = (item: TrayItem) => {
    const at = items.indexOf(item)
    if (at < 0) return
    items.splice(at, 1)
    item.forget()
    connection.emit(watcherPath, watcher, 'StatusNotifierItemUnregistered', 's', [nameOf(item)])
    changes.announce()
  }
  const findOwner = async ({ sender, body }: BusMessage) => {
    const service = String(body[0])
    // The specification wants a bus name; libappindicator and older Electrons send an object path.
    if (service.startsWith('/')) return { owner: sender, path: service }
    const owner = await connection.ownerOf(service)
    if (!owner) throw new BusError('org.freedesktop.DBus.Error.NameHasNoOwner', `nobody owns "${service}"`)
    return { owner, path: '/StatusNotifierItem' }
  }
  const show = async (owner: string, path: string) => {
    if (items.some((item) => item.owner === owner && item.path === path)) return
    const item: TrayItem = await TrayItem.follow(connection, owner, path, () => remove(item))
    items.push(item)
    connection.emit(watcherPath, watcher, 'StatusNotifierItemRegistered', 's', [nameOf(item)])
    changes.announce()
  }
  const refuse = (call: BusMessage, error: unknown) => {
    refused.push(`"${call.body[0]}" of ${call.sender}: ${error instanceof Error ? error.message : String(error)}`)
  }

  connection.answerProperties(watcherPath, watcher, () => ({
    IsStatusNotifierHostRegistered: variant('b', true),
    ProtocolVersion: variant('i', 0),
    RegisteredStatusNotifierItems: variant('as', items.map(nameOf)),
  }))
  connection.answer(async (call) => {
    if (call.path !== watcherPath || call.interface !== watcher) return undefined
    if (call.member === 'RegisterStatusNotifierHost') return {}
    if (call.member !== 'RegisterStatusNotifierItem') return undefined
    try {
      const { owner, path } = await findOwner(call)
      // Answered before it is read: a program that waits for the answer would not answer our questions.
      void show(owner, path).catch((error: unknown) => refuse(call, error))
      return {}
    } catch (error) {
      refuse(call, error)
      throw error
    }
  })
  await connection.own(watcher)
  connection.emit(watcherPath, watcher, 'StatusNotifierHostRegistered')

  return {
    items: () => [...items],
    refused,
    item: (timeoutMs) =>
      changes.until(() => items.at(-1), 'an icon in the panel', {
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        was: () => ({ refused }),
      }),
    async stop() {
      for (const item of items) item.forget()
      connection.close()
    },
  }
}
