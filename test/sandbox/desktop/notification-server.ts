import { Changes } from './changes.ts'
import { BusConnection, type BusMessage } from './connection.ts'

/** A notification as the program asked for it. */
export interface ShownNotification {
  readonly id: number
  readonly app: string
  readonly summary: string
  readonly body: string
  /** Buttons by their key; `default` is the click on the notification itself. */
  readonly actions: Readonly<Record<string, string>>
  readonly hints: Readonly<Record<string, unknown>>
  /** The notification it took the place of, 0 for none. */
  readonly replaces: number
  /** -1 leaves it to the server, 0 is never. */
  readonly timeoutMs: number
  /** Why it is no more to be seen, undefined while it is. */
  readonly closed: CloseReason | undefined
}

export type CloseReason = 'expired' | 'dismissed' | 'taken back'

/** Where a desktop shows notifications. */
export interface NotificationServer {
  /** Every notification there was, oldest first. */
  readonly shown: readonly ShownNotification[]
  /** Waits for a notification, one of those there were or the next. Throws with those there were after `timeoutMs`. */
  until(predicate: (one: ShownNotification) => boolean, what: string, timeoutMs?: number): Promise<ShownNotification>
  /** Clicks the button `action`, or the notification with `default`; it closes then. Throws when it has no such button. */
  invoke(id: number, action: string): void
  /** Lets it go as if the person closed it, or its time were over. */
  close(id: number, reason: 'expired' | 'dismissed'): void
  stop(): Promise<void>
}

const name = 'org.freedesktop.Notifications'
const path = '/org/freedesktop/Notifications'

// Desktop Notifications Specification 1.2, table 9.
const closeReasons: Readonly<Record<CloseReason, number>> = { expired: 1, dismissed: 2, 'taken back': 3 }

/** Plays org.freedesktop.Notifications. */
export async function startNotificationServer(busAddress: string): Promise<NotificationServer> {
  const connection = await BusConnection.open(busAddress)
  const changes = new Changes()
  const shown: { -readonly [key in keyof ShownNotification]: ShownNotification[key] }[] = []

  const find = (id: number) => {
    const found = shown.findLast((one) => one.id === id)
    if (!found || found.closed) throw new Error(`notification ${id} is not to be seen`)
    return found
  }
  const close = (id: number, reason: CloseReason) => {
    find(id).closed = reason
    connection.emit(path, name, 'NotificationClosed', 'uu', [id, closeReasons[reason]])
    changes.announce()
  }
  const methods: Readonly<Record<string, (call: BusMessage) => { signature?: string; body?: unknown[] }>> = {
    GetCapabilities: () => ({ signature: 'as', body: [['actions', 'body', 'persistence']] }),
    GetServerInformation: () => ({ signature: 'ssss', body: ['sandbox', 'sg-session', '1', '1.2'] }),
    Notify({ body: [app, replaces, , summary, body, actions, hints, timeoutMs] }) {
      const id = Number(replaces) || Math.max(0, ...shown.map((one) => one.id)) + 1
      shown.push({
        id,
        app: String(app),
        summary: String(summary),
        body: String(body),
        actions: pairs(actions as readonly string[]),
        hints: hints as Readonly<Record<string, unknown>>,
        replaces: Number(replaces),
        timeoutMs: Number(timeoutMs),
        closed: undefined,
      })
      changes.announce()
      return { signature: 'u', body: [id] }
    },
    CloseNotification({ body: [id] }) {
      close(Number(id), 'taken back')
      return {}
    },
  }
  connection.answer((call) => {
    if (call.path !== path || call.interface !== name) return undefined
    return methods[call.member]?.(call)
  })
  await connection.own(name)

  return {
    shown,
    until: (predicate, what, timeoutMs) =>
      changes.until(() => shown.find(predicate), what, {
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        was: () => shown,
      }),
    invoke(id, action) {
      const { actions } = find(id)
      if (!(action in actions)) throw new Error(`"${action}" is no action of it: ${Object.keys(actions).join(' | ')}`)
      connection.emit(path, name, 'ActionInvoked', 'us', [id, action])
      close(id, 'dismissed')
    },
    close,
    async stop() {
      connection.close()
    },
  }
}

/** Notify's actions: key, label, key, label. */
function pairs(flat: readonly string[]): Record<string, string> {
  const keys = flat.filter((_, at) => at % 2 === 0)
  return Object.fromEntries(keys.map((key, at) => [key, flat[at * 2 + 1] ?? '']))
}
