import { expect, test } from 'vitest'
import { AgentError } from '../../src/errors.ts'
import { makeLog } from '../../src/log.ts'
import { Secret } from '../../src/secret.ts'

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
