import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeFrame, FrameError, FrameReader } from '../../../src/socket/frames.ts'
import { limits } from '../../../src/socket/limits.ts'

function readAll(chunks: Buffer[], maxBytes = limits.messageBytes): string[] {
  const reader = new FrameReader()
  return chunks.flatMap((chunk) => [...reader.read(chunk, () => maxBytes)])
}

describe('frames', () => {
  test('a message is one line, whatever the chunks', () => {
    const bytes = Buffer.from('{"a":1}\n{"b":"Zoë"}\n')
    for (let size = 1; size <= bytes.length; size += 1) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      )
      expect(readAll(chunks)).toEqual(['{"a":1}', '{"b":"Zoë"}'])
    }
  })

  test('a message of exactly the limit is taken, one byte more is not', () => {
    const line = (length: number) => Buffer.from(`${'x'.repeat(length - 1)}\n`)
    expect(readAll([line(limits.helloBytes)], limits.helloBytes)).toHaveLength(1)
    expect(() => readAll([line(limits.helloBytes + 1)], limits.helloBytes)).toThrow(FrameError)
  })

  test('an unfinished message is given up at the limit, before its end has come', () => {
    const reader = new FrameReader()
    const chunk = Buffer.alloc(1024, 0x78)
    expect(() => {
      for (let sent = 0; sent <= limits.helloBytes; sent += chunk.length)
        [...reader.read(chunk, () => limits.helloBytes)]
    }).toThrow('message too long')
  })

  test('the limit may rise between two messages of one chunk', () => {
    const reader = new FrameReader()
    let limit = 4
    const lines: string[] = []
    for (const line of reader.read(Buffer.from('abc\nlonger line\n'), () => limit)) {
      lines.push(line)
      limit = 100
    }
    expect(lines).toEqual(['abc', 'longer line'])
  })

  test('an empty line is refused', () => expect(() => readAll([Buffer.from('\n')])).toThrow('empty message'))

  test('bytes that are not UTF-8 are refused', () => {
    for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf5, 0x80, 0x80, 0x80]]) {
      expect(() => readAll([Buffer.from([...bytes, 0x0a])])).toThrow('not UTF-8')
    }
  })

  test('a carriage return stays in the message: only the line feed ends it', () =>
    expect(readAll([Buffer.from('a\rb\n')])).toEqual(['a\rb']))

  test('a byte order mark stays in the message, for the parser to refuse', () => {
    expect(readAll([Buffer.from('\ufeff{}\n')])).toEqual(['\ufeff{}'])
  })

  test('what is encoded is read back, in any chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.string()), { minLength: 1 }),
        fc.integer({ min: 1, max: 50 }),
        (messages, size) => {
          const bytes = Buffer.concat(messages.map((message) => encodeFrame(message, limits.messageBytes)))
          const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
            bytes.subarray(index * size, (index + 1) * size),
          )
          expect(readAll(chunks)).toEqual(messages.map((message) => JSON.stringify(message)))
        },
      ),
    )
  })

  test('nothing over the limit is sent', () => {
    expect(() => encodeFrame({ text: 'x'.repeat(limits.messageBytes) }, limits.messageBytes)).toThrow(FrameError)
  })
})
