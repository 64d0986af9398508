import { BusConnection, BusError, variant } from '../sandbox/desktop/connection.ts'

/** A line of the fake's menu. */
export interface Line {
  readonly label: string
  readonly enabled?: boolean
  readonly visible?: boolean
  readonly children?: readonly Line[]
}

/** A program with a tray icon, made of raw messages as Electron's is: it cannot be introspected. */
export class FakeTrayItem {
  /** Labels that were clicked, oldest first. */
  readonly clicked: string[] = []
  tooltip = 'before'
  pixel: readonly [alpha: number, red: number, green: number, blue: number] = [200, 10, 20, 30]
  /** Called between the reading of the menu and the click. */
  beforeClick: () => void = () => undefined
  readonly #connection: BusConnection
  readonly #path: string
  #lines: readonly Line[] = []
  #labels = new Map<number, string>()
  #nextId = 1

  private constructor(connection: BusConnection, path: string) {
    this.#connection = connection
    this.#path = path
  }

  /** Registers under `name`, a bus name it owns then, or under the object path `name`. */
  static async register(busAddress: string, name: string, lines: readonly Line[]): Promise<FakeTrayItem> {
    const connection = await BusConnection.open(busAddress)
    const path = name.startsWith('/') ? name : '/StatusNotifierItem'
    const item = new FakeTrayItem(connection, path)
    item.#lines = lines
    item.#answer()
    if (!name.startsWith('/')) await connection.own(name)
    await registerAs(connection, name)
    return item
  }

  /** Draws the menu anew; every entry gets a new id. */
  draw(lines: readonly Line[]): void {
    this.#lines = lines
    this.#labels = new Map()
    this.#connection.emit('/Menu', 'com.canonical.dbusmenu', 'LayoutUpdated', 'ui', [1, 0])
  }

  /** Says that something is new: `NewToolTip`, `NewIcon`. */
  signal(member: string): void {
    this.#connection.emit(this.#path, 'org.kde.StatusNotifierItem', member)
  }

  /** Leaves the bus. */
  quit(): void {
    this.#connection.close()
  }

  #answer(): void {
    const pixmap = () => [[2, 1, Buffer.from([...this.pixel, ...this.pixel])]]
    this.#connection.answerProperties(this.#path, 'org.kde.StatusNotifierItem', () => ({
      Id: variant('s', 'fake'),
      Title: variant('s', ''),
      Status: variant('s', 'Active'),
      ToolTip: variant('(sa(iiay)ss)', ['', [], this.tooltip, '']),
      IconPixmap: variant('a(iiay)', pixmap()),
      Menu: variant('o', '/Menu'),
    }))
    this.#connection.answer(({ path, member, body }) => {
      if (path !== '/Menu') return undefined
      if (member === 'GetLayout') return { signature: 'u(ia{sv}av)', body: [1, this.#layout('', this.#lines, 0)] }
      if (member !== 'Event') return undefined
      this.beforeClick()
      const label = this.#labels.get(Number(body[0]))
      if (label === undefined) throw new BusError('org.freedesktop.DBus.Error.Failed', 'no such entry')
      this.clicked.push(label)
      return {}
    })
  }

  #layout(label: string, children: readonly Line[] = [], id = this.#nextId++, line?: Line): unknown[] {
    this.#labels.set(id, label)
    const properties = {
      label: variant('s', label),
      ...(line?.enabled === undefined ? {} : { enabled: variant('b', line.enabled) }),
      ...(line?.visible === undefined ? {} : { visible: variant('b', line.visible) }),
    }
    const below = children.map((one) =>
      variant('(ia{sv}av)', this.#layout(one.label, one.children, this.#nextId++, one)),
    )
    return [id, properties, below]
  }
}

/** Asks the panel for a place. Throws when it refuses. */
export async function registerAs(connection: BusConnection, name: string): Promise<void> {
  const watcher = 'org.kde.StatusNotifierWatcher'
  await connection.call(watcher, '/StatusNotifierWatcher', watcher, 'RegisterStatusNotifierItem', 's', [name])
}
