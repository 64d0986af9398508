/** How a secret could stand somewhere: six encodings, of which base64 also in the middle of other bytes. */
export const encodings = ['as it is', 'base64', 'base64url', 'hexadecimal', 'percent-encoded', 'UTF-16'] as const
export type Encoding = (typeof encodings)[number]

export interface Shape {
  readonly encoding: Encoding
  readonly bytes: Buffer
}

export function shapesOf(secret: string): Shape[] {
  const bytes = Buffer.from(secret, 'utf8')
  const hexadecimal = bytes.toString('hex')
  const utf16 = Buffer.from(secret, 'utf16le')
  const texts: [Encoding, string][] = [
    ...([0, 1, 2] as const).flatMap((before): [Encoding, string][] => [
      ['base64', within(bytes, before, 'base64')],
      ['base64url', within(bytes, before, 'base64url')],
    ]),
    ['hexadecimal', hexadecimal],
    ['hexadecimal', hexadecimal.toUpperCase()],
    ['percent-encoded', encodeURIComponent(secret)],
    ['percent-encoded', hexadecimal.toUpperCase().replaceAll(/../g, '%$&')],
  ]
  const all: Shape[] = [
    { encoding: 'as it is', bytes },
    ...texts.map(([encoding, text]) => ({ encoding, bytes: Buffer.from(text, 'latin1') })),
    { encoding: 'UTF-16', bytes: utf16 },
    { encoding: 'UTF-16', bytes: Buffer.from(utf16).swap16() },
  ]
  // What two encodings have in common counts as the first; of a short word base64 may leave too little to be told from others.
  return all.filter(
    (shape, index) =>
      shape.bytes.length >= Math.min(8, bytes.length) &&
      !all.slice(0, index).some((earlier) => earlier.bytes.equals(shape.bytes)),
  )
}

/** The part of the encoding that is the same whatever stands before (that many bytes, modulo three) and behind. RFC 4648 §4 */
function within(bytes: Buffer, before: 0 | 1 | 2, alphabet: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes])
    .toString(alphabet)
    .replace(/=+$/, '')
  const isWhole = (before + bytes.length) % 3 === 0
  return text.slice([0, 2, 3][before], isWhole ? undefined : -1)
}
