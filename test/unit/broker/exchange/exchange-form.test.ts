import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgeExchangeForm } from '../../../../src/broker/exchange/exchange-form.ts'
import { grantType, sessionTokenType, subjectTokenTypes } from '../../../../src/token-exchange.ts'

const form = {
  grant_type: grantType,
  audience: 'https://studio.example',
  subject_token: 'id.token',
  subject_token_type: subjectTokenTypes.idToken,
  requested_token_type: sessionTokenType,
  access_token: 'access.token',
}

describe('the form of a token exchange', () => {
  test('that has each parameter once is taken', () => {
    const judged = judgeExchangeForm(form)
    expect(judged.subjectToken.reveal()).toBe('id.token')
    expect(JSON.stringify(judged)).not.toMatch(/id\.token|access\.token/)
  })

  for (const name of Object.keys(form)) {
    test(`without "${name}" is refused`, () => {
      expect(() => judgeExchangeForm({ ...form, [name]: undefined })).toThrow(`"${name}"`)
    })
    test(`with an empty "${name}" is refused`, () =>
      expect(() => judgeExchangeForm({ ...form, [name]: '' })).toThrow(`"${name}"`))
    test(`with "${name}" twice is refused`, () => {
      expect(() => judgeExchangeForm({ ...form, [name]: [form[name as keyof typeof form], 'second'] })).toThrow(
        `"${name}"`,
      )
    })
  }

  for (const name of [
    'actor_token',
    'requested_subject',
    'requested_issuer',
    'resource',
    'scope',
    'client_secret',
    '__proto__x',
    'sudo_as_login',
  ]) {
    test(`with "${name}" is refused: nothing is ignored`, () => {
      expect(() => judgeExchangeForm({ ...form, [name]: 'x' })).toThrow(`"${name}" is not a parameter`)
    })
  }

  for (const [name, value] of [
    ['grant_type', 'client_credentials'],
    ['grant_type', `${grantType} `],
    ['subject_token_type', 'urn:ietf:params:oauth:token-type:jwt'],
    ['subject_token_type', 'urn:ietf:params:oauth:token-type:refresh_token'],
    ['requested_token_type', subjectTokenTypes.idToken],
    ['requested_token_type', 'urn:ietf:params:oauth:token-type:refresh_token'],
    ['subject_token', 'x'.repeat(20_000)],
    ['subject_token', 'a\nb'],
    ['access_token', 'a\nb'],
    ['access_token', 'a b'],
    ['access_token', 'caf\u00e9'],
    // An escape that the form’s parser could not decode, and that another one would read as something else.
    ['access_token', 'a%zz'],
    ['subject_token', 'a%ff'],
    ['audience', 'https%3A%9'],
    ['audience', 'https://studio.example\n'],
  ] as const) {
    test(`with "${name}" = "${value.slice(0, 60)}" is refused`, () => {
      expect(() => judgeExchangeForm({ ...form, [name]: value })).toThrow(`"${name}"`)
    })
  }

  test('with two different access tokens is refused', () => {
    expect(() => judgeExchangeForm({ ...form, subject_token_type: subjectTokenTypes.accessToken })).toThrow(
      'must be the subject token',
    )
  })

  for (const body of [undefined, null, 'text', [], 7]) {
    test(`that is ${JSON.stringify(body)} is refused`, () => expect(() => judgeExchangeForm(body)).toThrow())
  }
})

test('whatever is made of a form, it is taken only as it was, or refused as invalid_request', () => {
  const value = fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.string()), fc.anything())
  const name = fc.oneof(
    fc.constantFrom(...Object.keys(form), '__proto__', 'constructor'),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), (changes) => {
      // As the parser of forms makes it: without a prototype.
      const changed: Record<string, unknown> = Object.assign(Object.create(null), form)
      for (const [key, content] of changes) changed[key] = content
      try {
        const judged = judgeExchangeForm(changed)
        expect(Object.keys(changed).sort()).toEqual(Object.keys(form).sort())
        expect(judged.audience).toBe(changed['audience'])
        expect(judged.subjectToken.reveal()).toBe(changed['subject_token'])
        expect(judged.accessToken.reveal()).toBe(changed['access_token'])
      } catch (error) {
        expect(error).toMatchObject({ name: 'AgentError', code: 'invalid_request' })
      }
    }),
  )
})
