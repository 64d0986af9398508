/**
 * A page is described as a tree and painted onto what is there. What stays the same keeps its element, and with it focus,
 * caret, scroll place and what was typed; text is only ever text.
 */
export interface Tree {
  readonly tag: string
  readonly key: string | undefined
  readonly attributes: Attributes
  readonly properties: Properties
  readonly on: Listeners
  readonly children: readonly Child[]
}
export type Child = Tree | string | undefined | false

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>
/** What the person can change too, so that an attribute would not do. */
type Properties = Readonly<Partial<Record<'checked' | 'value', string | boolean>>>
type Listeners = Readonly<Record<string, (event: Event) => void>>

export interface Options {
  /** Elements with another key are other elements, even if they look alike: a click never lands on what just changed. */
  readonly key?: string
  readonly set?: Properties
  readonly on?: Listeners
}

export function h(
  tag: string,
  attributes: Attributes = {},
  children: readonly Child[] = [],
  options: Options = {},
): Tree {
  return { tag, attributes, children, key: options.key, properties: options.set ?? {}, on: options.on ?? {} }
}

const svgTags = new Set(['svg', 'path', 'circle', 'rect'])
const keys = new WeakMap<Node, string>()
const listeners = new WeakMap<Node, Listeners>()
const listenedTo = new WeakMap<Node, Set<string>>()

/** Makes the children of `parent` look like `children`. */
export function paint(parent: Element, children: readonly Child[]): void {
  const wanted = children.filter((child) => child !== undefined && child !== false)
  const left = new Set<ChildNode>(parent.childNodes)
  const nodes = wanted.map((child) => {
    const node = firstFitting(left, child) ?? make(child)
    left.delete(node)
    return node
  })
  for (const node of left) node.remove()
  let place = parent.firstChild
  for (const [index, node] of nodes.entries()) {
    if (node === place) place = place.nextSibling
    else parent.insertBefore(node, place)
    update(node, wanted[index] as Tree | string)
  }
}

function firstFitting(nodes: Iterable<ChildNode>, child: Tree | string): ChildNode | undefined {
  for (const node of nodes) if (fits(node, child)) return node
  return undefined
}

function fits(node: ChildNode, child: Tree | string): boolean {
  if (typeof child === 'string') return node instanceof Text
  return node instanceof Element && node.localName === child.tag && keys.get(node) === child.key
}

function make(child: Tree | string): ChildNode {
  if (typeof child === 'string') return document.createTextNode('')
  const node = svgTags.has(child.tag)
    ? document.createElementNS('http://www.w3.org/2000/svg', child.tag)
    : document.createElement(child.tag)
  if (child.key !== undefined) keys.set(node, child.key)
  return node
}

function update(node: ChildNode, child: Tree | string): void {
  if (typeof child === 'string') {
    const text = withoutTricks(child)
    if (node.textContent !== text) node.textContent = text
    return
  }
  const element = node as Element
  updateAttributes(element, child.attributes)
  paint(element, child.children)
  for (const [name, value] of Object.entries(child.properties)) {
    if (Reflect.get(element, name) !== value) Reflect.set(element, name, value)
  }
  listen(element, child.on)
}

function updateAttributes(element: Element, attributes: Attributes): void {
  for (const { name } of [...element.attributes]) {
    if (attributes[name] === undefined || attributes[name] === false) element.removeAttribute(name)
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    const text = value === true ? '' : withoutTricks(String(value))
    if (element.getAttribute(name) !== text) element.setAttribute(name, text)
  }
}

function listen(element: Element, on: Listeners): void {
  listeners.set(element, on)
  const types = listenedTo.get(element) ?? new Set<string>()
  listenedTo.set(element, types)
  for (const type of Object.keys(on)) {
    if (types.has(type)) continue
    types.add(type)
    element.addEventListener(type, (event) => listeners.get(element)?.[type]?.(event))
  }
}

/** Control and format characters but line ends, and the joiner inside an emoji. */
const tricks = /(?![\n\r\t\u200d])[\p{Cc}\p{Cf}]|(?<!\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)\u200d/gu

/**
 * Names and paths come from other programs. Characters that turn the reading direction, or that are not seen at all, would
 * let one pass for another, and are shown as a mark.
 */
export function withoutTricks(text: string): string {
  return text.replace(tricks, '\ufffd')
}
