import type { CallingTool } from '../../../src/socket/gate.ts'
import type { Peer } from '../../../src/socket/peer.ts'

/** A program as the socket describes it. */
export function programAt(executable: string, more: Partial<Peer> & { readonly client?: string } = {}): CallingTool {
  const { client = 'maya', pid = 4711, ...peer } = more
  return {
    identified: {
      kind: 'known',
      peer: { uid: 1000, pid, pids: [pid], executable, startMark: '100', parents: [], socketMark: '3', ...peer },
    },
    claim: { name: client, version: '1', pid },
  }
}

export function unknownProgram(client = 'maya'): CallingTool {
  return {
    identified: { kind: 'unknown', uid: 1000, because: 'a test says so' },
    claim: { name: client, version: '1', pid: 1 },
  }
}
