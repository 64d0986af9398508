import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { type PageName, page, pageHeaders } from '../../../src/identity/callback-page.ts'

const names: PageName[] = ['signed_in', 'failed', 'working', 'used', 'not_this']

test('a page loads nothing, and only its own style and script may run', () => {
  const policy = pageHeaders['content-security-policy'] ?? ''
  expect(policy).toMatch(/^default-src 'none';/)
  expect(policy).not.toMatch(/unsafe|https?:|\*/)
  for (const name of names) {
    const html = page(name).toString('utf8')
    expect(html).not.toMatch(/\b(src|href|action)=|https?:|@import|url\(/)
    for (const [, text = ''] of html.matchAll(/<(?:style|script)>([\s\S]*?)<\/(?:style|script)>/g)) {
      expect(policy).toContain(`'sha256-${createHash('sha256').update(text).digest('base64')}'`)
    }
  }
})

test('a page is never kept and tells nobody where it came from', () => {
  expect(pageHeaders).toMatchObject({
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    connection: 'close',
    'content-type': 'text/html; charset=utf-8',
  })
})
