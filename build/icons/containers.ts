import { Buffer } from 'node:buffer'

/** A square picture: its pixels, straight (not premultiplied) red, green, blue, alpha from the top left, and the same as PNG. */
export interface Picture {
  readonly size: number
  readonly rgba: Uint8Array
  readonly png: Uint8Array
}

/** What Windows asks for, from the list of a folder to its largest tile, at 100 to 250 %. */
export const icoSizes = [16, 20, 24, 32, 40, 48, 64, 256] as const

/**
 * What macOS asks for: 16@2x, 32@2x, 128 and its double, 256 and its double, 512 and its double. The single 16 and 32 are made
 * smaller by the system: their types hold PNG in some of its versions and raw pixels in others.
 */
const icnsTypes = [
  ['ic11', 32],
  ['ic12', 64],
  ['ic07', 128],
  ['ic08', 256],
  ['ic13', 256],
  ['ic09', 512],
  ['ic14', 512],
  ['ic10', 1024],
] as const

export const icnsSizes = [...new Set(icnsTypes.map(([, size]) => size))]

/**
 * An .ico file. Pictures of 256 pixels are PNG, smaller ones bitmaps: what reads icons without being Windows' own shell often knows
 * PNG for the large one only. Throws RangeError for one larger than an entry can say.
 */
export function writeIco(pictures: readonly Picture[]): Uint8Array {
  const images = pictures.map((picture) => (picture.size >= 256 ? Buffer.from(picture.png) : bitmap(picture)))
  const header = Buffer.alloc(6 + 16 * pictures.length)
  header.writeUInt16LE(1, 2)
  header.writeUInt16LE(pictures.length, 4)
  let offset = header.length
  for (const [index, { size }] of pictures.entries()) {
    if (size > 256) throw new RangeError(`an .ico file holds no picture of ${size} pixels`)
    const entry = 6 + 16 * index
    const length = images[index]?.length ?? 0
    // 0 means 256.
    header.writeUInt8(size % 256, entry)
    header.writeUInt8(size % 256, entry + 1)
    header.writeUInt16LE(1, entry + 4)
    header.writeUInt16LE(32, entry + 6)
    header.writeUInt32LE(length, entry + 8)
    header.writeUInt32LE(offset, entry + 12)
    offset += length
  }
  return Buffer.concat([header, ...images])
}

/** BITMAPINFOHEADER of twice the height, rows from the bottom, blue first, and a mask that hides nothing: alpha does that. */
function bitmap({ size, rgba }: Picture): Buffer {
  const header = Buffer.alloc(40)
  header.writeUInt32LE(40, 0)
  header.writeInt32LE(size, 4)
  header.writeInt32LE(size * 2, 8)
  header.writeUInt16LE(1, 12)
  header.writeUInt16LE(32, 14)
  header.writeUInt32LE(size * size * 4, 20)
  const colours = Buffer.alloc(size * size * 4)
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = (y * size + x) * 4
      const to = ((size - 1 - y) * size + x) * 4
      const [red = 0, green = 0, blue = 0, alpha = 0] = rgba.subarray(from, from + 4)
      colours.set([blue, green, red, alpha], to)
    }
  }
  const mask = Buffer.alloc(Math.ceil(size / 32) * 4 * size)
  return Buffer.concat([header, colours, mask])
}

/** An .icns file of the PNGs of `icnsSizes`. Throws when one of them is missing. */
export function writeIcns(pictures: readonly Picture[]): Uint8Array {
  const entries = icnsTypes.map(([type, size]) => {
    const picture = pictures.find((one) => one.size === size)
    if (picture === undefined) throw new RangeError(`no picture of ${size} pixels for "${type}"`)
    return chunk(type, picture.png)
  })
  return chunk('icns', Buffer.concat(entries))
}

function chunk(type: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(8)
  header.write(type, 'latin1')
  header.writeUInt32BE(header.length + content.length, 4)
  return Buffer.concat([header, content])
}
