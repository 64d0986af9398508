import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret } from '../../src/secret.ts'

const secret = new Secret('canary-5f2d')

test('a secret does not show itself however it is printed', () => {
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret, { showHidden: true, depth: 9 }),
    inspect({ deep: [secret] }),
    Object.keys(secret).join(),
    Object.values(secret).join(),
    JSON.stringify(structuredClone({ ...secret })),
  ]
  for (const text of shown) expect(text).not.toContain('canary')
})

test('a secret equals its own text only', () => {
  expect(secret.equals('canary-5f2d')).toBe(true)
  for (const other of ['', 'canary-5f2', 'canary-5f2dd', 'Canary-5f2d', '[secret]'])
    expect(secret.equals(other)).toBe(false)
})

test('a secret is revealed where it is asked for', () => expect(secret.reveal()).toBe('canary-5f2d'))
