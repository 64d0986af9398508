/** Numbers that look random and are the same for the same seed. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end)
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)]
    if (picked === undefined) throw new Error('there is nothing to pick from')
    return picked
  }
}

/** What has broken parsers before. */
const hostileWords = [
  ...['\0', '\r', '\n', '\r\n', '\ufeff', '\u2028', '\u202e', '\u200b', '\ud7ff', '😀', '__proto__', 'constructor'],
  ...[
    '0',
    '-0',
    '-1',
    '1.0',
    '1e3',
    '1e999',
    '9007199254740993',
    '9007199254740991',
    '2147483648',
    'null',
    'true',
    '{}',
    '[]',
    '""',
  ],
  ...['\\u0000', '\\ud800', '\\u005f', '%00', '%2e%2e', '%ff', '+', '&', '=', ';', ',', '"', "'", '<', ':', '/', '..'],
]
const badBytes = [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf5, 0x80, 0x80, 0x80]]

export const mostBytes = 16 * 1024

type Mutator = (bytes: Buffer, chance: Chance, words: readonly string[], others: readonly Uint8Array[]) => Buffer

const mutators: readonly Mutator[] = [
  (bytes, chance) => {
    const changed = Buffer.from(bytes)
    if (changed.length > 0) {
      const at = chance.below(changed.length)
      changed[at] = (changed[at] ?? 0) ^ (1 << chance.below(8))
    }
    return changed
  },
  (bytes, chance) => {
    const changed = Buffer.from(bytes)
    if (changed.length > 0) changed[chance.below(changed.length)] = chance.below(256)
    return changed
  },
  (bytes, chance) => insertAt(bytes, chance.below(bytes.length + 1), Buffer.of(chance.below(256))),
  (bytes, chance) => {
    const [from, to] = span(bytes, chance)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  },
  (bytes, chance) => {
    const [from, to] = span(bytes, chance)
    return insertAt(bytes, chance.below(bytes.length + 1), bytes.subarray(from, to))
  },
  (bytes, chance) => {
    const [from, to] = span(bytes, chance)
    const times = 2 + chance.below(40)
    return insertAt(bytes, to, Buffer.concat(Array.from({ length: times }, () => bytes.subarray(from, to))))
  },
  (bytes, chance, words) => insertAt(bytes, chance.below(bytes.length + 1), word(chance, words)),
  (bytes, chance, words) => {
    const [from, to] = span(bytes, chance)
    return Buffer.concat([bytes.subarray(0, from), word(chance, words), bytes.subarray(to)])
  },
  (bytes, chance, words) => {
    // One word of the text for another.
    const text = bytes.toString('latin1')
    const found = [...text.matchAll(/[\w.-]+/g)]
    if (found.length === 0) return bytes
    const { 0: old, index } = chance.pick(found)
    return Buffer.concat([bytes.subarray(0, index), word(chance, words), bytes.subarray(index + old.length)])
  },
  (bytes, chance, _words, others) => {
    const other = Buffer.from(chance.pick(others))
    return Buffer.concat([
      bytes.subarray(0, chance.below(bytes.length + 1)),
      other.subarray(chance.below(other.length)),
    ])
  },
  (bytes, chance, _words, others) => {
    const other = Buffer.from(chance.pick(others))
    const [from, to] = span(other, chance)
    return insertAt(bytes, chance.below(bytes.length + 1), other.subarray(from, to))
  },
]

/** A neighbour of an input: one to eight changes away, never longer than 16 KiB. */
export function mutate(
  bytes: Uint8Array,
  chance: Chance,
  words: readonly string[],
  others: readonly Uint8Array[],
): Uint8Array {
  let changed: Buffer = Buffer.from(bytes)
  for (let times = 1 << chance.below(4); times > 0; times -= 1) {
    changed = chance.pick(mutators)(changed, chance, words, others).subarray(0, mostBytes)
  }
  return changed
}

function span(bytes: Buffer, chance: Chance): [from: number, to: number] {
  const from = chance.below(bytes.length + 1)
  return [from, Math.min(bytes.length, from + chance.below(1 << (1 + chance.below(8))))]
}

function insertAt(bytes: Buffer, at: number, what: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), what, bytes.subarray(at)])
}

function word(chance: Chance, words: readonly string[]): Buffer {
  const kind = chance.below(8)
  if (kind === 0) return Buffer.from(chance.pick(badBytes))
  return Buffer.from(kind < 4 || words.length === 0 ? chance.pick(hostileWords) : chance.pick(words))
}
