import assert from 'node:assert/strict'
import { parse } from 'node:querystring'
import { judgeCallback, judgePastedAddress } from '../../../src/identity/callback.ts'
import { Secret } from '../../../src/secrets/secret.ts'
import { linesOf, textOf } from '../input.ts'

const state = 'aF3_zQ-9sJk2mN5pR8tV1wX4yB7cD0eG6hI3jK9lM2n'
const expected = { host: 'localhost:14285', path: '/callback', state: new Secret(state) }

export const seeds = [
  `GET\n/callback?code=abc&state=${state}\nhost: localhost:14285\nsec-fetch-mode: navigate\nsec-fetch-dest: document`,
  `GET\n/callback?error=access_denied&error_description=n%20o+&state=${state}\nhost: localhost:14285`,
  `POST\n/callback?code=abc&%63ode=d&state=${state}\nhost: evil.example\norigin: null\ncontent-length: 0`,
  `http://localhost:14285/callback?code=abc&state=${state}`,
  `GET\n/callback??code=abc&state=${state}&code=d\nhost: localhost:14285`,
  `GET\n/callback??state=${state}&code=abc\nhost: localhost:14285`,
  ` HTTP://user@LOCALHOST:14285/x/../callback?state=${state}&code=abc#f`,
]

/** A request as method, target, headers; and the whole text as what somebody pasted. */
export function fuzz(data: Uint8Array): void {
  const text = textOf(data)
  const [method = '', target = '', rest = ''] = linesOf(text, 2)
  const headers = Object.fromEntries(
    rest.split('\n').map((line) => [line.split(': ')[0]?.toLowerCase() ?? '', line.split(': ').slice(1).join(': ')]),
  )
  const asked = judgeCallback({ method, target, httpVersion: '1.1', headers }, expected)
  if (asked.verdict === 'callback') {
    assert.equal(method, 'GET')
    assert.ok(target.startsWith('/callback?') && target.length <= 8_192)
    assert.equal(headers['host'], expected.host)
    for (const name of ['origin', 'content-length', 'transfer-encoding']) assert.ok(!(name in headers), name)
    demandOneReading(target.slice('/callback?'.length), asked.parameters)
  } else assert.doesNotMatch(asked.reason, /abc|evil/)
  const pasted = judgePastedAddress(text, expected)
  if (pasted.verdict === 'callback') {
    const url = new URL(text.trim())
    assert.equal(`${url.protocol}//${url.host}${url.pathname}`, 'http://localhost:14285/callback')
    demandOneReading(url.search.slice(1), pasted.parameters)
  }
}

/** What another parser sees too, and what stays when the address is made of it that is judged next. */
function demandOneReading(query: string, parameters: URLSearchParams): void {
  const other = parse(query, undefined, undefined, { maxKeys: 0 })
  assert.equal(other['state'], state)
  assert.equal(parameters.get('state'), state)
  assert.equal([other['code'], other['error']].filter((value) => typeof value === 'string').length, 1)
  assert.ok(Object.values(other).every((value) => typeof value === 'string'))
  const made = new URL(`http://localhost:14285/callback?${parameters.toString()}`)
  assert.deepEqual([...made.searchParams], [...parameters])
}
