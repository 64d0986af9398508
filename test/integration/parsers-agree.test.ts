import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { JsonTextError, parseJsonText } from '../../src/socket/json-text.ts'
import { limits } from '../../src/socket/limits.ts'
import { Chance, mutate } from '../fuzz/mutate.ts'
import { loadTarget, startingInputs } from '../fuzz/target.ts'

/** One Python that reads each text as the client does, so that both can be asked about the same thousands. */
let python: ChildProcessWithoutNullStreams
let lines: Interface
let answers: AsyncIterator<string>
beforeAll(() => {
  python = spawn('python3', ['test/fuzz/client.py', '--answer'], { stdio: ['pipe', 'pipe', 'pipe'] })
  lines = createInterface({ input: python.stdout })
  answers = lines[Symbol.asyncIterator]()
})
afterAll(async () => {
  const over = new Promise((resolve) => python.once('close', resolve))
  python.stdin.end()
  await over
  lines.close()
})

async function readByPython(text: string): Promise<unknown> {
  python.stdin.write(`${Buffer.from(text).toString('base64')}\n`)
  const { value } = await answers.next()
  return JSON.parse(String(value))
}

function readHere(text: string): unknown {
  try {
    return { value: parseJsonText(text, limits.jsonDepth) }
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error
    return { refused: true }
  }
}

const target = await loadTarget('json-text')
const inputs = startingInputs('json-text', target)
const near = fc.nat(2 ** 31 - 1).map((seed) => {
  const chance = new Chance(seed)
  return Buffer.from(mutate(chance.pick(inputs), chance, [], inputs)).toString('utf8')
})
const tokens = fc.string({ unit: fc.constantFrom(...'{}[]",:\\ue0159-.tfn \r\n\t\u2028\ufeff') })
const literals = fc
  .tuple(fc.maxSafeInteger(), fc.constantFrom('', '.0', '.5', 'e0', 'e1', 'E-3', 'e300', 'e400', '0', '.'), fc.nat(3))
  .map(([number, rest, zeros]) => `[${'0'.repeat(Math.max(0, zeros - 2))}${number}${rest}]`)

describe('the agent and the Python client', () => {
  test('take and refuse the same JSON texts, and make the same of them', async () => {
    const text = fc.oneof(near, tokens, literals, fc.json({ maxDepth: 20 }), fc.string({ unit: 'binary' }))
    await fc.assert(
      fc.asyncProperty(
        text.filter((one) => one.isWellFormed()),
        async (one) => {
          // Written once more, for -0 is 0 then, as it is for Python’s integers.
          expect(await readByPython(one)).toEqual(JSON.parse(JSON.stringify(readHere(one))))
        },
      ),
      { numRuns: 1_500 },
    )
  })
})
