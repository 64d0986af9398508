import { Secret } from './secret.ts'

/** Not JSON, or nested more deeply than anybody's answer. Quotes nothing: what stands there may be a secret. */
export class JsonBytesError extends Error {
  override readonly name = 'JsonBytesError'
  /** Whether it begins as web pages do. */
  readonly beginsLikePage: boolean

  constructor(beginsLikePage = false) {
    super('is not JSON')
    this.beginsLikePage = beginsLikePage
  }
}

/** Names from the outermost object inwards. */
export type JsonPath = readonly [string, ...string[]]

/**
 * Takes the texts at `paths` out of JSON, in their order: undefined where there is none, or an empty one. In `json` asterisks stand in their
 * place afterwards, so that all the rest can be parsed and judged as it is. Of names that occur twice the last counts, as for
 * `JSON.parse`. Throws JsonBytesError for what `JSON.parse` refuses; then nothing was taken.
 */
export function takeSecrets(json: Uint8Array, ...paths: readonly JsonPath[]): (Secret | undefined)[] {
  const scan = new Scan(json, paths)
  try {
    return scan.run()
  } catch (error) {
    scan.giveUp()
    throw error
  }
}

/** A path that may go on in the value at hand, and the names still to come. */
interface Wanted {
  readonly path: number
  readonly rest: readonly string[]
}

const maxDepth = 200
const quote = 0x22
const backslash = 0x5c
const comma = 0x2c

class Scan {
  readonly #json: Uint8Array
  readonly #taken: (Secret | undefined)[]
  readonly #wanted: readonly Wanted[]
  #at = 0

  constructor(json: Uint8Array, paths: readonly JsonPath[]) {
    this.#json = json
    this.#taken = paths.map(() => undefined)
    this.#wanted = paths.map((rest, path) => ({ path, rest }))
  }

