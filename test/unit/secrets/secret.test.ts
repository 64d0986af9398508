import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Secret } from '../../../src/secrets/secret.ts'

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

test('whatever text a secret is made of, it reveals as a wire would carry it, as text and as bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const made = [new Secret(text), new Secret(Buffer.from(text, 'utf8'))]
      for (const one of made) {
        expect(one.reveal()).toBe(text.toWellFormed())
        expect(one.use((bytes) => Buffer.from(bytes))).toEqual(Buffer.from(text, 'utf8'))
      }
    }),
  )
})

test('the bytes that are lent are zeros when they are given back', () => {
  let lent: Buffer = Buffer.alloc(0)
  secret.use((bytes) => {
    lent = bytes
    expect(bytes.toString()).toBe('canary-5f2d')
  })
  expect(lent.equals(Buffer.alloc(11))).toBe(true)
  expect(() =>
    secret.use((bytes) => {
      lent = bytes
      throw new Error('on the way')
    }),
  ).toThrow('on the way')
  expect(lent.equals(Buffer.alloc(11))).toBe(true)
})

test('a secret equals one that says the same, and no other', () => {
  expect(secret.equals(new Secret('canary-5f2d'))).toBe(true)
  expect(secret.equals(new Secret('canary-5f2e'))).toBe(false)
})

test('a wiped secret is given to nobody, however it is asked for, and goes on hiding', () => {
  const over = new Secret('canary-77aa')
  const copy = over.copy()
  over.wipe()
  over.wipe()
  const ways = [
    () => over.reveal(),
    () => over.use(() => 'never'),
    () => over.copy(),
    () => over.equals('canary-77aa'),
    () => secret.equals(over),
  ]
  for (const way of ways) expect(way).toThrow(expect.objectContaining({ code: 'login_required' }))
  expect(`${over} ${inspect(over)} ${JSON.stringify(over)}`).toBe('[secret] [secret] "[secret]"')
  expect(copy.reveal()).toBe('canary-77aa')
})
