/** Attributes in the order they are written; those that are undefined are left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

const indentation = '  '

/** An element on lines of its own: its children, or text, each indented by two spaces. */
export function element(name: string, attributes: Attributes = {}, content: readonly string[] | string = []): string {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined)
  const start = [name, ...given.map(([key, value]) => `${key}="${escapeXml(String(value))}"`)].join(' ')
  if (typeof content === 'string') return `<${start}>${escapeXml(content)}</${name}>`
  if (content.length === 0) return `<${start} />`
  const inner = content.flatMap((child) => child.split('\n')).map((line) => `${indentation}${line}`)
  return [`<${start}>`, ...inner, `</${name}>`].join('\n')
}

/** A document in UTF-8, ended by a line break. */
export function xmlDocument(root: string, doctype?: string): string {
  return ['<?xml version="1.0" encoding="UTF-8"?>', ...(doctype ? [doctype] : []), root, ''].join('\n')
}

function escapeXml(text: string): string {
  const escaped = text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
  // By its number, so that the indentation of what is around it does not get into the text.
  return escaped.replaceAll('\n', '&#10;')
}
