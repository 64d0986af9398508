/** A process as the operating system knows it. */
export interface Program {
  readonly pid: number
  /** Path of the program file, links resolved. */
  readonly executable: string
  /**
   * Of an interpreter: the script it runs, an absolute path. From the command line, which a program can rewrite: it informs, and
   * proves nothing.
   */
  readonly script?: string
  /** Tells a process from a later one with its number: whatever the system has, compared and never read. */
  readonly startMark: string
}

/** The program at the other end of a connection. */
export interface Peer extends Program {
  /** -1 where there are no numeric users. */
  readonly uid: number
  /** Every process known to hold that end, `pid` among them; all run this executable. */
  readonly pids: readonly number[]
  /** Who started it, nearest first. */
  readonly parents: readonly Program[]
  /** How this system finds the same socket in the process again. */
  readonly socketMark: string
}

/** Who is at the other end. `unknown`: this user, or `uid` would not be there, but nobody can say which program. */
export type Identified =
  | { readonly kind: 'known'; readonly peer: Peer }
  | { readonly kind: 'unknown'; readonly uid?: number; readonly because: string }
