import { uptime } from 'node:os'
import { SharedLook } from '../../waiting/shared-look.ts'
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
/** A process that had been running for so long before the connection came has not inherited it. */
const inheritsWithinS = 60
const ticksPerSecond = 100
/** What is remembered of processes that have many descriptors, each of which costs 3 µs to look at. */
const manyDescriptors = 64
const mostRemembered = 64

/** The sockets that a process had open, as they were after `at`; ms of `performance.now()`. */
interface Listing {
  readonly at: number
  /** Tells it from a later process with the same number. */
  readonly startTicks: string
  readonly sockets: ReadonlyMap<string, string>
}

/** Which processes hold a socket, by its inode. Only those are found that we may look into. */
export class SocketHolders {
  readonly #listings = new Map<number, Listing>()
  readonly #everywhere = new SharedLook(() => findEverywhere())
  #line: Promise<unknown> = Promise.resolve()
  #pieceStarted = 0

  /**
   * Looks at one process and, if it holds the socket, at those that have it from each other by fork: parents and children. Empty
   * when that process does not hold it. 0.1 ms where a process has some dozens of descriptors; many who ask at once take turns, so that
   * the event loop stays free. `cameAt`: when the connection came, ms of `performance.now()`.
   */
  among(pid: number, inode: number, cameAt: number): Promise<Holder[]> {
    const looked = this.#line.then(async () => {
      if (performance.now() - this.#pieceStarted > pieceMs) {
        await new Promise((resolve) => setImmediate(resolve))
        this.#pieceStarted = performance.now()
      }
      return this.#lookAmong(pid, inode, cameAt)
    })
    this.#line = looked.catch(() => undefined)
    return looked
  }

  /** Looks at all processes of this user, once for all who wait. Some 30 µs a process, in pieces that leave the event loop free. */
  async everywhere(inode: number): Promise<Holder[]> {
    return (await this.#everywhere.ask()).get(linkOf(inode)) ?? []
  }

  #lookAmong(pid: number, inode: number, cameAt: number): Holder[] {
    const holders: Holder[] = []
    const cameAtS = uptime() - (performance.now() - cameAt) / 1000
    // A claim may name a thread, whose folder shows what the whole process has open.
    const ahead = isProcess(pid) ? [pid] : []
    const seen = new Set(ahead)
    for (let next = ahead.shift(); next !== undefined; next = ahead.shift()) {
      const descriptor = this.#descriptorOf(next, linkOf(inode), cameAt)
      if (descriptor === undefined) continue
      holders.push({ pid: next, descriptor })
      if (seen.size > mostRelatives) return []
      const { parent = 0, startTicks = '0' } = readState(next) ?? {}
      const mayInherit = Number(startTicks) / ticksPerSecond > cameAtS - inheritsWithinS
      for (const relative of [...(mayInherit ? [parent] : []), ...readChildren(next)]) {
        if (relative <= 1 || seen.has(relative)) continue
        seen.add(relative)
        ahead.push(relative)
      }
    }
    return holders
  }

  /** The newest descriptors first: a connection that is asked about is most often new. */
  #descriptorOf(pid: number, link: string, cameAt: number): string | undefined {
    const startTicks = readState(pid)?.startTicks
    if (startTicks === undefined) return undefined
    const listing = this.#listings.get(pid)
    const known = listing?.startTicks === startTicks ? listing : undefined
    const hint = known?.sockets.get(link)
    if (hint !== undefined && readLink(pid, `fd/${hint}`) === link) return hint
    // What it did not have after the connection had come it has not by fork.
    if (known && known.at > cameAt) return undefined
    const at = performance.now()
    const sockets = new Map<string, string>()
    const descriptors = readDescriptors(pid).reverse()
    for (const descriptor of descriptors) {
      const found = readLink(pid, `fd/${descriptor}`)
      if (found?.startsWith('socket:')) sockets.set(found, descriptor)
      if (found === link && descriptors.length < manyDescriptors) return descriptor
    }
    if (descriptors.length >= manyDescriptors) this.#remember(pid, { at, startTicks, sockets })
    return sockets.get(link)
  }

  #remember(pid: number, listing: Listing): void {
    this.#listings.delete(pid)
    this.#listings.set(pid, listing)
    const [oldest] = this.#listings.keys()
    if (oldest !== undefined && this.#listings.size > mostRemembered) this.#listings.delete(oldest)
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
