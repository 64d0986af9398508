import { expect, test } from 'vitest'
import { readRestAddress } from '../../../../src/broker/gateway/rest-address.ts'

test('of two question marks the second belongs to the first parameter’s name', () => {
  const { query, path } = readRestAddress('/api/v1/entity/shots??fields=code')
  expect([...query]).toEqual([['?fields', 'code']])
  expect(path).toBe('/api/v1/entity/shots??fields=code')
})
