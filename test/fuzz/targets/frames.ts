import assert from 'node:assert/strict'
import { encodeFrame, FrameError, FrameReader } from '../../../src/socket/frames.ts'

export const seeds = ['\x07\x08{"a":1}\n{"b":"Zoë"}\n', '\x01\x00abc\nlonger line\n', '\x40\xff\n', '\x00\x01\xff\n']

/** First byte: the size of the chunks; second: the limit. */
export function fuzz(data: Uint8Array): void {
  const size = (data[0] ?? 0) + 1
  const limit = (data[1] ?? 0) * 16 + 4
  const bytes = Buffer.from(data.subarray(2))
  const read = readAll([bytes], limit)
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  )
  assert.deepEqual(readAll(chunks, limit), read, 'the chunks make no difference')
  assert.deepEqual(read, expected(bytes, limit))
  for (const line of read.lines) {
    const frame = encodeFrame([line], limit * 8 + 8)
    assert.deepEqual(readAll([frame], limit * 8 + 8), { lines: [JSON.stringify([line])], refused: undefined })
  }
}

interface Read {
  readonly lines: string[]
  readonly refused: string | undefined
}

function readAll(chunks: Buffer[], limit: number): Read {
  const reader = new FrameReader()
  const lines: string[] = []
  try {
    for (const chunk of chunks) for (const line of reader.read(chunk, () => limit)) lines.push(line)
    return { lines, refused: undefined }
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    return { lines, refused: error.message }
  }
}

/** The same in another way. */
function expected(bytes: Buffer, limit: number): Read {
  const lines: string[] = []
  const whole = bytes.toString('latin1').split('\n')
  for (const [index, line] of whole.entries()) {
    if (line.length >= limit) return { lines, refused: 'message too long' }
    if (index === whole.length - 1) break
    if (line === '') return { lines, refused: 'empty message' }
    const text = Buffer.from(line, 'latin1').toString('utf8')
    if (Buffer.from(text).toString('latin1') !== line) return { lines, refused: 'not UTF-8' }
    lines.push(text)
  }
  return { lines, refused: undefined }
}