  run(): (Secret | undefined)[] {
    // A byte order mark, which whoever decodes the rest leaves out.
    if (this.#json[0] === 0xef && this.#json[1] === 0xbb && this.#json[2] === 0xbf) this.#at = 3
    this.#value(this.#wanted, 0)
    this.#skipSpace()
    if (this.#at < this.#json.length) throw new JsonBytesError()
    return this.#taken
  }

  giveUp(): void {
    for (const secret of this.#taken) secret?.wipe()
  }

  #value(wanted: readonly Wanted[], depth: number): void {
    for (const { path } of wanted) {
      this.#taken[path]?.wipe()
      this.#taken[path] = undefined
    }
    this.#skipSpace()
    const first = this.#json[this.#at]
    if (first === 0x7b) this.#object(wanted, depth + 1)
    else if (first === 0x5b) this.#array(depth + 1)
    else if (first === quote) this.#text(wanted)
    else if (first === 0x3c) throw new JsonBytesError(depth === 0)
    else this.#word()
  }

  #object(wanted: readonly Wanted[], depth: number): void {
    this.#members(0x7d, depth, () => {
      this.#skipSpace()
      const [begin, end] = this.#string()
      const name = wanted.length === 0 ? undefined : this.#decode(begin, end)
      this.#skipSpace()
      this.#demand(0x3a)
      const inside = wanted.filter(({ rest }) => rest[0] === name)
      this.#value(
        inside.map(({ path, rest }) => ({ path, rest: rest.slice(1) })),
        depth,
      )
    })
  }

  #array(depth: number): void {
    this.#members(0x5d, depth, () => this.#value([], depth))
  }

  #members(close: number, depth: number, member: () => void): void {
    if (depth > maxDepth) throw new JsonBytesError()
    this.#at += 1
    this.#skipSpace()
    if (this.#json[this.#at] === close) {
      this.#at += 1
      return
    }
    for (;;) {
      member()
      this.#skipSpace()
      if (this.#json[this.#at] !== comma) break
      this.#at += 1
    }
    this.#demand(close)
  }

  #text(wanted: readonly Wanted[]): void {
    const [begin, end] = this.#string()
    const found = wanted.filter(({ rest }) => rest.length === 0)
    if (found.length === 0 || begin === end) return
    const bytes = unescapeText(this.#json.subarray(begin, end))
    for (const { path } of found) this.#taken[path] = new Secret(bytes)
    bytes.fill(0)
    this.#json.fill(0x2a, begin, end)
  }

  /** Goes past a string; where its content begins and ends. */
  #string(): [begin: number, end: number] {
    this.#demand(quote)
    const begin = this.#at
    for (;;) {
      const byte = this.#json[this.#at]
      if (byte === undefined || byte < 0x20) throw new JsonBytesError()
      this.#at += 1
      if (byte === quote) return [begin, this.#at - 1]
      if (byte === backslash) this.#escape()
    }
  }

  #escape(): void {
    const letter = this.#json[this.#at]
    this.#at += 1
    if (letter === 0x75) {
      for (const end = this.#at + 4; this.#at < end; this.#at += 1) {
        if (!/[0-9a-f]/i.test(String.fromCharCode(this.#json[this.#at] ?? 0))) throw new JsonBytesError()
      }
    } else if (letter === undefined || !(letter in plainEscapes)) throw new JsonBytesError()
  }

  /** Names are no secrets. */
  #decode(begin: number, end: number): string {
    return Buffer.from(unescapeText(this.#json.subarray(begin, end))).toString('utf8')
  }

  /** A number or one of the three names. */
  #word(): void {
    let word = ''
    while (word.length < longestWord && /[-+.\w]/.test(String.fromCharCode(this.#json[this.#at] ?? 0))) {
      word += String.fromCharCode(this.#json[this.#at] ?? 0)
      this.#at += 1
    }
    if (!/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)$/.test(word)) throw new JsonBytesError()
  }

  #skipSpace(): void {
    for (let byte = this.#json[this.#at]; isSpace(byte); byte = this.#json[this.#at]) this.#at += 1
  }

  #demand(byte: number): void {
    if (this.#json[this.#at] !== byte) throw new JsonBytesError()
    this.#at += 1
  }
}

const longestWord = 400

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** What the letter behind a backslash stands for. RFC 8259 §7 */
const plainEscapes: Readonly<Record<number, number>> = {
  [quote]: quote,
  [backslash]: backslash,
  47: 0x2f,
  98: 0x08,
  102: 0x0c,
  110: 0x0a,
  114: 0x0d,
  116: 0x09,
}

/** The UTF-8 that the content of a good JSON string stands for. Half a surrogate pair becomes U+FFFD, as on any wire. */
function unescapeText(content: Uint8Array): Buffer {
  // Never longer: six bytes of an escape are three of UTF-8 at most.
  const bytes = Buffer.alloc(content.length)
  let length = 0
  for (let at = 0; at < content.length; at += 1) {
    if (content[at] !== backslash) {
      bytes[length++] = content[at] ?? 0
      continue
    }
    at += 1
    const letter = content[at] ?? 0
    if (letter !== 0x75) {
      bytes[length++] = plainEscapes[letter] ?? letter
      continue
    }
    let point = hexAt(content, at + 1)
    at += 4
    const isPair = point >= 0xd800 && point < 0xdc00 && content[at + 1] === backslash && content[at + 2] === 0x75
    const low = isPair ? hexAt(content, at + 3) : 0
    if (low >= 0xdc00 && low < 0xe000) {
      point = 0x10000 + (point - 0xd800) * 0x400 + (low - 0xdc00)
      at += 6
    }
    length += writePoint(bytes, length, point)
  }
  const whole = Buffer.from(new Uint8Array(bytes.subarray(0, length)).buffer)
  bytes.fill(0)
  return whole
}

function hexAt(content: Uint8Array, at: number): number {
  return Number.parseInt(String.fromCharCode(...content.subarray(at, at + 4)), 16)
}

/** RFC 3629 §3 */
function writePoint(bytes: Buffer, at: number, point: number): number {
  if (point >= 0xd800 && point < 0xe000) return writePoint(bytes, at, 0xfffd)
  if (point < 0x80) {
    bytes[at] = point
    return 1
  }
  const length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  for (let last = length - 1, left = point; last >= 0; last -= 1, left >>= 6) {
    const lead = [0, 0, 0xc0, 0xe0, 0xf0][length] ?? 0
    bytes[at + last] = last === 0 ? lead | left : 0x80 | (left & 0x3f)
  }
  return length
}
