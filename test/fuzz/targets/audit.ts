import assert from 'node:assert/strict'
import { contentOf } from '../../../src/broker/audit/audit-entry.ts'
import { chainStart, faultOf, linkRow } from '../../../src/broker/audit/chain.ts'
import { judgeLine, lineOf } from '../../../src/broker/audit/export.ts'
import { formatMessage } from '../../../src/broker/audit/syslog-message.ts'
import { anyTextOf, linesOf } from '../input.ts'

const row = linkRow(
  chainStart,
  contentOf({ event: 'exchange', actor: 'a', outcome: 'issued', detail: 'd' }, 1_795_000_000_000),
)

export const seeds = ['ada\nwho\u202e\0 said\nhttps://studio.example', `${'x'.repeat(2_001)}😀\n\ud83d`, lineOf(row)]

/** What a row says of names and sentences from outside; and the whole as a line of an export that somebody verifies. */
export function fuzz(data: Uint8Array): void {
  const text = anyTextOf(data)
  const [login = '', detail = '', site = ''] = linesOf(text, 3)
  const content = contentOf(
    { event: 'exchange', actor: 'agent', outcome: 'issued', detail, login, site },
    1_795_000_000_000,
  )
  assert.deepEqual(
    contentOf(
      {
        event: 'exchange',
        actor: 'agent',
        outcome: 'issued',
        detail: content.detail,
        login: content.login ?? '',
        site: content.site ?? '',
      },
      content.at,
    ),
    content,
    'what is storable stays as it is',
  )
  const linked = linkRow(chainStart, content)
  const line = lineOf(linked)
  assert.deepEqual(judgeLine(line), linked, 'a row says the same as a line')
  assert.equal(faultOf(judgeLine(Buffer.from(line).toString()) ?? linked, chainStart), undefined, 'and its hash holds')
  assert.doesNotMatch(formatMessage({ severity: 'info', at: content.at, text: line }).toString('latin1'), /[\0\r\n]/)
  const read = judgeLine(text)
  if (read) assert.deepEqual(judgeLine(lineOf(read)), read)
}
