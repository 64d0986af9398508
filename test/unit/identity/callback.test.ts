import { describe, expect, test } from 'vitest'
import { type CallbackRequest, judgeCallback, judgePastedAddress } from '../../../src/identity/callback.ts'
import { Secret } from '../../../src/secrets/secret.ts'

const state = 'aF3_zQ-9sJk2mN5pR8tV1wX4yB7cD0eG6hI3jK9lM2n'
const expected = { host: 'localhost:14285', path: '/callback', state: new Secret(state) }

function request(
  change: Partial<CallbackRequest> & { headers?: Record<string, string | string[]> } = {},
): CallbackRequest {
  return {
    method: change.method ?? 'GET',
    target: change.target ?? `/callback?code=abc&state=${state}`,
    httpVersion: change.httpVersion ?? '1.1',
    headers: { host: 'localhost:14285', ...change.headers },
  }
}

describe('a request to the redirect listener', () => {
  test('with the code and this sign-in’s state is the callback', () => {
    const verdict = judgeCallback(request(), expected)
    expect(verdict.verdict === 'callback' && verdict.parameters.get('code')).toBe('abc')
  })

  test('with an error and this sign-in’s state is the callback too', () => {
    const verdict = judgeCallback(
      request({ target: `/callback?error=access_denied&error_description=no&state=${state}` }),
      expected,
    )
    expect(verdict.verdict).toBe('callback')
  })

  test('from a browser’s navigation is the callback', () => {
    const headers = {
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'sec-fetch-site': 'cross-site',
      cookie: 'a=b',
    }
    expect(judgeCallback(request({ headers }), expected).verdict).toBe('callback')
  })

  const wrongState = `${state.slice(0, -1)}o`
  const refusals: [string, Parameters<typeof request>[0], number][] = [
    ['a POST', { method: 'POST' }, 405],
    ['a HEAD', { method: 'HEAD' }, 405],
    ['an OPTIONS', { method: 'OPTIONS' }, 405],
    ['a lower-case get', { method: 'get' }, 405],
    ['another host name', { headers: { host: 'evil.example:14285' } }, 400],
    ['another port', { headers: { host: 'localhost:14286' } }, 400],
    ['two hosts', { headers: { host: ['localhost:14285', 'localhost:14285'] } }, 400],
    ['no port', { headers: { host: 'localhost' } }, 400],
    ['the literal address', { headers: { host: '127.0.0.1:14285' } }, 400],
    ['the literal IPv6 address', { headers: { host: '[::1]:14285' } }, 400],
    ['an upper-case host', { headers: { host: 'LOCALHOST:14285' } }, 400],
    ['a trailing dot', { headers: { host: 'localhost.:14285' } }, 400],
    ['a body', { headers: { 'content-length': '3' } }, 400],
    ['an empty body', { headers: { 'content-length': '0' } }, 400],
    ['a chunked body', { headers: { 'transfer-encoding': 'chunked' } }, 400],
    ['an Origin', { headers: { origin: 'https://evil.example' } }, 403],
    ['an opaque Origin', { headers: { origin: 'null' } }, 403],
    ['a script’s fetch', { headers: { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'empty' } }, 403],
    ['an image', { headers: { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' } }, 403],
    ['a frame', { headers: { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' } }, 403],
    ['a WebSocket', { headers: { 'sec-fetch-mode': 'websocket' } }, 403],
    ['two modes', { headers: { 'sec-fetch-mode': ['navigate', 'cors'] } }, 403],
    ['HTTP/1.0', { httpVersion: '1.0' }, 400],
    ['an upgrade', { headers: { upgrade: 'h2c' } }, 400],
    ['a long address', { target: `/callback?code=${'x'.repeat(8_200)}&state=${state}` }, 400],
    ['the root', { target: '/' }, 404],
    ['the icon', { target: '/favicon.ico' }, 404],
    ['a longer path', { target: `/callback/?code=abc&state=${state}` }, 404],
    ['a longer name', { target: `/callbackx?code=abc&state=${state}` }, 404],
    ['another case', { target: `/Callback?code=abc&state=${state}` }, 404],
    ['an escaped path', { target: `/%63allback?code=abc&state=${state}` }, 404],
    ['dots in the path', { target: `/x/../callback?code=abc&state=${state}` }, 404],
    ['an absolute address', { target: `http://localhost:14285/callback?code=abc&state=${state}` }, 404],
    ['two slashes', { target: `//callback?code=abc&state=${state}` }, 404],
    ['a fragment as path', { target: `/callback#code=abc&state=${state}` }, 404],
    ['an asterisk', { target: '*' }, 404],
    ['nothing', { target: '' }, 404],
    ['no parameters', { target: '/callback' }, 400],
    ['two question marks', { target: `/callback??state=${state}&code=abc` }, 400],
    ['no state', { target: '/callback?code=abc' }, 400],
    ['an empty state', { target: '/callback?code=abc&state=' }, 400],
    ['another state', { target: `/callback?code=abc&state=${wrongState}` }, 400],
    ['a state with more behind it', { target: `/callback?code=abc&state=${state}x` }, 400],
    ['a state in another case', { target: `/callback?code=abc&state=${state.toLowerCase()}` }, 400],
    ['an error with another state', { target: `/callback?error=access_denied&state=${wrongState}` }, 400],
    ['an error without a state', { target: '/callback?error=access_denied' }, 400],
    ['two states', { target: `/callback?code=abc&state=${state}&state=${wrongState}` }, 400],
    ['the same state twice', { target: `/callback?code=abc&state=${state}&state=${state}` }, 400],
    ['two codes', { target: `/callback?code=abc&code=abd&state=${state}` }, 400],
    ['a repeated escaped name', { target: `/callback?code=abc&%63ode=abd&state=${state}` }, 400],
    ['code and error', { target: `/callback?code=abc&error=access_denied&state=${state}` }, 400],
    ['neither code nor error', { target: `/callback?state=${state}` }, 400],
  ]
  for (const [name, change, status] of refusals) {
    test(`with ${name} is ignored with ${status}`, () => {
      expect(judgeCallback(request(change), expected)).toMatchObject({ verdict: 'ignored', status })
    })
  }

  test('is never refused with a reason that quotes it', () => {
    for (const [, change] of refusals) {
      const verdict = judgeCallback(request(change), expected)
      if (verdict.verdict === 'ignored') expect(verdict.reason).not.toMatch(/abc|evil|x{20}/)
    }
  })
})

describe('a pasted address', () => {
  test('is taken as the browser would have sent it, spaces around it or not', () => {
    const verdict = judgePastedAddress(`  http://localhost:14285/callback?code=abc&state=${state}\n`, expected)
    expect(verdict.verdict === 'callback' && verdict.parameters.get('code')).toBe('abc')
  })

  for (const address of [
    '',
    'abc',
    `https://localhost:14285/callback?code=abc&state=${state}`,
    `http://localhost:14286/callback?code=abc&state=${state}`,
    `http://evil.example/callback?code=abc&state=${state}`,
    `http://user@localhost:14285/callback?code=abc&state=${state}`,
    `http://localhost:14285/other?code=abc&state=${state}`,
    `http://localhost:14285/callback?code=abc&state=${wrong()}`,
    `javascript:alert(1)`,
    'http://localhost:14285/callback?'.padEnd(9_000, 'x'),
  ]) {
    test(`is refused when it is "${address.slice(0, 50)}"`, () => {
      expect(judgePastedAddress(address, expected)).toMatchObject({ verdict: 'ignored', status: 400 })
    })
  }
})

function wrong(): string {
  return 'A'.repeat(state.length)
}
