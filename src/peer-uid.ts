import { readFile } from 'node:fs/promises'
import { isIPv6, type Socket } from 'node:net'

/** Both ends of a TCP connection, seen from our side. */
export type Ends = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>

/** Whether this system tells whose the other end of a loopback connection is. */
export const tellsPeerUid = process.platform === 'linux'

const established = '01'

/**
 * The user at the other end of a connection within this machine, from Linux's connection tables. Undefined when there is no
 * such row any more: a row that is not ESTABLISHED, or without an inode, says uid 0 whoever it was.
 */
export async function uidOfPeer(ends: Ends): Promise<number | undefined> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'latin1').catch(() => '')),
  )
  return findPeer(tables.join('\n'), ends)
}

/** The same from the text of the tables. The peer's own row has our two ends the other way round. */
export function findPeer(
  tables: string,
  { remoteAddress, remotePort, localAddress, localPort }: Ends,
): number | undefined {
  if (!remoteAddress || !remotePort || !localAddress || !localPort) return undefined
  const theirs = new Set(spellings(remoteAddress).map((address) => `${address}:${hexPort(remotePort)}`))
  const ours = new Set(spellings(localAddress).map((address) => `${address}:${hexPort(localPort)}`))
  for (const row of tables.split('\n')) {
    const [, local = '', remote = '', state, , , , uid, , inode] = row.trim().split(/\s+/)
    if (!theirs.has(local) || !ours.has(remote)) continue
    return state === established && inode !== undefined && inode !== '0' ? Number(uid) : undefined
  }
  return undefined
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
