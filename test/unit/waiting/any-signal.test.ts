import { describe, expect, test } from 'vitest'
import { anySignal } from '../../../src/waiting/any-signal.ts'

describe('a signal made of others', () => {
  test('aborts with the first of them, with its reason, also through one made before', () => {
    const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()]
    const inner = anySignal([first.signal, second.signal])
    const outer = anySignal([inner, third.signal, first.signal])
    second.abort('the reason')
    expect([inner.aborted, outer.aborted, outer.reason]).toEqual([true, true, 'the reason'])
  })

  test('is aborted from the start when one of them is', () => {
    expect(anySignal([anySignal([AbortSignal.abort('over')]), new AbortController().signal]).reason).toBe('over')
  })
})
