import { expect, test } from 'vitest'
import { AgentError } from '../../src/errors.ts'
import { makeLog } from '../../src/log.ts'
import { Secret } from '../../src/secrets/secret.ts'

function logged(write: (log: ReturnType<typeof makeLog>) => void): Record<string, unknown>[] {
  const lines: string[] = []
  write(makeLog('info', { write: (line) => void lines.push(line) }))
  for (const line of lines) expect(line.endsWith('\n')).toBe(true)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('each event is one line of JSON, where the caller wants it', () => {
  const lines = logged((log) => {
    log.info({ site: 'https://studio.example' }, 'signed in\nreally')
    log.debug('not at this level')
    log.warn('careful')
  })
  expect(lines).toMatchObject([
    { level: 'info', site: 'https://studio.example', msg: 'signed in\nreally', time: expect.any(String) },
    { level: 'warn', msg: 'careful' },
  ])
})

test('a secret is blanked by its type and by its name, there too', () => {
  const text = JSON.stringify(
    logged((log) => {
      log.info({ token: new Secret('canary-1'), refreshToken: 'canary-2', answer: { accessToken: 'canary-3' } }, 'x')
      const cause = Object.assign(new Error('refused'), { body: 'canary-4' })
      log.error({ err: new AgentError('identity_rejected', 'no', { cause }) }, 'x')
    }),
  )
  expect(text).not.toContain('canary')
  expect(text).toContain('identity_rejected')
})

test('a header that fetch would not send is not quoted, though fetch quotes it', async () => {
  const cause = await fetch('http://127.0.0.1:1/', { headers: { authorization: 'Bearer canary\n"x' } }).catch(
    (error: unknown) => error,
  )
  expect(String(cause)).toContain('canary')
  const lines = logged((log) => {
    log.warn({ err: new AgentError('site_unreachable', 'no', { cause }) }, 'x')
    log.error({ err: cause }, 'x')
  })
  expect(JSON.stringify(lines)).not.toContain('canary')
  expect(JSON.stringify(lines)).toContain('is an invalid header value')
})
