import type { Ends } from '../connection-table.ts'
import type { Identified, Peer } from './peer.ts'
import { LinuxPeers } from './peers/linux.ts'

/** What an operating system tells about the other end of a loopback connection. */
export interface Peers {
  /**
   * Who holds the other end now. `claimedPid`: what the caller says its number is; where to look first, never what to believe.
   * Never rejects: what cannot be found out is `unknown`.
   */
  identify(ends: Ends, claimedPid: number): Promise<Identified>
  /** Whether that same process still runs the same program and holds the same connection. Never rejects. */
  isStill(peer: Peer): Promise<boolean>
}

/** This system's way of telling who is calling. */
export function systemPeers(platform: NodeJS.Platform = process.platform): Peers {
  return platform === 'linux' ? new LinuxPeers() : noPeers
}

/** A system that nobody has taught us to ask. */
const noPeers: Peers = {
  async identify() {
    return { kind: 'unknown', because: 'this system does not tell who is calling' }
  },
  async isStill() {
    return false
  },
}
