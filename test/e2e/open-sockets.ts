import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Where other programs could reach a process: sockets that wait for connections or datagrams. Linux, proc(5). */
export interface SocketWatch {
  /** All seen since the watch began: `tcp 127.0.0.1:4711`, `udp …`, `unix /path`. */
  seen(): string[]
  /** Those of now. */
  now(): string[]
  stop(): void
}

/** Looks at a process and all that it has started, many times a second, from now on. */
export function watchSockets(pid: number): SocketWatch {
  const seen = new Set<string>()
  const look = (): string[] => {
    const found = openSockets(pid)
    for (const socket of found) seen.add(socket)
    return found
  }
  const timer = setInterval(look, 20)
  return { seen: () => [...seen].sort(), now: look, stop: () => clearInterval(timer) }
}

/** Whether only programs of this machine can reach it. */
export function isLocal(socket: string): boolean {
  return /^(unix |(tcp|udp) (127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+):)/.test(socket)
}

function openSockets(pid: number): string[] {
  const inodes = new Set(familyOf(pid).flatMap(inodesOf))
  return ['tcp', 'tcp6', 'udp', 'udp6']
    .flatMap((table) =>
      rowsOf(pid, table).flatMap(([, local = '', remote = '', state = '', , , , , , inode = '']) => {
        const waits = table.startsWith('tcp') ? state === '0A' : /^0+:0000$/.test(remote)
        return waits && inodes.has(inode) ? [`${table.slice(0, 3)} ${spell(local)}`] : []
      }),
    )
    .concat(
      rowsOf(pid, 'unix').flatMap(([, , , flags = '', , , inode = '', path = '']) =>
        (Number.parseInt(flags, 16) & acceptsConnections) !== 0 && inodes.has(inode) ? [`unix ${path}`] : [],
      ),
    )
    .sort()
}

/** `__SO_ACCEPTCON` of the kernel. */
const acceptsConnections = 0x10000

function familyOf(pid: number): number[] {
  const children = namesIn(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      return readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number)
    } catch {
      return []
    }
  })
  return [pid, ...children.flatMap(familyOf)]
}

function inodesOf(pid: number): string[] {
  return namesIn(`/proc/${pid}/fd`).flatMap((descriptor) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1] ?? []
    } catch {
      return []
    }
  })
}

function rowsOf(pid: number, table: string): string[][] {
  try {
    const [, ...rows] = readFileSync(`/proc/${pid}/net/${table}`, 'latin1').split('\n')
    return rows.filter(Boolean).map((row) => row.trim().split(/\s+/))
  } catch {
    return []
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** As people write an address: 32-bit words in the machine's byte order. */
function spell(end: string): string {
  const [hex = '', port = ''] = end.split(':')
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse())
  const number = Number.parseInt(port, 16)
  const dotted = (from: number): string =>
    bytes
      .slice(from)
      .map((byte) => Number.parseInt(byte, 16))
      .join('.')
  if (bytes.length === 4) return `${dotted(0)}:${number}`
  const text = bytes.join('')
  if (/^0{31}1$/.test(text)) return `::1:${number}`
  if (/^0{20}FFFF/i.test(text)) return `::ffff:${dotted(12)}:${number}`
  return `${text}:${number}`
}
