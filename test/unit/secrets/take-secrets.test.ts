import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readSecrets } from '../../../src/secrets/read-secrets.ts'
import { JsonBytesError, takeSecrets } from '../../../src/secrets/take-secrets.ts'

const token = 'canary-token-0123456789'

function take(text: string, ...path: [string, ...string[]]): { taken: string | undefined; left: string } {
  const bytes = Buffer.from(text, 'utf8')
  const [secret] = takeSecrets(bytes, path)
  return { taken: secret?.reveal(), left: bytes.toString('utf8') }
}

/** What `JSON.parse` finds at the path, as a wire would carry it; empty text is none. */
function expectedAt(text: string, path: readonly string[]): string | undefined {
  let value: unknown = JSON.parse(text)
  for (const name of path) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    value = isObject && Object.hasOwn(value as object, name) ? (value as Record<string, unknown>)[name] : undefined
  }
  return typeof value === 'string' && value !== '' ? value.toWellFormed() : undefined
}

function refused(read: () => unknown): boolean {
  try {
    read()
    return false
  } catch {
    return true
  }
}

describe('a secret in JSON', () => {
  test('is taken out, and asterisks stand in its place', () => {
    const text = `{"expires_in":3600, "access_token" : "${token}","site":"https://studio.example"}`
    expect(take(text, 'access_token')).toEqual({ taken: token, left: text.replace(token, '*'.repeat(token.length)) })
    expect(take(`\ufeff{"results":{"session_id":"${token}"}}`, 'results', 'session_id').taken).toBe(token)
  })

  test('is found by its name however both are escaped, and nothing of it is left', () => {
    const text = '{"access\\u005ftoken":"\\u0063a\\n\\"\\ud83d\\ude00\\u00e9\\u20ac\\/"}'
    expect(take(text, 'access_token')).toEqual({
      taken: 'ca\n"😀é€/',
      left: `{"access\\u005ftoken":"${'*'.repeat(37)}"}`,
    })
  })

  test('is not taken from where it was not looked for', () => {
    for (const text of [
      `{"other":"${token}"}`,
      `{"inside":{"access_token":"${token}"}}`,
      `[{"access_token":"${token}"}]`,
      `{"access_token":["${token}"]}`,
      `{"access_token":{"access_token":"${token}"}}`,
      `"${token}"`,
      '{"access_token":null}',
      '{"access_token":""}',
    ])
      expect(take(text, 'access_token')).toEqual({ taken: undefined, left: text })
  })

  test('of names that occur twice the last counts, and the first is blanked too', () => {
    const twice = `{"access_token":"first","access_token":"${token}"}`
    expect(take(twice, 'access_token')).toEqual({
      taken: token,
      left: twice.replace('first', '*****').replace(token, '*'.repeat(23)),
    })
    expect(take('{"access_token":"first","access_token":7}', 'access_token').taken).toBeUndefined()
    expect(take(`{"results":{"session_id":"${token}"},"results":{}}`, 'results', 'session_id').taken).toBeUndefined()
  })

  test.each([
    ['nothing', ''],
    ['a web page', '<html>'],
    ['half an answer', `{"access_token":"${token}"`],
    ['something behind it', `{"access_token":"${token}"} x`],
    ['a comma too many', `{"access_token":"${token}",}`],
    ['single quotes', `{'access_token':'${token}'}`],
    ['a line feed in a string', '{"access_token":"a\nb"}'],
    ['an unknown escape', '{"access_token":"\\x41"}'],
    ['half an escape', '{"access_token":"\\u00"}'],
    ['a number with a leading zero', '{"expires_in":01}'],
    ['a name without quotes', `{access_token:"${token}"}`],
    ['nesting beyond any answer', `${'['.repeat(300)}${']'.repeat(300)}`],
  ])('%s is refused, quoting nothing', (_what, text) => {
    expect(() => take(text, 'access_token')).toThrow(JsonBytesError)
    expect(() => take(text, 'access_token')).toThrow(/^is not JSON$/)
  })

  test('whatever JSON there is, it takes what JSON.parse would find, and leaves the rest as it was', () => {
    const names = fc.constantFrom('a', 'b', '__proto__', 'é')
    const unit = fc.constantFrom(...'a*"\\/\n\u0000é€😀', '\ud800', '\udc00')
    const leaf = fc.oneof(fc.string({ unit, maxLength: 12 }), fc.double(), fc.constant(null), fc.array(fc.nat()))
    const grown = (inside: fc.Arbitrary<unknown>) => fc.dictionary(names, fc.oneof(leaf, inside), { maxKeys: 3 })
    const json = grown(grown(grown(leaf)))
    fc.assert(
      fc.property(json, fc.array(names, { minLength: 1, maxLength: 3 }), fc.nat(3), (content, path, indent) => {
        const text = JSON.stringify(content, undefined, indent)
        const found = expectedAt(text, path)
        const { taken, left } = take(text, ...(path as [string, ...string[]]))
        expect(taken).toBe(found)
        if (found === undefined) expect(left).toBe(text)
        else expect(expectedAt(left, path)).toMatch(/^\*+$/)
      }),
    )
  })

  test('whatever bytes there are, it refuses what JSON.parse refuses', () => {
    const good = JSON.stringify({ access_token: token, expires_in: -1.5e3, list: [true, null, {}, 'é\n'] })
    const broken = fc
      .tuple(
        fc.nat(good.length),
        fc.nat(2),
        fc.string({ unit: fc.constantFrom(...'{}[]",:\\u0eE+-.1 tn*\t\u00e9'), maxLength: 3 }),
      )
      .map(([at, length, put]) => good.slice(0, at) + put + good.slice(at + length))
    fc.assert(
      fc.property(fc.oneof(broken, fc.json(), fc.string()), (text) => {
        const decoded = new TextDecoder().decode(Buffer.from(text, 'utf8'))
        expect(refused(() => take(text, 'access_token'))).toBe(refused(() => JSON.parse(decoded)))
      }),
      { numRuns: 400 },
    )
  })
})

test('an answer is read with asterisks for its secret, and the pieces it came in are wiped', async () => {
  const pieces = ['{"access_', `token":"${token.slice(0, 9)}`, `${token.slice(9)}","expires_in":60}`].map((text) =>
    new TextEncoder().encode(text),
  )
  const body = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece)
      controller.close()
    },
  })
  const read = await readSecrets(new Response(body), ['access_token'])
  expect(read.secrets[0]?.reveal()).toBe(token)
  expect(read.body).toEqual({ access_token: '*'.repeat(token.length), expires_in: 60 })
  for (const piece of pieces) expect(piece.every((byte) => byte === 0)).toBe(true)
  expect(await readSecrets(new Response('7'))).toEqual({ secrets: [], body: 7 })
  await expect(readSecrets(new Response(null), ['a'])).rejects.toThrow(JsonBytesError)
})
