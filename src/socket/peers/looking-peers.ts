import type { Ends } from '../../system/connection-table.ts'
import { SharedLook } from '../../waiting/shared-look.ts'
import type { Identified, Peer } from '../peer.ts'
import type { Peers } from '../who-is-calling.ts'
import { type Met, meetWithoutTable } from './met.ts'
import { type Holders, isSamePeer, judgeHolders, type ResolvePath, type TableProcess } from './process-table.ts'

/** What one look at the system tells about the connections with one port of ours. */
export interface Look {
  /** Who holds the other end, by its port; only who is this user. */
  readonly held: ReadonlyMap<number, Holders>
  readonly table: ReadonlyMap<number, TableProcess>
}

/** A system that tells of all processes at once, through a program: everybody who asks meanwhile shares one look. */
export class LookingPeers implements Peers {
  readonly #look: (port: number) => Promise<Look>
  readonly #resolvePath: ResolvePath
  /** By our port. */
  readonly #looks = new Map<number, SharedLook<Look>>()

  constructor(look: (port: number) => Promise<Look>, resolvePath: ResolvePath) {
    this.#look = look
    this.#resolvePath = resolvePath
  }

  meet(ends: Ends): Met {
    return meetWithoutTable(ends)
  }

  async identify({ ends: { localPort, remotePort } }: Met, claimedPid: number): Promise<Identified> {
    if (!localPort || !remotePort) return { kind: 'unknown', because: 'its connection is over' }
    return this.#identify(localPort, remotePort, claimedPid)
  }

  async isStill(peer: Peer): Promise<boolean> {
    const [localPort = 0, remotePort = 0] = peer.socketMark.split(' ').map(Number)
    return isSamePeer(peer, await this.#identify(localPort, remotePort, peer.pid))
  }

  async #identify(localPort: number, remotePort: number, claimedPid: number): Promise<Identified> {
    const shared = this.#looks.get(localPort) ?? new SharedLook(() => this.#look(localPort))
    this.#looks.set(localPort, shared)
    const { held, table } = await shared.ask()
    const holders = held.get(remotePort)
    // What the system does not show may be anybody's.
    if (!holders) return { kind: 'unknown', because: 'no process of this user holds its connection' }
    return judgeHolders({ ...holders, socketMark: `${localPort} ${remotePort}` }, table, claimedPid, this.#resolvePath)
  }
}
