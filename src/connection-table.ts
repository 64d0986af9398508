import { readFile } from 'node:fs/promises'
import { isIPv6, type Socket } from 'node:net'

/** Both ends of a TCP connection, seen from our side. */
export type Ends = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>

/** The other end of a connection within this machine, as Linux's connection tables have it. */
export interface PeerRow {
  readonly uid: number
  /** Of the peer's socket: `/proc/<pid>/fd/*` links to `socket:[<inode>]`. */
  readonly inode: number
}

/** Whether this system tells whose the other end of a loopback connection is. */
export const tellsPeerUid = process.platform === 'linux'

const established = '01'

/** The text of Linux's connection tables, IPv4 and IPv6, as they are after the call; empty where there are none. */
export async function readConnectionTables(): Promise<string> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'latin1').catch(() => '')),
  )
  return tables.join('\n')
}

/** The user at the other end of a connection within this machine; undefined as `findPeerRow`. */
export async function uidOfPeer(ends: Ends): Promise<number | undefined> {
  return findPeerRow(await readConnectionTables(), ends)?.uid
}

/**
 * The peer's own row, which has our two ends the other way round. Undefined when there is no such row any more: a row that is
 * not ESTABLISHED, or without an inode, says uid 0 whoever it was.
 */
export function findPeerRow(
  tables: string,
  { remoteAddress, remotePort, localAddress, localPort }: Ends,
): PeerRow | undefined {
  if (!remoteAddress || !remotePort || !localAddress || !localPort) return undefined
  const theirs = spellings(remoteAddress).map((address) => `${address}:${hexPort(remotePort)}`)
  const ours = spellings(localAddress).map((address) => `${address}:${hexPort(localPort)}`)
  for (const [index, their] of theirs.entries()) {
    // Found as text: with thousands of connections, taking every row apart costs milliseconds.
    const at = tables.indexOf(` ${their} ${ours[index]} `)
    if (at < 0) continue
    const [, , state, , , , uid, , inode] = tables
      .slice(at, tables.indexOf('\n', at) + 1 || undefined)
      .trim()
      .split(/\s+/)
    const isWhole = state === established && isNumber(uid) && isNumber(inode) && inode !== '0'
    return isWhole ? { uid: Number(uid), inode: Number(inode) } : undefined
  }
  return undefined
}

/** As the kernel writes 32 bits. Half a row must not be somebody: an empty field would be root. */
function isNumber(field: string | undefined): field is string {
  return field !== undefined && /^(0|[1-9]\d{0,9})$/.test(field)
}

/** An address as the tables spell it: 32-bit words in the machine's byte order; an IPv4 one as itself and mapped. */
function spellings(address: string): string[] {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '')
  if (!isIPv6(plain)) {
    const word = littleEndian(plain.split('.').map(Number))
    return [word, `0000000000000000FFFF0000${word}`]
  }
  // Only loopback is ever asked about.
  return plain === '::1' ? ['00000000000000000000000001000000'] : []
}

function littleEndian(bytes: number[]): string {
  return bytes
    .toReversed()
    .map((byte) => byte.toString(16).padStart(2, '0').toUpperCase())
    .join('')
}

function hexPort(port: number): string {
  return port.toString(16).padStart(4, '0').toUpperCase()
}
