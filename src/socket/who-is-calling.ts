import type { Ends } from '../system/connection-table.ts'
import type { Identified, Peer } from './peer.ts'
import { LinuxPeers } from './peers/linux.ts'
import { macPeers } from './peers/macos.ts'
import { type Met, meetWithoutTable } from './peers/met.ts'
import { windowsPeers } from './peers/windows.ts'

/** What an operating system tells about the other end of a loopback connection. */
export interface Peers {
  /**
   * Begins to find out whose a connection is, in the moment it is accepted. The answer is about the connection that has these ends
   * then: whoever asks must look whether the socket has been closed meanwhile.
   */
  meet(ends: Ends): Met
  /**
   * Who holds the other end now. `claimedPid`: what the caller says its number is; where to look first, never what to believe.
   * Never rejects: what cannot be found out is `unknown`.
   */
  identify(met: Met, claimedPid: number): Promise<Identified>
  /** Whether the same processes still run the same program and hold the same connection. Never rejects. */
  isStill(peer: Peer): Promise<boolean>
}

/** This system's way of telling who is calling. */
export function systemPeers(platform: NodeJS.Platform = process.platform): Peers {
  switch (platform) {
    case 'linux':
      return new LinuxPeers()
    case 'darwin':
      return macPeers()
    case 'win32':
      return windowsPeers()
    default:
      return noPeers
  }
}

/** A system that nobody has taught us to ask. */
const noPeers: Peers = {
  meet: meetWithoutTable,
  async identify() {
    return { kind: 'unknown', because: 'this system does not tell who is calling' }
  },
  async isStill() {
    return false
  },
}
