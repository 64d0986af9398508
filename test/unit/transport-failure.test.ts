import { describe, expect, test } from 'vitest'
import { transportReason } from '../../src/transport-failure.ts'

describe('the reason of a failed request', () => {
  test('is the code at the end of the chain', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    expect(transportReason(new TypeError('fetch failed', { cause: refused }))).toBe('ECONNREFUSED')
  })

  test('is Chromium’s code in the app', () => {
    expect(transportReason(new Error('net::ERR_NAME_NOT_RESOLVED'))).toBe('net::ERR_NAME_NOT_RESOLVED')
  })

  test('says when there was no answer in time', async () => {
    const signal = AbortSignal.timeout(1)
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    expect(transportReason(signal.reason)).toBe('no answer in time')
  })

  test('quotes neither a header nor a body', async () => {
    const header = await fetch('http://127.0.0.1:1', { headers: { authorization: 'Bearer secret\nvalue' } }).catch(
      (e) => e,
    )
    const body = await new Response('secret').json().catch((e) => e)
    for (const error of [header, body]) {
      expect(String(error)).toContain('secret')
      expect(transportReason(error)).toBe('no usable answer')
    }
  })
})
