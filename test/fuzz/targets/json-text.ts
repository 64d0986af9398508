import assert from 'node:assert/strict'
import { JsonTextError, parseJsonText } from '../../../src/socket/json-text.ts'
import { anyTextOf } from '../input.ts'

export const seeds = [
  '{"a":1,"b":[true,false,null,-0.5e-3],"c":{"d":"\\u00e9\\ud83c\\udfac \\n"}}',
  '[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]',
  '{"a":1,"\\u0061":2}',
  '9007199254740991',
  '[1e20]',
  '-0.0',
]

const depth = 16

export function fuzz(data: Uint8Array): void {
  const text = anyTextOf(data)
  const value = parsed(text)
  if (value === undefined) return
  assert.deepEqual(value, JSON.parse(text))
  const written = JSON.stringify(value)
  assert.equal(JSON.stringify(parsed(written)), written, 'what was read can be written and read again')
  assert.ok(depthOf(value) <= depth)
  assert.ok(written.isWellFormed() && !/"__proto__":/.test(written.replaceAll('\\"', '')))
}

function parsed(text: string): unknown {
  try {
    return parseJsonText(text, depth)
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error
    // What nobody may quote.
    assert.match(error.message, /^[\w "]+$/)
    return undefined
  }
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}
