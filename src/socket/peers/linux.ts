import { readdir, readFile, readlink } from 'node:fs/promises'
import { type Ends, findPeerRow, readConnectionTables } from '../../connection-table.ts'
import type { Identified, Peer, Program } from '../peer.ts'
import type { Peers } from '../who-is-calling.ts'

const mostParents = 8

/** Linux: the connection's row names user and inode; the process is the one that has the inode open. proc(5). */
export class LinuxPeers implements Peers {
  async identify(ends: Ends, claimedPid: number): Promise<Identified> {
    const row = findPeerRow(await readConnectionTables(), ends)
    if (!row) return { kind: 'unknown', because: 'its connection is not in the system’s table' }
    const { uid, inode } = row
    const socket = `socket:[${inode}]`
    for (const pid of [claimedPid, ...(await allPids())]) {
      const fd = await descriptorOf(pid, socket)
      if (fd === undefined) continue
      const program = await programOf(pid)
      if (!program) break
      const parents = await parentsOf(pid)
      return { kind: 'known', peer: { ...program, uid, pids: [pid], parents, socketMark: `${fd} ${socket}` } }
    }
    return { kind: 'unknown', uid, because: 'no process that can be looked into holds its connection' }
  }

  async isStill(peer: Peer): Promise<boolean> {
    const [fd = '', ...socket] = peer.socketMark.split(' ')
    const [link, program] = await Promise.all([
      readlink(`/proc/${peer.pid}/fd/${fd}`).catch(() => ''),
      programOf(peer.pid),
    ])
    return link === socket.join(' ') && program?.startMark === peer.startMark && program.executable === peer.executable
  }
}

async function allPids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
}

async function descriptorOf(pid: number, socket: string): Promise<string | undefined> {
  const folder = `/proc/${pid}/fd`
  for (const fd of await readdir(folder).catch(() => [])) {
    if ((await readlink(`${folder}/${fd}`).catch(() => '')) === socket) return fd
  }
  return undefined
}

async function programOf(pid: number): Promise<Program | undefined> {
  const [executable, stat] = await Promise.all([
    readlink(`/proc/${pid}/exe`).catch(() => undefined),
    readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined),
  ])
  if (executable === undefined || stat === undefined || executable.endsWith(' (deleted)')) return undefined
  return { pid, executable, startMark: fieldsOf(stat)[19] ?? '' }
}

async function parentsOf(pid: number): Promise<Program[]> {
  const parents: Program[] = []
  let child = pid
  while (parents.length < mostParents) {
    const stat = await readFile(`/proc/${child}/stat`, 'latin1').catch(() => '')
    child = Number(fieldsOf(stat)[1] ?? 0)
    const program = child > 1 ? await programOf(child) : undefined
    if (!program) break
    parents.push(program)
  }
  return parents
}

/** From `state` on: what stands before is the name in parentheses, which may hold anything. */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}
