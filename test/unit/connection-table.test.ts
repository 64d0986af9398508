import { describe, expect, test } from 'vitest'
import { findPeerRow } from '../../src/connection-table.ts'

const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
const row = (local: string, remote: string, state = '01', uid = 1001, inode = 12345): string =>
  `   7: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0000000000000000 20 4 30 10 -1`

// 127.0.0.1:14285 is ours, 127.0.0.1:50000 the peer's.
const ends = { localAddress: '127.0.0.1', localPort: 14285, remoteAddress: '127.0.0.1', remotePort: 50000 }
const ours = '0100007F:37CD'
const theirs = '0100007F:C350'

describe('whose the other end of a connection is', () => {
  test('stands in the row that has our ends the other way round', () => {
    const tables = [header, row(ours, theirs, '01', 7), row(theirs, ours, '01', 1001)].join('\n')
    expect(findPeerRow(tables, ends)).toEqual({ uid: 1001, inode: 12345 })
  })

  test('stands in the IPv6 table for a browser that speaks IPv4 through an IPv6 socket', () => {
    const mapped = (end: string): string => `0000000000000000FFFF0000${end}`
    expect(findPeerRow([header, row(mapped(theirs), mapped(ours), '01', 1002)].join('\n'), ends)).toEqual({
      uid: 1002,
      inode: 12345,
    })
  })

  test('stands there for ::1 too', () => {
    const loopback = '00000000000000000000000001000000'
    const six = { ...ends, localAddress: '::1', remoteAddress: '::1' }
    expect(findPeerRow(row(`${loopback}:C350`, `${loopback}:37CD`, '01', 1003), six)).toEqual({
      uid: 1003,
      inode: 12345,
    })
  })

  test.each([
    ['no row', header],
    ['only our own row', row(ours, theirs)],
    ['a row of another port', row('0100007F:C351', ours)],
    ['a row of another address', row('0200007F:C350', ours)],
    ['a closed connection, whose uid is 0 for everybody', row(theirs, ours, '06', 0, 0)],
    ['a connection without an inode', row(theirs, ours, '01', 0, 0)],
    ['a row that breaks off before its inode', row(theirs, ours).split('12345')[0] ?? ''],
    ['a row whose user is no number', row(theirs, ours).replace('1001', '0x3e9')],
    ['a row whose user is below nobody', row(theirs, ours, '01', -1)],
    ['a row whose inode is nought in other spelling', row(theirs, ours).replace('12345', '00000')],
    ['nothing', ''],
  ])('is unknown with %s', (_name, tables) => expect(findPeerRow(tables, ends)).toBeUndefined())

  test('is unknown for a socket that is gone', () => {
    expect(findPeerRow(row(theirs, ours), { ...ends, remoteAddress: undefined, remotePort: undefined })).toBeUndefined()
  })
})
