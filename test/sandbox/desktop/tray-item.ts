import { Changes } from './changes.ts'
import { type BusConnection, followEndOf, variant } from './connection.ts'
import { type Icon, iconFromFile, iconFromPixmaps, type Pixmap } from './icon.ts'
import { findEntry, labelsOf, type MenuEntry, menuInterface, readMenu, sendClick } from './menu.ts'

/** What the panel shows of an item. Like a panel it reads again only when the item signals that something is new. */
export interface Shown {
  readonly id: string
  readonly title: string
  readonly status: string
  readonly tooltip: string
  readonly icon: Icon | undefined
  /** Object path of its menu. */
  readonly menuPath: string
}

export const itemInterface = 'org.kde.StatusNotifierItem'
const clickTries = 3

/** An icon in the panel: what it shows, and what a person can do with it. */
export class TrayItem {
  /** The program's unique name on the bus. */
  readonly owner: string
  readonly path: string
  /** Names of the signals it sent, oldest first. */
  readonly signals: string[] = []
  readonly #connection: BusConnection
  readonly #changes = new Changes()
  readonly #unfollow: (() => void)[] = []
  #shown: Shown
  #lastRead = 0
  #gone = false

  private constructor(connection: BusConnection, owner: string, path: string, shown: Shown) {
    this.#connection = connection
    this.owner = owner
    this.path = path
    this.#shown = shown
  }

  /** Reads an item and follows it; `gone` is called when its program left the bus. Throws when it cannot be read. */
  static async follow(connection: BusConnection, owner: string, path: string, gone: () => void): Promise<TrayItem> {
    const item = new TrayItem(connection, owner, path, await readItem(connection, owner, path))
    item.#unfollow.push(
      await connection.follow(`type='signal',sender='${owner}',path='${path}'`, (signal) => {
        if (signal.sender !== owner || signal.path !== path) return
        item.signals.push(signal.member)
        void item.#readAgain()
      }),
      await connection.follow(`type='signal',sender='${owner}',interface='${menuInterface}'`, (signal) => {
        if (signal.sender !== owner || signal.interface !== menuInterface) return
        item.signals.push(signal.member)
        item.#changes.announce()
      }),
      await followEndOf(connection, owner, () => {
        item.#gone = true
        item.#changes.announce()
        gone()
      }),
    )
    // What it signalled after it was read and before it was followed is heard of by nobody.
    await item.#readAgain()
    return item
  }

  /** Whether its program has left. */
  get gone(): boolean {
    return this.#gone
  }

  /** Everything it shows but the menu. */
  shown(): Shown {
    return this.#shown
  }

  /** What shows under the pointer; empty when there is none. */
  tooltip(): string {
    return this.#shown.tooltip
  }

  /** The icon as a PNG file. Throws when it has none. */
  iconPng(): Buffer {
    return this.#icon().png
  }

  /** The same for icons that look the same. Throws when it has none. */
  iconHash(): string {
    return this.#icon().hash
  }

  /** Opens the menu and reads it. */
  menu(): Promise<readonly MenuEntry[]> {
    return readMenu(this.#connection, { owner: this.owner, path: this.#shown.menuPath })
  }

  /** The labels of the menu from top to bottom, `—` for a separator. */
  async labels(): Promise<string[]> {
    return labelsOf(await this.menu())
  }

  /**
   * Opens the menu and clicks: `click('Quit')`, or `click('Sites', 'Studio')` for an entry of a submenu. Throws with the
   * labels there are when it is not there or disabled.
   */
  async click(...labels: string[]): Promise<void> {
    const address = { owner: this.owner, path: this.#shown.menuPath }
    for (let triesLeft = clickTries; ; triesLeft -= 1) {
      const { id } = findEntry(await this.menu(), labels)
      try {
        return await sendClick(this.#connection, address, id, variant('i', 0))
      } catch (error) {
        // A program that drew its menu anew meanwhile gave every entry a new id, and refuses the old one.
        if (triesLeft <= 1) throw error
      }
    }
  }

  /** A click on the icon itself. */
  async activate(): Promise<void> {
    await this.#connection.call(this.owner, this.path, itemInterface, 'Activate', 'ii', [0, 0])
  }

  /** Waits until what it shows is as `predicate` says. Throws with what it shows after `timeoutMs`. */
  untilShown(predicate: (shown: Shown) => boolean, what: string, timeoutMs?: number): Promise<Shown> {
    return this.#changes.until(() => (predicate(this.#shown) ? this.#shown : undefined), what, {
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      was: () => ({ ...this.#shown, icon: this.#shown.icon?.hash }),
    })
  }

  /** Waits for a menu as `predicate` says, read again whenever the item signals a change. Throws with its labels. */
  async untilMenu(
    predicate: (menu: readonly MenuEntry[]) => boolean,
    what: string,
    timeoutMs?: number,
  ): Promise<readonly MenuEntry[]> {
    let last: readonly MenuEntry[] = []
    const check = async () => {
      if (this.#gone) throw new Error(`${what} cannot come: the item is gone`)
      last = await this.menu()
      return predicate(last) ? last : undefined
    }
    return this.#changes.until(check, what, {
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      was: () => labelsOf(last),
    })
  }

  /** Waits until its program has left the bus, as when it quits. */
  async untilGone(timeoutMs?: number): Promise<void> {
    const options = timeoutMs === undefined ? {} : { timeoutMs }
    await this.#changes.until(() => this.#gone || undefined, 'the end of the item', options)
  }

  /** Looks no more at what it signals. */
  forget(): void {
    for (const unfollow of this.#unfollow.splice(0)) unfollow()
  }

  #icon(): Icon {
    if (!this.#shown.icon) throw new Error('the item has no icon')
    return this.#shown.icon
  }

  async #readAgain(): Promise<void> {
    this.#lastRead += 1
    const mine = this.#lastRead
    const shown = await readItem(this.#connection, this.owner, this.path).catch(() => undefined)
    // A read that a later one overtook is out of date; one that failed belongs to a program that is leaving.
    if (!shown || mine !== this.#lastRead) return
    this.#shown = shown
    this.#changes.announce()
  }
}

async function readItem(connection: BusConnection, owner: string, path: string): Promise<Shown> {
  const answer = await connection.call(owner, path, 'org.freedesktop.DBus.Properties', 'GetAll', 's', [itemInterface])
  const properties = answer[0] as Readonly<Record<string, unknown>>
  const text = (name: string) => String(properties[name] ?? '')
  // ToolTip is (icon name, icon pixmaps, title, text); a panel shows title and text.
  const [, , title = '', subtitle = ''] = (properties['ToolTip'] ?? []) as readonly string[]
  return {
    id: text('Id'),
    title: text('Title'),
    status: text('Status'),
    tooltip: [title, subtitle].filter(Boolean).join('\n'),
    icon:
      iconFromPixmaps((properties['IconPixmap'] ?? []) as readonly Pixmap[]) ??
      (await iconFromFile(text('IconThemePath'), text('IconName'))),
    menuPath: text('Menu'),
  }
}
