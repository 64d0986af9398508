import { expect, test } from 'vitest'
import { judgeReply } from '../../../src/socket/messages.ts'

test('a code that only a newer agent knows is an error with that agent’s words, not a broken connection', () => {
  const reply = judgeReply({
    jsonrpc: '2.0',
    id: 1,
    error: { code: -32099, message: 'the moon is full', data: { code: 'moon_is_full', advice: 'Wait.' } },
  })
  expect(reply).toMatchObject({ kind: 'error', error: { code: 'internal_error', message: 'the moon is full' } })
})
