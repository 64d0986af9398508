import { describe, expect, test } from 'vitest'
import { activatesSomebody, readRpcCall, writeRpcCall } from '../../../../src/broker/gateway/rpc-envelope.ts'

describe('a call passed on', () => {
  test.each([
    '1.0',
    '-0',
    '-0.0',
    '1e3',
    '1E-7',
    '12345678901234567890123',
    '0.1000000000000000055511151231257827',
    '9007199254740993',
    '[1,2.50,{"a":3.0}]',
    '{"__proto__":{"x":1.0},"constructor":2}',
    '"é 😀 1.0"',
    'null',
  ])('says %s as it was said', (params) => {
    const text = `{"method_name":"create","params":[{"session_token":"t"},${params}]}`
    expect(writeRpcCall(readRpcCall(text), { session_token: 't' })).toBe(text)
  })

  test('has as many parameters as it came with', () => {
    const text = '{"method_name":"schema_read","params":[{"session_token":"t"}]}'
    expect(writeRpcCall(readRpcCall(text), {})).toBe('{"method_name":"schema_read","params":[{}]}')
    expect(writeRpcCall(readRpcCall(text), undefined)).toBe('{"method_name":"schema_read","params":[]}')
  })
})

describe('a call read', () => {
  test('says which credential is not taken, however it is hidden', () => {
    for (const name of ['sudo_as_login', 'script_name', 'script_key', 'user_login', 'user_password', 'auth_token']) {
      for (const value of ['"x"', 'null', '{}', '""']) {
        const text = `{"method_name":"read","params":[{"session_token":"t","${name}":${value}}]}`
        expect(readRpcCall(text).foreign).toBe(name)
        // JSON's other spelling of the same name.
        const escaped = `\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}`
        expect(readRpcCall(text.replace(name, escaped)).foreign).toBe(name)
      }
    }
  })

  test.each([
    ['', 'invalid_request'],
    ['null', 'invalid_request'],
    ['{"method_name":"read"}', 'invalid_request'],
    ['{"method_name":1,"params":[]}', 'invalid_request'],
    ['{"method_name":"read","params":{}}', 'invalid_request'],
    ['{"method_name":"read","params":["t"]}', 'invalid_request'],
    ['{"method_name":"read","params":[{"session_token":1}]}', 'invalid_request'],
    ['{"method_name":"read","params":[{"session_token":["t"]}]}', 'invalid_request'],
    ['{"method_name":"read","params":[],"auth":{}}', 'invalid_request'],
    ['{"method_name":"READ","params":[]}', 'unknown_method'],
    ['{"method_name":"toString","params":[]}', 'unknown_method'],
  ])('is refused: %s', (text, code) => {
    expect(() => readRpcCall(text)).toThrow(expect.objectContaining({ code }))
  })
})

test('a call that is nested deeper than it could be written again is refused, brackets in its texts or not', () => {
  const nested = (depth: number) =>
    `{"method_name":"read","params":[{"session_token":"t"},${'['.repeat(depth)}"\\"]]"${']'.repeat(depth)}]}`
  expect(writeRpcCall(readRpcCall(nested(400)), { session_token: 't' })).toBe(nested(400))
  for (const depth of [1_000, 100_000]) {
    expect(() => readRpcCall(nested(depth))).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  }
})

describe('making somebody active', () => {
  const fields = [{ field_name: 'sg_status_list', value: 'act' }]
  test('is seen in create, update and batch, and in nothing else', () => {
    const write = { type: 'HumanUser', id: 1, fields }
    expect(activatesSomebody({ method: 'update', params: write })).toBe(true)
    expect(activatesSomebody({ method: 'create', params: write })).toBe(true)
    expect(activatesSomebody({ method: 'batch', params: [{ type: 'Note' }, write] })).toBe(true)
    expect(activatesSomebody({ method: 'read', params: write })).toBe(false)
    expect(activatesSomebody({ method: 'update', params: { ...write, type: 'Shot' } })).toBe(false)
    const disabling = [{ field_name: 'sg_status_list', value: 'dis' }]
    expect(activatesSomebody({ method: 'update', params: { ...write, fields: disabling } })).toBe(false)
    expect(activatesSomebody({ method: 'update', params: undefined })).toBe(false)
  })
})
