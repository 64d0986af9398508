import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nonceFor } from '../../src/token-exchange.ts'

test('the nonce of a challenge and a key never changes between versions', () => {
  expect(nonceFor('challenge', 'thumbprint')).toBe('uRuvK4tH5TFdLT7O3YvOWt9pN1S8C3rgqKQF9PdNup0')
})

test('the nonce has only characters that Autodesk takes', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (challenge, thumbprint) =>
      /^[\w-]{43}$/.test(nonceFor(challenge, thumbprint)),
    ),
  )
})

test('no two pairs of challenge and key share a nonce', () => {
  const part = fc.stringMatching(/^[\w-]{1,8}$/)
  fc.assert(
    fc.property(part, part, part, part, (a, b, c, d) => {
      expect(nonceFor(a, b) === nonceFor(c, d)).toBe(a === c && b === d)
    }),
  )
})
