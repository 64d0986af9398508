import { expect, test } from 'vitest'
import { formatMessage, priorityOf } from '../../../../src/broker/audit/syslog-message.ts'

test('a message is RFC 5424: authpriv, its time in UTC, our name, process and kind, no structured data', () => {
  const message = formatMessage({ severity: 'info', at: Date.UTC(2026, 10, 22, 8, 30), text: '{"login":"zoë"}' })
  expect(message.toString('utf8')).toMatch(
    /^<86>1 2026-11-22T08:30:00\.000Z [\x21-\x7e]+ sg-broker \d+ audit - \{"login":"zoë"\}$/,
  )
})

test('the priority is facility 10 times eight, and the severity', () => {
  const priorities = (['alert', 'warning', 'notice', 'info'] as const).map((severity) =>
    priorityOf({ severity, at: 0, text: '' }),
  )
  expect(priorities).toEqual([81, 84, 85, 86])
})
