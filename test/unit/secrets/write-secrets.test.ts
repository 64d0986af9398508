import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Secret } from '../../../src/secrets/secret.ts'
import { encodeForm, encodeJson, SecretText } from '../../../src/secrets/write-secrets.ts'

const texts = fc.string({ unit: 'binary' })

test('whatever the secrets are, JSON and form are written as JSON.stringify and URLSearchParams write them', () => {
  fc.assert(
    fc.property(texts, texts, texts, (name, one, two) => {
      const message = { name, params: [{ one }, two], more: { name } }
      const sealed = {
        name,
        params: [{ one: new SecretText(new Secret(one)) }, new SecretText(new Secret(two))],
        more: { name },
      }
      const written = JSON.parse(encodeJson(sealed, '\n').toString('utf8'))
      expect(written).toEqual(JSON.parse(JSON.stringify(message).replaceAll(/\\ud[89a-f]../g, '\ufffd')))
      const form = { name, one: new Secret(one), plain: two, two: new Secret(two) }
      const expected = new URLSearchParams({ name, one, plain: two, two }).toString()
      expect(encodeForm(form).toString('latin1')).toBe(expected)
      expect(encodeForm({ one: new Secret(one), name }).toString('latin1')).toBe(
        new URLSearchParams({ one, name }).toString(),
      )
    }),
  )
})

test('without secrets a message is written as JSON.stringify writes it, to the byte', () => {
  const message = { text: 'Zoë "quoted" \u0000', list: [1, null, undefined, { deep: true }], gone: undefined }
  expect(encodeJson(message, '\n').toString('utf8')).toBe(`${JSON.stringify(message)}\n`)
})

test('a secret that is not named as text of the message stays hidden', () => {
  const secret = new Secret('canary-11')
  expect(encodeJson({ secret }).toString()).toBe('{"secret":"[secret]"}')
  expect(JSON.stringify({ text: new SecretText(secret) })).toBe('{"text":"[secret]"}')
})

test('a wiped secret is not sent as zeros: writing it throws login_required', () => {
  const secret = new Secret('canary-11')
  secret.wipe()
  const writing = [() => encodeJson({ text: new SecretText(secret) }), () => encodeForm({ token: secret })]
  for (const write of writing) expect(write).toThrow(expect.objectContaining({ code: 'login_required' }))
})
