import { Readable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readRpcBody } from '../../../src/broker/gateway/rpc-body.ts'
import { GatheredBytes } from '../../../src/secrets/gathered-bytes.ts'
import { FrameReader } from '../../../src/socket/frames.ts'
import { limits } from '../../../src/socket/limits.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function heldBytes(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

test('bytes that are gathered are those that came, in whatever pieces', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.nat(200), (pieces, end) => {
      const gathered = new GatheredBytes()
      for (const piece of pieces) gathered.add(piece)
      const all = Buffer.concat(pieces)
      expect(gathered.length).toBe(all.length)
      expect(gathered.peek(end).equals(all.subarray(0, end))).toBe(true)
      expect(gathered.take().equals(all)).toBe(true)
      expect([gathered.length, gathered.take().length]).toEqual([0, 0])
    }),
  )
})

test('an unfinished message that comes byte by byte holds at most twice its limit', () => {
  const readers = Array.from({ length: 4 }, () => new FrameReader())
  const before = heldBytes()
  for (const reader of readers) {
    for (let sent = 1; sent < limits.messageBytes; sent += 1) {
      reader.read(Buffer.allocUnsafeSlow(1).fill(0x78), () => limits.messageBytes).next()
    }
  }
  const each = (heldBytes() - before) / readers.length
  // Kept as the pieces they came in it was 240 bytes for each of them.
  expect(each).toBeLessThan(2.5 * limits.messageBytes)
  expect(() => [...(readers[0]?.read(Buffer.from('x'), () => limits.messageBytes) ?? [])]).toThrow('message too long')
})

test('a body of a call that comes byte by byte holds at most twice its length', async () => {
  const length = 20_000
  const before = heldBytes()
  const raw = new Readable({ read: () => undefined })
  const reading = readRpcBody(raw as unknown as Parameters<typeof readRpcBody>[0], async () => undefined)
  for (let sent = 0; sent < length; sent += 1) {
    raw.push(Buffer.allocUnsafeSlow(1).fill(0x20))
    // Else the stream would put them together.
    await new Promise((resolve) => setImmediate(resolve))
  }
  // Kept as the pieces they came in it was 240 bytes for each of them.
  expect(heldBytes() - before).toBeLessThan(40 * length)
  raw.push(null)
  expect(await reading).toBe(' '.repeat(length))
})
