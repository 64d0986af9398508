import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Encoding, shapesOf } from './shapes.ts'

/** A secret, and what it is. */
export interface Canary {
  readonly what: string
  readonly secret: string
}

export interface Find {
  readonly what: string
  readonly encoding: Encoding
}

interface Pattern extends Find {
  readonly bytes: Buffer
  /** How many of its bytes stand behind those that it is found by. */
  readonly behind: number
}

/** A shorter one could stand anywhere by chance. */
export const shortestSecret = 12

/** Of a longer one two parts are looked for: it may have been cut. */
const wholeSecret = 48
const partLength = 32

const wordBytes = 4

/**
 * Looks for many secrets at once: a filter of 2^24 bits over two words at a time. A pattern is in it four times, with the last
 * eight bytes that can stand on a word's border wherever it begins; the last, since tokens of one kind begin alike.
 */
export class Finder {
  readonly #filter = new Uint32Array(2 ** 24 / 32)
  readonly #patterns = new Map<number, Pattern[]>()
  readonly #known = new Set<string>()
  #longest = 0
  readonly #read = Buffer.from(new ArrayBuffer(1024 * 1024))

  /** False for one that is too short to be looked for. */
  add({ what, secret }: Canary): boolean {
    if (secret.length < shortestSecret) return false
    if (this.#known.has(secret)) return true
    this.#known.add(secret)
    const middle = Math.floor(secret.length / 2)
    const parts =
      secret.length > wholeSecret ? [secret.slice(middle, middle + partLength), secret.slice(-partLength)] : [secret]
    for (const { encoding, bytes } of parts.flatMap(shapesOf)) {
      this.#longest = Math.max(this.#longest, bytes.length)
      for (let behind = 0; behind < wordBytes; behind += 1) this.#learn({ what, encoding, bytes, behind })
    }
    return true
  }

  get size(): number {
    return this.#known.size
  }

  #learn(pattern: Pattern): void {
    const end = pattern.bytes.length - pattern.behind
    const hash = hashOf(pattern.bytes.readInt32LE(end - 2 * wordBytes), pattern.bytes.readInt32LE(end - wordBytes))
    const bit = hash >>> 8
    this.#filter[bit >>> 5] = (this.#filter[bit >>> 5] ?? 0) | (1 << (bit & 31))
    const same = this.#patterns.get(hash)
    if (same) same.push(pattern)
    else this.#patterns.set(hash, [pattern])
  }

  /** Each once, however often it stands there. */
  search(given: Buffer): Find[] {
    const bytes = given.byteOffset % wordBytes === 0 ? given : copyOf(given)
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / wordBytes))
    const found = new Map<string, Find>()
    const filter = this.#filter
    let before = 0
    for (let index = 0; index < words.length; index += 1) {
      const last = words[index] as number
      const hash = hashOf(before, last)
      before = last
      const bit = hash >>> 8
      if (((filter[bit >>> 5] as number) & (1 << (bit & 31))) === 0) continue
      for (const { what, encoding, bytes: wanted, behind } of this.#patterns.get(hash) ?? []) {
        const end = (index + 1) * wordBytes + behind
        const start = end - wanted.length
        if (start < 0 || end > bytes.length || bytes.compare(wanted, 0, wanted.length, start, end) !== 0) continue
        found.set(`${encoding} ${what}`, { what, encoding })
      }
    }
    return [...found.values()]
  }

  /** One file at a time: it is read into the same memory each time, for garbage collection beside so many patterns is slow. */
  async searchFile(file: string): Promise<Find[]> {
    const found = new Map<string, Find>()
    const handle = await open(file)
    try {
      for (let carried = 0; ; ) {
        const { bytesRead } = await handle.read(this.#read, carried, this.#read.length - carried)
        if (bytesRead === 0) return [...found.values()]
        const filled = this.#read.subarray(0, carried + bytesRead)
        for (const find of this.search(filled)) found.set(`${find.encoding} ${find.what}`, find)
        carried = Math.min(filled.length, this.#longest)
        filled.copy(this.#read, 0, filled.length - carried)
      }
    } finally {
      await handle.close()
    }
  }
}

/** At the border of a word. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.from(new ArrayBuffer(bytes.length))
  bytes.copy(copy)
  return copy
}

function hashOf(before: number, last: number): number {
  return (Math.imul(before, 0x9e3779b1) ^ Math.imul(last, 0x85ebca6b)) >>> 0
}

/** Every file at or below the path; links are not followed, and what goes meanwhile is gone. */
export async function* filesBelow(path: string): AsyncGenerator<string> {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isFile()) yield path
  if (!found?.isDirectory()) return
  for (const name of await readdir(path).catch(() => [])) yield* filesBelow(join(path, name))
}
