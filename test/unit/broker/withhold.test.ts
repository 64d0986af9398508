import { describe, expect, test } from 'vitest'
import { withhold } from '../../../src/broker/gateway/withhold.ts'

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

/** What comes of a body before it ends or breaks off. */
async function read(text: string, size: number, secrets: readonly string[]): Promise<[text: string, isWhole: boolean]> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of withhold(inPieces(text, size), secrets)) chunks.push(chunk)
    return [Buffer.concat(chunks).toString(), true]
  } catch {
    return [Buffer.concat(chunks).toString(), false]
  }
}

const sizes = [1, 2, 3, 7, 64, 4096]
const secret = 'k€y "1" <&>/x'

describe('a body', () => {
  test.each(sizes)('without a secret comes whole, in pieces of %i', async (size) => {
    for (const text of ['', 'a', 'äöü€'.repeat(100), `${secret.slice(0, -1)}${secret.slice(1)}`]) {
      expect(await read(text, size, [secret, 'another'])).toEqual([text, true])
      expect(await read(text, size, [])).toEqual([text, true])
      expect(await read(text, size, [''])).toEqual([text, true])
    }
  })

  test.each(sizes)('with one breaks off before it, in pieces of %i', async (size) => {
    for (const written of [
      secret,
      'k€y \\"1\\" <&>/x',
      'k%E2%82%ACy%20%221%22%20%3C%26%3E%2Fx',
      'k€y &quot;1&quot; &lt;&amp;&gt;/x',
    ]) {
      const [text, isWhole] = await read(`before ${written} after`, size, ['another', secret])
      expect(isWhole).toBe(false)
      expect('before '.startsWith(text)).toBe(true)
    }
  })
})
