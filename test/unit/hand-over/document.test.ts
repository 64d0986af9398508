import { describe, expect, test } from 'vitest'
import {
  formatsRead,
  judgeAnnounced,
  judgeDocument,
  judgeOver,
  judgeReady,
  judgeSecrets,
  say,
} from '../../../src/hand-over/document.ts'
import { PassedSecrets } from '../../../src/secrets/passed-secrets.ts'
import { Secret } from '../../../src/secrets/secret.ts'
import { encodeJson } from '../../../src/secrets/write-secrets.ts'

const refused = (act: () => unknown): string => {
  try {
    act()
    return 'taken'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

describe('formats', () => {
  test('a program reads the newest it knows and the one before', () => {
    expect([formatsRead(1), formatsRead(2), formatsRead(7)]).toEqual([[1], [2, 1], [7, 6]])
  })

  test('the newest that both know is written', () => {
    const version = '1.0.0'
    expect(judgeReady(say.ready({ formats: [3, 2], version }), [2, 1]).format).toBe(2)
    expect(judgeReady(say.ready({ formats: [1], version }), [2, 1]).format).toBe(1)
    for (const formats of [[4, 3], [0], []])
      expect(refused(() => judgeReady(say.ready({ formats, version }), [2, 1]))).toBe('unsupported_version')
  })

  test('a document of another one is not read', () => {
    const document = (format: number): object => say.document(format, '9', {}, new PassedSecrets())
    expect(judgeDocument(document(1)).version).toBe('9')
    expect(judgeDocument(document(1), [2, 1]).format).toBe(1)
    for (const format of [0, 2, 99]) expect(refused(() => judgeDocument(document(format)))).toBe('unsupported_version')
  })
})

describe('what the other side says', () => {
  test('is taken where it is of the form', () => {
    expect(judgeAnnounced(say.announced(['https://studio.example']))).toEqual(['https://studio.example'])
    expect([judgeOver(say.over('status')).wants, judgeOver(say.over(undefined)).wants]).toEqual(['status', undefined])
    expect([judgeOver(say.over('status')).ended, judgeOver(say.over(undefined, ['a'])).ended]).toEqual([[], ['a']])
  })

  test.each([undefined, null, 1, 'announced', {}, [], { announced: {} }, { over: 1 }, { ready: { formats: 1 } }])(
    'is refused where it is not: %j',
    (message) => {
      for (const judge of [judgeReady, judgeDocument, judgeAnnounced, judgeOver])
        expect(refused(() => judge(message))).toBe('invalid_request')
    },
  )

  test('is told where it refuses', () => {
    expect(() => judgeAnnounced(say.refusal('config_invalid: no'))).toThrow('config_invalid: no')
  })
})

describe('secrets', () => {
  const secrets = new PassedSecrets()
  const numbers = ['one "quoted"', 'two\\n', 'drei €'].map((text) => secrets.put(new Secret(text)))

  test('stand in a message of their own, and come back by number, once', () => {
    const document = encodeJson(say.document(1, '1', { token: numbers[1] }, secrets)).toString()
    expect(document).not.toContain('two')
    const bytes = encodeJson(say.secrets(secrets))
    const taken = judgeSecrets(bytes, 3)
    expect(numbers.map((number) => taken.take(number).reveal())).toEqual(['one "quoted"', 'two\\n', 'drei €'])
    expect([...bytes].every((byte) => byte === 0)).toBe(true)
    expect(refused(() => taken.take(0))).toBe('invalid_request')
    expect(refused(() => taken.take(3))).toBe('invalid_request')
  })

  test.each(['', '{', '{"n0":"a"}', '{"n0":"a","n1":""}', '["a","b"]', '{"n0":1,"n1":2}'])(
    'that are not all there are refused: %s',
    (text) => expect(refused(() => judgeSecrets(Buffer.from(text), 2))).toBe('invalid_request'),
  )

  test('that nobody took are wiped', () => {
    const left = new Secret('left')
    new PassedSecrets([left]).wipe()
    expect(refused(() => left.reveal())).toBe('login_required')
  })
})
