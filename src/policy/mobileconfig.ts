import { createHash } from 'node:crypto'
import { examplePolicy } from './example.ts'
import { element, xmlDocument } from './xml.ts'

/** The preference domain that the app reads on macOS. */
const preferenceDomain = 'org.sg-session.app'

const doctype = '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">'

/**
 * An example of a configuration profile for the system's level, with the values of `policy.json.example`. Replace the values, and the
 * UUIDs where several such profiles are in use. https://developer.apple.com/documentation/devicemanagement/toplevel
 */
export function mobileconfig(): string {
  const profile = `${preferenceDomain}.policy`
  return xmlDocument(
    element('plist', { version: '1.0' }, [
      plist({
        PayloadType: 'Configuration',
        PayloadVersion: 1,
        PayloadIdentifier: profile,
        PayloadUUID: uuidOf(profile),
        PayloadDisplayName: 'sg-session',
        PayloadDescription: 'The policy of sg-session for every user of this Mac.',
        PayloadScope: 'System',
        PayloadContent: [
          {
            PayloadType: preferenceDomain,
            PayloadVersion: 1,
            PayloadIdentifier: `${profile}.preferences`,
            PayloadUUID: uuidOf(`${profile}.preferences`),
            PayloadDisplayName: 'sg-session',
            ...examplePolicy,
          },
        ],
      }),
    ]),
    doctype,
  )
}

/** A value as an element of a property list. */
function plist(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return element('string', {}, value)
    case 'number':
      return element(Number.isInteger(value) ? 'integer' : 'real', {}, String(value))
    case 'boolean':
      return element(String(value))
    default: {
      if (Array.isArray(value)) return element('array', {}, value.map(plist))
      const entries = Object.entries(value as object)
      return element(
        'dict',
        {},
        entries.flatMap(([key, inner]) => [element('key', {}, key), plist(inner)]),
      )
    }
  }
}

/** Always the same for the same name, so that the file is: a name-based UUID. RFC 9562 §5.5, with SHA-256 (§5.8). */
function uuidOf(name: string): string {
  const bytes = createHash('sha256').update(name).digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex').toUpperCase()
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
