import type { Peer } from '../socket/peer.ts'

/** What is remembered of a program: never a process. */
export interface Application {
  readonly executable: string
  /** Of an interpreter. */
  readonly script?: string
}

export function applicationOf({ executable, script }: Peer): Application {
  return { executable, ...(script === undefined ? {} : { script }) }
}

export function isSameApplication(one: Application, other: Application): boolean {
  return one.executable === other.executable && one.script === other.script
}
