import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { askPeerRow, findPeerRow } from '../../../src/system/connection-table.ts'

const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
const row = (local: string, remote: string, state = '01', uid = 1001, inode = 12345): string =>
  `   7: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0000000000000000 20 4 30 10 -1`
const table = (...rows: string[]): string => `${[header, ...rows].join('\n')}\n`

// 127.0.0.1:14285 is ours, 127.0.0.1:50000 the peer's.
const ends = { localAddress: '127.0.0.1', localPort: 14285, remoteAddress: '127.0.0.1', remotePort: 50000 }
const ours = '0100007F:37CD'
const theirs = '0100007F:C350'
const own = row(ours, theirs, '01', 7, 700)

describe('whose the other end of a connection is', () => {
  test('stands in the row that has our ends the other way round', () => {
    expect(findPeerRow([table(own, row(theirs, ours, '01', 1001)), header], ends)).toEqual({ uid: 1001, inode: 12345 })
  })

  test('stands in the IPv6 table for a program that speaks IPv4 through an IPv6 socket', () => {
    const mapped = (end: string): string => `0000000000000000FFFF0000${end}`
    const six = table(row(mapped(theirs), mapped(ours), '01', 1002))
    expect(findPeerRow([table(own), six], ends)).toEqual({ uid: 1002, inode: 12345 })
  })

  test('stands there for ::1 too', () => {
    const loopback = '00000000000000000000000001000000'
    const six = { ...ends, localAddress: '::1', remoteAddress: '::1' }
    const rows = table(
      row(`${loopback}:37CD`, `${loopback}:C350`, '01', 7, 700),
      row(`${loopback}:C350`, `${loopback}:37CD`, '01', 1003),
    )
    expect(findPeerRow(['', rows], six)).toEqual({ uid: 1003, inode: 12345 })
  })

  test('is found among ten thousand rows, whose numbers are wider', () => {
    const others = Array.from({ length: 10_500 }, (_, index) =>
      row(`0100007F:${index.toString(16).toUpperCase().padStart(4, '0')}`, '0100007F:0001').replace('7:', `${index}:`),
    )
    const mine = row(theirs, ours, '01', 1004).replace('   7:', '10501:')
    expect(findPeerRow([table(...others, own, mine), ''], ends)).toEqual({ uid: 1004, inode: 12345 })
  })

  test.each([
    ['no row', table()],
    ['only our own row', table(own)],
    ['a row of another port', table(own, row('0100007F:C351', ours))],
    ['a row of another address', table(own, row('0200007F:C350', ours))],
    ['a closed connection, whose uid is 0 for everybody', table(own, row(theirs, ours, '06', 0, 0))],
    ['a connection that its process left behind', table(own, row(theirs, ours, '01', 0, 0))],
    ['one that is being closed', table(own, row(theirs, ours, '04', 1001))],
    ['the end of a row', table(own, row(theirs, ours).slice(0, 40))],
    ['rows of something else', table('x: y', `   7: ${theirs}`, ':', '')],
    ['a row that breaks off before its inode', table(own, row(theirs, ours).split('12345')[0] ?? '')],
    ['a row whose user is no number', table(own, row(theirs, ours).replace('1001', '0x3e9'))],
    ['a row whose user is below nobody', table(own, row(theirs, ours, '01', -1))],
    [
      'a row whose inode is nought in another spelling',
      table(own, row(theirs, ours, '01', 1001).replace('12345', '00000')),
    ],
    ['nothing', ''],
  ])('is unknown with %s', (_name, text) => expect(findPeerRow([text, header], ends)).toBeUndefined())

  test.each([
    ['is gone', table(row(theirs, ours))],
    [
      'was never accepted: the next connection between the same ends',
      table(row(ours, theirs, '01', 0, 0), row(theirs, ours)),
    ],
    ['is half closed', table(row(ours, theirs, '08', 7, 700), row(theirs, ours))],
  ])('is unknown when our own end %s', (_name, text) => expect(findPeerRow([text, ''], ends)).toBeUndefined())

  test('is unknown for a socket that is gone', () => {
    const gone = { ...ends, remoteAddress: undefined, remotePort: undefined }
    expect(findPeerRow([table(own, row(theirs, ours)), ''], gone)).toBeUndefined()
  })
})

describe.runIf(process.platform === 'linux')('this system', () => {
  const open = async (): Promise<{ inside: Socket; outside: Socket; close: () => void }> => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
    const outside = connect(port, '127.0.0.1')
    const inside = await accepted
    inside.on('error', () => undefined)
    return {
      inside,
      outside,
      close: () => {
        outside.destroy()
        inside.destroy()
        server.close()
      },
    }
  }

  test('tells each of many who ask at once of their own connection, as its tables do', async () => {
    const lines = await Promise.all(Array.from({ length: 100 }, open))
    const rows = await Promise.all(lines.map(({ inside }) => askPeerRow(inside)))
    expect(new Set(rows.map((one) => one?.uid))).toEqual(new Set([process.getuid?.()]))
    expect(new Set(rows.map((one) => one?.inode)).size).toBe(100)
    const texts = ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFileSync(file, 'latin1'))
    expect(lines.map(({ inside }) => findPeerRow(texts, inside))).toEqual(rows)
    for (const line of lines) line.close()
  })

  test('tells nothing of a connection whose other end has gone, also to one who asks with somebody whose is there', async () => {
    const [gone, there] = await Promise.all([open(), open()])
    gone.outside.destroy()
    await new Promise((resolve) => gone.inside.once('end', resolve).resume())
    const [first, second] = await Promise.all([askPeerRow(gone.inside), askPeerRow(there.inside)])
    expect(first).toBeUndefined()
    expect(second?.uid).toBe(process.getuid?.())
    gone.close()
    there.close()
  })
})
