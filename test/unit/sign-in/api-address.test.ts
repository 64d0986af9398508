import { describe, expect, test } from 'vitest'
import { judgeApiUrl } from '../../../src/sign-in/api-address.ts'

const site = 'https://studio.example'
const issuer = 'https://broker.example'
const listed = [
  'https://gateway.example',
  'http://127.0.0.1:8443',
  'http://gateway.example',
  'https://broker.example/x',
]
const metadata = { issuer, gateway_urls_supported: listed }

describe('where a session is good', () => {
  test.each([
    ['the site, when nothing is said', undefined, site],
    ['the site', site, site],
    ['the broker', issuer, issuer],
    ['a gateway the broker lists', 'https://gateway.example', 'https://gateway.example'],
    ['one on this machine', 'http://127.0.0.1:8443', 'http://127.0.0.1:8443'],
  ])('is %s', (_what, said, expected) => {
    expect(judgeApiUrl({ site, api_url: said }, metadata)).toBe(expected)
  })

  test.each([
    ['one nobody lists', 'https://evil.example'],
    ['one listed in clear', 'http://gateway.example'],
    ['one listed with a path', 'https://broker.example/x'],
    ['the site with a path', 'https://studio.example/x'],
    ['the site in clear', 'http://studio.example'],
    ['the site with a user', 'https://evil@studio.example'],
    ['the site with a slash', 'https://studio.example/'],
    ['one that begins like a listed one', 'https://gateway.example.evil.example'],
    ['one listed, with another port', 'https://gateway.example:8443'],
    ['a scheme of its own', 'javascript:alert(1)'],
  ])('is never %s', (_what, said) => {
    expect(() => judgeApiUrl({ site, api_url: said }, metadata)).toThrow(
      expect.objectContaining({ code: 'broker_unreachable', message: expect.stringContaining(`"${said}"`) }),
    )
  })

  test('is never a gateway when an older broker lists none', () => {
    expect(() => judgeApiUrl({ site, api_url: 'https://gateway.example' }, { issuer })).toThrow()
  })
})
