import { closeSync, openSync, readSync } from 'node:fs'
import { isIPv6, type Socket } from 'node:net'
import { SharedLook } from '../waiting/shared-look.ts'

/** Both ends of a TCP connection, seen from our side. */
export type Ends = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>

/** The other end of a connection within this machine, as Linux's connection tables have it. */
export interface PeerRow {
  readonly uid: number
  /** Of the peer's socket: `/proc/<pid>/fd/*` links to `socket:[<inode>]`. Its own as long as the connection lives. */
  readonly inode: number
}

/** Whether this system tells whose the other end of a loopback connection is. */
export const tellsPeerUid = process.platform === 'linux'

/** What stands where in the tables, and how wide an end is there. */
const tables = [
  { file: '/proc/net/tcp', width: '0100007F:37CD'.length },
  { file: '/proc/net/tcp6', width: '00000000000000000000000001000000:37CD'.length },
] as const

const established = '01'

/** The user at the other end of a connection within this machine; undefined as `askPeerRow`. */
export async function uidOfPeer(ends: Ends): Promise<number | undefined> {
  return (await askPeerRow(ends))?.uid
}

/**
 * The peer's row, from a reading of the tables that begins after the call and is shared with all who wait for one. Undefined when
 * the connection is not there any more. Never rejects. Whoever asks must look whether the socket has been closed meanwhile: its
 * ends may be another connection's by now.
 */
export async function askPeerRow(ends: Ends): Promise<PeerRow | undefined> {
  const keys = keysOf(ends)
  if (!keys) return undefined
  // A table is read in pieces, and a row can slip through between two of them when others come and go.
  for (let round = 0; round < 2; round += 1) {
    wanted.push(keys)
    const row = peerRowIn(await reading.ask(), keys)
    if (row) return row
  }
  return undefined
}

/**
 * The peer's own row in the texts of the two tables, which has our two ends the other way round. Undefined when there is no such row any more, or one that says
 * uid 0 whoever it was, being not ESTABLISHED or without an inode; and when our own row is not whole: then this connection is over,
 * and the peer's row is of the next one between the same ends, which nobody has accepted yet.
 */
export function findPeerRow(texts: readonly string[], connection: Ends): PeerRow | undefined {
  const keys = keysOf(connection)
  if (!keys) return undefined
  const found: Rows = new Map()
  const ends = new Set([keys.ours, ...keys.theirs])
  for (const [index, text] of texts.entries()) takeRows(text, tables[index]?.width ?? 0, ends, found)
  return peerRowIn(found, keys)
}

/** How the rows of one connection begin: our end's, and the spellings of the peer's. */
interface Keys {
  readonly ours: string
  readonly theirs: readonly string[]
}

/** From an end and the end opposite to the rest of the row. */
type Rows = Map<string, string>

function keysOf({ remoteAddress, remotePort, localAddress, localPort }: Ends): Keys | undefined {
  if (!remoteAddress || !remotePort || !localAddress || !localPort) return undefined
  const remotes = spellings(remoteAddress).map((address) => `${address}:${hexPort(remotePort)}`)
  const locals = spellings(localAddress).map((address) => `${address}:${hexPort(localPort)}`)
  return { ours: `${locals[0]} ${remotes[0]}`, theirs: remotes.map((remote, index) => `${remote} ${locals[index]}`) }
}

function peerRowIn(rows: Rows, { ours, theirs }: Keys): PeerRow | undefined {
  const their = theirs.map((key) => rows.get(key)).find((row) => row !== undefined)
  const own = rows.get(ours)
  return own !== undefined && their !== undefined && wholeRow(own) ? wholeRow(their) : undefined
}

/** What stands behind the two ends: state, queues, timers, retransmits, uid, timeout, inode. proc(5) */
function wholeRow(row: string): PeerRow | undefined {
  const [state, , , , uid, , inode] = row.trim().split(/\s+/)
  const isWhole = state === established && isNumber(uid) && isNumber(inode) && inode !== '0'
  return isWhole ? { uid: Number(uid), inode: Number(inode) } : undefined
}

/** As the kernel writes 32 bits. Half a row must not be somebody: an empty field would be root. */
function isNumber(field: string | undefined): field is string {
  return field !== undefined && /^(0|[1-9]\d{0,9})$/.test(field)
}

/** Keeps the rows that somebody wants. Takes none apart that nobody does: there may be tens of thousands. */
function takeRows(lines: string, width: number, keys: ReadonlySet<string>, found: Rows): void {
  for (let start = 0, end = 0; start < lines.length; start = end + 1) {
    end = lines.indexOf('\n', start)
    if (end < 0) end = lines.length
    const first = lines.indexOf(': ', start) + 2
    const behind = first + 2 * width + 1
    if (first < 2 || behind > end) continue
    const key = lines.slice(first, behind)
    if (keys.has(key)) found.set(key, lines.slice(behind, end))
  }
}

const wanted: Keys[] = []

const reading = new SharedLook<Rows>(
  async () => {
    const everybody = wanted.splice(0)
    const found: Rows = new Map()
    for (const { file, width } of tables) {
      const missing = everybody.filter((keys) => !isFound(keys, found))
      if (missing.length > 0) await readRows(file, width, missing, found)
    }
    // Whatever had happened to the connection before the reading was over is known to its socket after this turn.
    await new Promise((resolve) => setImmediate(resolve))
    return found
  },
  { restsTimes: 4 },
)

function isFound({ ours, theirs }: Keys, found: Rows): boolean {
  return found.has(ours) && theirs.some((key) => found.has(key))
}

/**
 * The kernel walks through its whole hash to say that there is nothing more, 1.3 ms where it has 262,144 places and nothing is in
 * them; but it stops when what was asked for is full. So little is asked for first, and no more once all is found: 0.6 ms. It gives a
 * page at a time, some 27 rows, out of its own memory: through the thread pool a table of ten thousand rows would be hundreds of turns.
 */
async function readRows(file: string, width: number, missing: readonly Keys[], found: Rows): Promise<void> {
  const keys = new Set(missing.flatMap(({ ours, theirs }) => [ours, ...theirs]))
  const buffer = Buffer.allocUnsafe(4_096)
  let size = 512
  let rest = ''
  const pending = [...missing]
  let pieceStarted = performance.now()
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    for (let last = pending.at(-1); last !== undefined; last = pending.at(-1)) {
      if (isFound(last, found)) {
        pending.pop()
        continue
      }
      if (performance.now() - pieceStarted > pieceMs) {
        await new Promise((resolve) => setImmediate(resolve))
        pieceStarted = performance.now()
      }
      const bytes = readSync(descriptor, buffer, 0, size, null)
      if (bytes === 0) break
      const text = rest + buffer.toString('latin1', 0, bytes)
      const whole = text.lastIndexOf('\n') + 1
      takeRows(text.slice(0, whole), width, keys, found)
      rest = text.slice(whole)
      size = Math.min(size * 2, buffer.length)
    }
  } catch {
    // A system without this table, or one that does not show it: what is not found is not told.
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** Of the event loop's time, in one piece. */
const pieceMs = 2

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
