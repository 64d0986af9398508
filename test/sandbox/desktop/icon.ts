import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'

/** A picture in the panel. */
export interface Icon {
  readonly png: Buffer
  readonly width: number
  readonly height: number
  /** SHA-256 of its pixels or of its file, in hex: two icons that look alike have the same. */
  readonly hash: string
}

/** StatusNotifierItem's IconPixmap: width, height, and ARGB in network byte order, row after row. */
export type Pixmap = readonly [width: number, height: number, argb: Uint8Array | readonly number[]]

/** The largest of the pixmaps as a picture, undefined when there is none. */
export function iconFromPixmaps(pixmaps: readonly Pixmap[]): Icon | undefined {
  const [largest] = pixmaps.toSorted((a, b) => b[0] - a[0])
  if (!largest || largest[0] === 0) return undefined
  const [width, height, argb] = largest
  const rgba = Buffer.alloc(width * height * 4)
  for (let at = 0; at < rgba.length; at += 4) {
    const [alpha = 0, red = 0, green = 0, blue = 0] = argb.slice(at, at + 4)
    rgba.set([red, green, blue, alpha], at)
  }
  return { png: encodePng(width, height, rgba), width, height, hash: sha256(rgba) }
}

/** The picture a theme folder holds under that name, as GNOME is given it; undefined when there is none. */
export async function iconFromFile(themePath: string, name: string): Promise<Icon | undefined> {
  if (!themePath || !name) return undefined
  const png = await readFile(join(themePath, `${name}.png`)).catch(() => undefined)
  // PNG §11.2.1: width and height are the first fields of IHDR, at byte 16.
  return png && { png, width: png.readUInt32BE(16), height: png.readUInt32BE(20), hash: sha256(png) }
}

function encodePng(width: number, height: number, rgba: Buffer): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  // PNG §11.2.1: eight bits a channel, colour type 6 is RGBA.
  header.set([8, 6, 0, 0, 0], 8)
  const rows = Buffer.alloc(height * (width * 4 + 1))
  for (let row = 0; row < height; row += 1) {
    rgba.copy(rows, row * (width * 4 + 1) + 1, row * width * 4, (row + 1) * width * 4)
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND')])
}

/** PNG §5.3: length, type, data, CRC over type and data. */
function chunk(type: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'ascii'), data])
  const framed = Buffer.alloc(typed.length + 8)
  framed.writeUInt32BE(data.length, 0)
  typed.copy(framed, 4)
  framed.writeUInt32BE(crc32(typed), typed.length + 4)
  return framed
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
