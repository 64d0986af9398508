import { randomBytes } from 'node:crypto'
import type { Secret } from './secret.ts'

/** Nobody can have written this into a message of theirs: it never leaves `encodeJson`. */
const mark = randomBytes(16).toString('hex')
/** Of the message that `encodeJson` is just writing, in their order. */
let written: Secret[] | undefined

/** The place in a message where a secret is to stand. Printed like any secret; `encodeJson` alone puts the bytes there. */
export class SecretText {
  readonly #secret: Secret

  constructor(secret: Secret) {
    this.#secret = secret
  }

  toJSON(): string {
    if (!written) return this.#secret.toJSON()
    written.push(this.#secret)
    return mark
  }
}

/**
 * What `JSON.stringify` makes of a message and `ending`, as UTF-8, with each `SecretText` revealed and never in a string on the
 * way. The bytes are the caller's, to be wiped when they are sent. Throws `login_required` where a secret is wiped.
 */
export function encodeJson(message: object, ending = ''): Buffer<ArrayBuffer> {
  const secrets: Secret[] = []
  written = secrets
  let text: string
  try {
    text = `${JSON.stringify(message)}${ending}`
  } finally {
    written = undefined
  }
  const literals = secrets.map((secret) => secret.use(jsonString))
  return interleave(secrets.length === 0 ? [text] : text.split(`"${mark}"`), literals)
}

/** As `URLSearchParams` writes a form, in bytes; as `encodeJson`, of the fields that are secrets. */
export function encodeForm(fields: Readonly<Record<string, string | Secret>>): Buffer<ArrayBuffer> {
  const texts: string[] = []
  const values: Buffer[] = []
  let text = ''
  for (const [index, [name, value]] of Object.entries(fields).entries()) {
    const plain = typeof value === 'string' ? value : ''
    text += `${index === 0 ? '' : '&'}${new URLSearchParams([[name, plain]])}`
    if (typeof value === 'string') continue
    texts.push(text)
    text = ''
    values.push(value.use(formValue))
  }
  texts.push(text)
  return interleave(texts, values)
}

/** Puts the values between the texts, and wipes them. */
function interleave(texts: readonly string[], values: readonly Buffer[]): Buffer<ArrayBuffer> {
  const parts = texts.flatMap((text, index) => [Buffer.from(text, 'utf8'), ...(values[index] ? [values[index]] : [])])
  const whole = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) at += part.copy(whole, at)
  for (const value of values) value.fill(0)
  return whole
}

const quote = 0x22
const backslash = 0x5c

/** A JSON string with these UTF-8 bytes in it. RFC 8259 §7 */
function jsonString(bytes: Buffer): Buffer {
  if (isPlainText(bytes)) return quoted(bytes)
  return writeEach(bytes, [quote], [quote], (byte) => {
    if (byte === quote || byte === backslash) return [backslash, byte]
    return byte < 0x20 ? Buffer.from(`\\u00${byte.toString(16).padStart(2, '0')}`) : [byte]
  })
}

/** Whether nothing in it needs escaping: as nearly every token is. */
function isPlainText(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0
    if (byte === quote || byte === backslash || byte < 0x20) return false
  }
  return true
}

function quoted(bytes: Buffer): Buffer {
  const written = Buffer.allocUnsafeSlow(bytes.length + 2)
  written[0] = quote
  bytes.copy(written, 1)
  written[bytes.length + 1] = quote
  return written
}

/** A value of `application/x-www-form-urlencoded`. */
function formValue(bytes: Buffer): Buffer {
  return writeEach(bytes, [], [], (byte) => {
    if (byte === 0x20) return [0x2b]
    const isPlain = /[\w*.-]/.test(String.fromCharCode(byte)) && byte < 0x80
    return isPlain ? [byte] : Buffer.from(`%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
  })
}

const longestWritten = 6

function writeEach(
  bytes: Buffer,
  before: readonly number[],
  after: readonly number[],
  write: (byte: number) => Iterable<number>,
): Buffer {
  const written = Buffer.alloc(bytes.length * longestWritten + before.length + after.length)
  let length = 0
  const put = (some: Iterable<number>): void => {
    for (const one of some) written[length++] = one
  }
  put(before)
  for (const byte of bytes) put(write(byte))
  put(after)
  // What lies behind it is zeros still.
  return written.subarray(0, length)
}
