import { SharedLook } from '../../shared-look.ts'
import { isProcess, readAllProcesses, readChildren, readDescriptors, readLink, readOwner, readState } from './procfs.ts'

/** A process that has a socket open, and under which number. */
export interface Holder {
  readonly pid: number
  readonly descriptor: string
}

/** A family by fork of more processes than this is looked for among all there are. */
const mostRelatives = 1_000
/** Of the event loop's time, in one piece. */
const pieceMs = 4
/** Few processes call often; of these it is remembered which descriptor was which socket, to look there first. */
const mostRemembered = 64

/** Which processes hold a socket, by its inode. Only those are found that we may look into. */
export class SocketHolders {
  readonly #hints = new Map<number, Map<string, string>>()
  readonly #everywhere = new SharedLook(() => findEverywhere())

  /**
   * Looks at one process and, if it holds the socket, at those that have it from each other by fork: parents and children. Empty
   * when that process does not hold it. Done at once: 0.1 ms where a process has some dozens of descriptors.
   */
  among(pid: number, inode: number): Holder[] {
    const holders: Holder[] = []
    // A claim may name a thread, whose folder shows what the whole process has open.
    const ahead = isProcess(pid) ? [pid] : []
    const seen = new Set(ahead)
    for (let next = ahead.shift(); next !== undefined; next = ahead.shift()) {
      const descriptor = this.#descriptorOf(next, linkOf(inode))
      if (descriptor === undefined) continue
      holders.push({ pid: next, descriptor })
      if (seen.size > mostRelatives) return []
      const relatives = [readState(next)?.parent ?? 0, ...readChildren(next)]
      for (const relative of relatives) {
        if (relative <= 1 || seen.has(relative)) continue
        seen.add(relative)
        ahead.push(relative)
      }
    }
    return holders
  }

  /** Looks at all processes of this user, once for all who wait. Some 30 µs a process, in pieces that leave the event loop free. */
  async everywhere(inode: number): Promise<Holder[]> {
    return (await this.#everywhere.ask()).get(linkOf(inode)) ?? []
  }

  /** The newest descriptors first: a connection that is asked about is most often new. */
  #descriptorOf(pid: number, link: string): string | undefined {
    const hint = this.#hints.get(pid)?.get(link)
    if (hint !== undefined && readLink(pid, `fd/${hint}`) === link) return hint
    const sockets = new Map<string, string>()
    for (const descriptor of readDescriptors(pid).reverse()) {
      const found = readLink(pid, `fd/${descriptor}`)
      if (found?.startsWith('socket:')) sockets.set(found, descriptor)
      // With few of them the next look is as cheap as a memory.
      if (found === link && sockets.size < mostRemembered) return descriptor
    }
    this.#remember(pid, sockets)
    return sockets.get(link)
  }

  #remember(pid: number, sockets: Map<string, string>): void {
    this.#hints.delete(pid)
    if (sockets.size < mostRemembered) return
    this.#hints.set(pid, sockets)
    const [oldest] = this.#hints.keys()
    if (oldest !== undefined && this.#hints.size > mostRemembered) this.#hints.delete(oldest)
  }
}

/** How a descriptor of the socket looks in `/proc/<pid>/fd`. */
export function linkOf(inode: number): string {
  return `socket:[${inode}]`
}

const ownUid = process.getuid?.() ?? -1

async function findEverywhere(): Promise<Map<string, Holder[]>> {
  const found = new Map<string, Holder[]>()
  let pieceStarted = performance.now()
  for (const pid of readAllProcesses()) {
    if (readOwner(pid) !== ownUid) continue
    for (const descriptor of readDescriptors(pid)) {
      const link = readLink(pid, `fd/${descriptor}`)
      if (link?.startsWith('socket:')) noteOnce(found, link, { pid, descriptor })
      if (performance.now() - pieceStarted < pieceMs) continue
      await new Promise((resolve) => setImmediate(resolve))
      pieceStarted = performance.now()
    }
  }
  return found
}

/** One descriptor a process: it may have several of one socket. */
function noteOnce(found: Map<string, Holder[]>, link: string, holder: Holder): void {
  const holders = found.get(link)
  if (!holders) found.set(link, [holder])
  else if (holders.at(-1)?.pid !== holder.pid) holders.push(holder)
}
