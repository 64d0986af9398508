import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { JsonTextError, parseJsonText } from '../../../src/socket/json-text.ts'

const vectors = z
  .object({
    cases: z
      .array(
        z.union([
          z.object({ name: z.string(), text: z.string(), value: z.unknown(), refused: z.undefined().optional() }),
          z.object({ name: z.string(), text: z.string(), refused: z.literal(true) }),
        ]),
      )
      .min(1),
  })
  .parse(JSON.parse(readFileSync('test/vectors/json-text.json', 'utf8')))

describe('a JSON text that two parsers must read alike', () => {
  for (const vector of vectors.cases) {
    if (vector.refused) {
      test(`refuses ${vector.name}`, () => expect(() => parseJsonText(vector.text, 16)).toThrow(JsonTextError))
    } else {
      test(`takes ${vector.name}`, () => expect(parseJsonText(vector.text, 16)).toEqual(vector.value))
    }
  }

  test('what it accepts, JSON.parse reads the same', () => {
    const anyText = fc.oneof(
      fc.json({ maxDepth: 20 }),
      fc.string(),
      fc.string({ unit: fc.constantFrom(...'{}[]",:\\ue0159-.tfn \r\n') }),
    )
    fc.assert(
      fc.property(anyText, (text) => {
        let value: unknown
        try {
          value = parseJsonText(text, 16)
        } catch (error) {
          return error instanceof JsonTextError
        }
        expect(value).toEqual(JSON.parse(text))
        return true
      }),
      { numRuns: 3_000 },
    )
  })

  test('what it accepts parses to the same again after writing it out', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value)
        try {
          expect(JSON.stringify(parseJsonText(text, 16))).toBe(text)
        } catch (error) {
          if (!(error instanceof JsonTextError)) throw error
        }
      }),
    )
  })
})
