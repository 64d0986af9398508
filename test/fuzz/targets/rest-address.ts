import assert from 'node:assert/strict'
import { parse } from 'node:querystring'
import { isPassedOn, readRestAddress } from '../../../src/broker/gateway/rest-address.ts'
import { judged, textOf } from '../input.ts'

export const seeds = [
  '/api/v1/entity/shots/1?fields=code,sg_status_list&page[size]=5',
  '/api/v1.1/schema/Shot/fields/',
  '/api/v1/entity/shots?a=1;sudo_as_login=x&script_key%5B%5D=y&%20session_token=z',
  '/api/v1/../auth/access_token',
  '/api/v1//entity/%2e%2e?',
]

const credentials = ['session_token', 'access_token', 'script_name', 'script_key', 'sudo_as_login', 'user_password']

export function fuzz(data: Uint8Array): void {
  const address = textOf(data)
  const read = judged(() => readRestAddress(address), 'invalid_request')
  if (!read) return
  assert.ok(address.startsWith('/api/v1'))
  assert.equal(read.path, address, 'the site gets what was judged')
  // No parser makes another address of it: nothing to normalise in the path, and the same parameters.
  const url = new URL(`https://studio.example${address}`)
  assert.equal(url.origin, 'https://studio.example')
  assert.equal(url.pathname, address.split('?', 1)[0])
  assert.deepEqual([...url.searchParams], [...read.query])
  assert.doesNotMatch(url.pathname, /%|\/\/|\/\.+(\/|$)|\\/)
  assert.ok(isPassedOn(read) || read.route !== '')
  for (const reader of [
    parse(url.search.slice(1), '&', '=', { maxKeys: 0 }),
    parse(url.search.slice(1), ';', '=', { maxKeys: 0 }),
  ]) {
    const found = credentials.find((name) => name in reader)
    if (found !== undefined) assert.notEqual(read.foreign, undefined, `${found} is seen`)
  }
}
