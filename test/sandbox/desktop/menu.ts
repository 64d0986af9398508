import type { BusConnection } from './connection.ts'

/** One line of a menu, as the panel shows it. */
export interface MenuEntry {
  readonly id: number
  /** Without the underscore that marks the key. */
  readonly label: string
  readonly type: 'standard' | 'separator'
  readonly enabled: boolean
  readonly visible: boolean
  /** Undefined when it has no mark. */
  readonly toggle: { readonly type: 'checkmark' | 'radio'; readonly on: boolean } | undefined
  readonly children: readonly MenuEntry[]
}

/** com.canonical.dbusmenu.GetLayout: id, properties, children. */
type Layout = readonly [id: number, properties: Readonly<Record<string, unknown>>, children: readonly Layout[]]

export const menuInterface = 'com.canonical.dbusmenu'

/** Where a menu is to be had. */
export interface MenuAddress {
  readonly owner: string
  readonly path: string
}

/** Opens the menu as a panel does, saying so first, and reads all of it. */
export async function readMenu(connection: BusConnection, { owner, path }: MenuAddress): Promise<readonly MenuEntry[]> {
  // Panels go on when this is refused, and Chromium refuses it for the top of a menu.
  await connection.call(owner, path, menuInterface, 'AboutToShow', 'i', [0]).catch(() => undefined)
  const [, layout] = await connection.call(owner, path, menuInterface, 'GetLayout', 'iias', [0, -1, []])
  return (layout as Layout)[2].map(toEntry)
}

/** Tells the menu's owner that the person clicked. */
export async function sendClick(
  connection: BusConnection,
  { owner, path }: MenuAddress,
  id: number,
  data: unknown,
): Promise<void> {
  await connection.call(owner, path, menuInterface, 'Event', 'isvu', [id, 'clicked', data, 0])
}

/**
 * Finds what a person would click, `labels` from the menu down. Throws with the labels there are when it is not to be
 * seen, and when it is greyed out.
 */
export function findEntry(menu: readonly MenuEntry[], labels: readonly string[]): MenuEntry {
  let level = menu
  let found: MenuEntry | undefined
  for (const label of labels) {
    found = level.find((entry) => entry.visible && entry.label === label)
    if (!found) throw new Error(`"${label}" is not in the menu: ${labelsOf(level).join(' | ')}`)
    if (!found.enabled) throw new Error(`"${label}" is disabled in the menu: ${labelsOf(level).join(' | ')}`)
    level = found.children
  }
  if (!found) throw new Error('no label to click was named')
  return found
}

/** The labels to be seen, `—` for a separator. */
export function labelsOf(menu: readonly MenuEntry[]): string[] {
  return menu.filter(({ visible }) => visible).map(({ type, label }) => (type === 'separator' ? '—' : label))
}

function toEntry([id, properties, children]: Layout): MenuEntry {
  const type = properties['type'] === 'separator' ? 'separator' : 'standard'
  const toggleType = properties['toggle-type']
  return {
    id,
    label: withoutMnemonic(String(properties['label'] ?? '')),
    type,
    enabled: properties['enabled'] !== false,
    visible: properties['visible'] !== false,
    toggle:
      toggleType === 'checkmark' || toggleType === 'radio'
        ? { type: toggleType, on: properties['toggle-state'] === 1 }
        : undefined,
    children: children.map(toEntry),
  }
}

/** A single underscore marks the key that selects the entry, two are one to be shown. */
function withoutMnemonic(label: string): string {
  return label.replace(/__|_/g, (found) => (found === '__' ? '_' : ''))
}
