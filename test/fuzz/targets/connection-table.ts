import assert from 'node:assert/strict'
import { findPeerRow } from '../../../src/system/connection-table.ts'
import { textOf } from '../input.ts'

const row = (local: string, remote: string, state = '01', uid = '1001', inode = '12345'): string =>
  `   7: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0000000000000000 20 4 30 10 -1\n`
const ours = '0100007F:37CD'
const theirs = '0100007F:C350'
const loopback = '00000000000000000000000001000000'

const own = row(ours, theirs)

export const seeds = [
  own + row(theirs, ours),
  own + row(theirs, ours, '06', '0', '0') + row(theirs, ours),
  row(`0000000000000000FFFF0000${ours}`, `0000000000000000FFFF0000${theirs}`) +
    row(`0000000000000000FFFF0000${theirs}`, `0000000000000000FFFF0000${ours}`),
  row(`${loopback}:37CD`, `${loopback}:C350`) + row(`${loopback}:C350`, `${loopback}:37CD`),
  own + row(theirs, ours).slice(0, 60),
  own + row(theirs, ours, '01', 'x', '-1'),
]

const port = { localPort: 14285, remotePort: 50000 }

export function fuzz(data: Uint8Array): void {
  const tables = textOf(data)
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
    const found = findPeerRow([tables, tables], { ...port, localAddress: address, remoteAddress: address })
    if (!found) continue
    // Whoever is nobody must not turn out to be somebody: not NaN, not root by an empty field.
    for (const number of [found.uid, found.inode]) assert.ok(Number.isSafeInteger(number) && number >= 0)
    assert.ok(found.inode > 0)
    assert.ok(tables.includes(String(found.uid)), 'the user is one that the table names')
  }
}
